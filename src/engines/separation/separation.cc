#include <algorithm>
#include <boost/json.hpp>

#include "engines/separation/separation.h"

namespace toll::engines::separation {
namespace json = boost::json;
namespace {

Fault refuse(std::string why) {
  return Fault(Reason::invalid_request).because("separation params: " + std::move(why));
}
Fault unreadable(std::string_view what) {
  return Fault(Reason::internal).because("unreadable answer of " + std::string(what));
}

bool is_default_set(std::vector<std::string> stems) {
  std::sort(stems.begin(), stems.end());
  return stems == Plan{}.stems;
}

bool is_digest(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Result<std::vector<double>> parse_row(const json::value& value) {
  if (!value.is_array()) return refuse("weights are no lists");
  std::vector<double> row;
  for (const auto& weight : value.get_array()) {
    if (!weight.is_number()) return refuse("a weight is no number");
    row.push_back(weight.to_number<double>());
    if (!(row.back() >= 0 && row.back() <= 1e6)) return refuse("a weight is out of bounds");
  }
  return row;
}

Result<TrainedModels> parse_models(const json::value* value) {
  if (!value || !value->is_object()) return refuse("models is no object");
  const auto& object = value->get_object();
  TrainedModels models;
  const auto* digests = object.if_contains("sha256");
  if (!digests || !digests->is_array() || digests->get_array().empty() || digests->get_array().size() > 16)
    return refuse("sha256 is no list of 1 to 16 digests");
  for (const auto& digest : digests->get_array()) {
    if (!digest.is_string() || !is_digest(digest.get_string())) return refuse("sha256 holds what is no digest");
    models.sha256.emplace_back(digest.get_string());
  }
  if (const auto* weights = object.if_contains("weights")) {
    if (!weights->is_array()) return refuse("weights is no list");
    for (const auto& row : weights->get_array()) models.weights.push_back(TOLL_TRY(parse_row(row)));
    if (!models.weights.empty() && models.weights.size() != models.sha256.size())
      return refuse("there are not as many rows of weights as models");
  }
  if (const auto* overlap = object.if_contains("overlap")) {
    if (!overlap->is_number()) return refuse("overlap is no number");
    models.overlap = overlap->to_number<double>();
    if (!(models.overlap >= 0 && models.overlap <= 0.9)) return refuse("overlap is out of bounds");
  }
  if (const auto* shifts = object.if_contains("shifts")) {
    if (!shifts->is_array() || shifts->get_array().size() > 20) return refuse("shifts is no list of at most 20");
    for (const auto& shift : shifts->get_array()) {
      if (!shift.is_int64() || shift.get_int64() < 0 || shift.get_int64() > sample_rate / 2)
        return refuse("a shift is out of bounds");
      models.shifts.push_back(static_cast<int>(shift.get_int64()));
    }
  }
  if (const auto* threads = object.if_contains("threads")) {
    if (!threads->is_int64() || threads->get_int64() < 0 || threads->get_int64() > 64)
      return refuse("threads is out of bounds");
    models.threads = static_cast<unsigned>(threads->get_int64());
  }
  if (const auto* memory = object.if_contains("memory_mib")) {
    if (!memory->is_int64() || memory->get_int64() < 256 || memory->get_int64() > 65536)
      return refuse("memory_mib is out of bounds");
    models.memory_mib = memory->get_int64();
  }
  if (const auto* precision = object.if_contains("precision")) {
    if (*precision != json::value("auto") && *precision != json::value("float32"))
      return refuse("precision is neither auto nor float32");
    models.float32 = *precision == json::value("float32");
  }
  return models;
}

json::object write_models(const TrainedModels& models) {
  json::array weights;
  for (const auto& row : models.weights) weights.push_back(json::array(row.begin(), row.end()));
  return {{"sha256", json::array(models.sha256.begin(), models.sha256.end())},
          {"weights", std::move(weights)},
          {"overlap", models.overlap},
          {"shifts", json::array(models.shifts.begin(), models.shifts.end())},
          {"threads", models.threads},
          {"memory_mib", models.memory_mib},
          {"precision", models.float32 ? "float32" : "auto"}};
}

// Names that are names of files without further ado, each once.
bool are_stems(std::vector<std::string> stems) {
  for (const auto& stem : stems)
    if (stem.empty() || stem.size() > 40 ||
        stem.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") != std::string::npos)
      return false;
  std::sort(stems.begin(), stems.end());
  return !stems.empty() && stems.size() <= 16 && std::adjacent_find(stems.begin(), stems.end()) == stems.end();
}

Result<json::object> parse_object(std::string_view text) {
  boost::system::error_code error;
  auto value = json::parse(text, error);
  if (error || !value.is_object()) return refuse("not a JSON object");
  return std::move(value.get_object());
}

}  // namespace

Result<Plan> parse_plan(std::string_view params) {
  auto object = TOLL_TRY(parse_object(params));
  Plan plan;
  if (const auto* method = object.if_contains("method")) {
    if (*method != "spectral" && *method != "htdemucs" && *method != "spleeter") return refuse("unknown method");
    plan.method = std::string(method->as_string());
  }
  const bool trained = plan.method != "spectral";
  if (trained) plan.models = TOLL_TRY(parse_models(object.if_contains("models")));
  if (plan.method == "spleeter" && plan.models->sha256.size() != 1) return refuse("spleeter is one model");
  if (const auto* stems = object.if_contains("stems")) {
    if (!stems->is_array()) return refuse("stems is no list");
    plan.stems.clear();
    for (const auto& stem : stems->get_array()) {
      if (!stem.is_string()) return refuse("a stem is no text");
      plan.stems.emplace_back(stem.get_string());
    }
    if (trained && !are_stems(plan.stems)) return refuse("the stems are no names");
    if (!trained && !is_default_set(plan.stems)) return refuse("the stems are not bass, drums, other, vocals");
  }
  if (const auto* two = object.if_contains("two_stem"); two && !two->is_null()) {
    if (!two->is_string()) return refuse("two_stem is no text");
    plan.two_stem = std::string(two->get_string());
    if (std::find(plan.stems.begin(), plan.stems.end(), *plan.two_stem) == plan.stems.end())
      return refuse("two_stem is no stem");
  }
  if (const auto* folded = object.if_contains("into_other")) {
    if (!folded->is_array()) return refuse("into_other is no list");
    const auto is_stem = [&](std::string_view name) { return std::ranges::find(plan.stems, name) != plan.stems.end(); };
    for (const auto& stem : folded->get_array()) {
      if (!stem.is_string() || stem == "other" || !is_stem(stem.get_string()) || !is_stem("other"))
        return refuse("into_other names what is no stem beside other");
      plan.into_other.emplace_back(stem.get_string());
    }
  }
  if (const auto* limit = object.if_contains("max_seconds")) {
    if (!limit->is_int64() || limit->get_int64() < 1) return refuse("max_seconds is no positive integer");
    plan.max_seconds = limit->get_int64();
  }
  return plan;
}

std::string write_plan(const Plan& plan) {
  json::object object{{"method", plan.method}, {"stems", json::array(plan.stems.begin(), plan.stems.end())}};
  object["two_stem"] = plan.two_stem ? json::value(*plan.two_stem) : json::value(nullptr);
  object["into_other"] = json::array(plan.into_other.begin(), plan.into_other.end());
  object["max_seconds"] = plan.max_seconds;
  if (plan.models) object["models"] = write_models(*plan.models);
  return json::serialize(object);
}

std::vector<std::string> output_stems(const Plan& plan) {
  if (plan.two_stem) return {*plan.two_stem, "no_" + *plan.two_stem};
  auto stems = plan.stems;
  std::erase_if(stems,
                [&](const auto& stem) { return std::ranges::find(plan.into_other, stem) != plan.into_other.end(); });
  return stems;
}

std::vector<std::string> output_files(const Plan& plan) {
  std::vector<std::string> names;
  for (const auto& stem : output_stems(plan))
    for (const char* format : {".wav", ".flac", ".mp3"}) names.push_back(stem + format);
  return names;
}

std::vector<std::string> input_files(const Plan& plan) {
  std::vector<std::string> names{std::string(input_name)};
  for (std::size_t i = 0; plan.models && i < plan.models->sha256.size(); ++i)
    names.push_back("model." + std::to_string(i));
  return names;
}

std::size_t scratch_files(const Plan& plan) {
  // HTDemucs goes over the song a second time, and wants to know its loudness first.
  return output_stems(plan).size() + (plan.method == "htdemucs" ? 1 : 0);
}

std::string write_answer(const Answer& answer) {
  return json::serialize(json::object{{"duration_seconds", answer.duration_seconds},
                                      {"frames", answer.frames},
                                      {"sample_rate", answer.sample_rate},
                                      {"scale", answer.scale},
                                      {"peak", answer.peak}});
}

Result<Answer> parse_answer(std::string_view text) {
  try {
    const auto object = json::parse(text).as_object();
    return Answer{.duration_seconds = object.at("duration_seconds").to_number<double>(),
                  .frames = object.at("frames").to_number<std::int64_t>(),
                  .sample_rate = object.at("sample_rate").to_number<int>(),
                  .scale = object.at("scale").to_number<double>(),
                  .peak = object.at("peak").to_number<double>()};
  } catch (const std::exception&) {
    return unreadable("separation");
  }
}

}  // namespace toll::engines::separation
