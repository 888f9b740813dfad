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
    if (!method->is_string() || method->get_string() != plan.method) return refuse("unknown method");
  }
  if (const auto* stems = object.if_contains("stems")) {
    if (!stems->is_array()) return refuse("stems is no list");
    plan.stems.clear();
    for (const auto& stem : stems->get_array()) {
      if (!stem.is_string()) return refuse("a stem is no text");
      plan.stems.emplace_back(stem.get_string());
    }
    if (!is_default_set(plan.stems)) return refuse("the stems are not bass, drums, other, vocals");
  }
  if (const auto* two = object.if_contains("two_stem"); two && !two->is_null()) {
    if (!two->is_string()) return refuse("two_stem is no text");
    plan.two_stem = std::string(two->get_string());
    if (std::find(plan.stems.begin(), plan.stems.end(), *plan.two_stem) == plan.stems.end())
      return refuse("two_stem is no stem");
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
  object["max_seconds"] = plan.max_seconds;
  return json::serialize(object);
}

std::vector<std::string> output_stems(const Plan& plan) {
  if (plan.two_stem) return {*plan.two_stem, "no_" + *plan.two_stem};
  return plan.stems;
}

std::vector<std::string> output_files(const Plan& plan) {
  std::vector<std::string> names;
  for (const auto& stem : output_stems(plan))
    for (const char* format : {".wav", ".flac", ".mp3"}) names.push_back(stem + format);
  return names;
}

std::size_t scratch_files(const Plan& plan) {
  return output_stems(plan).size();
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
