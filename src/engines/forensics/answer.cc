#include <boost/json.hpp>

#include "engines/forensics/analysis_json.h"
#include "engines/forensics/fields.h"

namespace toll::engines::forensics {
namespace json = boost::json;
namespace {

json::object write_media(const Media& media) {
  return {{"kind", name_of(media.kind)}, {"container", media.container}, {"codec", media.codec},
          {"width", media.width},        {"height", media.height},       {"seconds", media.seconds},
          {"frames", media.frames}};
}

Media read_media(const Fields& fields) {
  Media media;
  const auto kind = media_kind_of(fields.text("kind"));
  if (!kind) throw Misfit("kind is unknown");
  media.kind = *kind;
  media.container = fields.text("container", "");
  media.codec = fields.text("codec", "");
  media.width = static_cast<int>(fields.integer("width", 0, INT32_MAX, 0));
  media.height = static_cast<int>(fields.integer("height", 0, INT32_MAX, 0));
  media.seconds = fields.number("seconds", 0, 1e9, 0);
  media.frames = fields.integer("frames", 0, INT64_MAX, 0);
  return media;
}

std::optional<double> read_share(const Fields& fields, std::string_view name, double most = 1) {
  if (!fields.find(name)) return std::nullopt;
  return fields.number(name, 0, most, 0);
}
std::optional<bool> read_flag(const Fields& fields, std::string_view name) {
  if (!fields.find(name)) return std::nullopt;
  return fields.boolean(name, false);
}
std::optional<int> read_count(const Fields& fields, std::string_view name) {
  if (!fields.find(name)) return std::nullopt;
  return static_cast<int>(fields.integer(name, 0, most_participants, 0));
}
std::optional<std::string> read_text(const Fields& fields, std::string_view name) {
  if (!fields.find(name)) return std::nullopt;
  return fields.text(name);
}
std::vector<std::string> read_texts(const Fields& fields, std::string_view name) {
  std::vector<std::string> out;
  for (const auto& text : fields.array(name)) {
    if (!text.is_string()) throw Misfit(std::string(name) + " holds what is no text");
    out.emplace_back(text.get_string());
  }
  return out;
}

Analysis read_analysis(const Fields& fields) {
  Analysis analysis;
  analysis.method = fields.text("method");
  analysis.model = fields.text("model");
  analysis.model_version = fields.text("modelVersion");
  analysis.model_digest = read_text(fields, "modelDigest");
  if (fields.find("verdict")) {
    analysis.verdict = verdict_of(fields.text("verdict"));
    if (!analysis.verdict) throw Misfit("verdict is unknown");
  }
  analysis.score = read_share(fields, "score");
  analysis.threshold = read_share(fields, "threshold");
  analysis.calibrated = fields.boolean("calibrated", false);
  for (const auto& one : fields.array("signals")) {
    const auto signal = Fields::of(one, "a signal");
    analysis.signals.push_back({signal.text("name"), signal.number("score", 0, 1, 0), signal.number("weight", 0, 1, 0),
                                signal.text("meaning")});
  }
  analysis.warnings = read_texts(fields, "warnings");
  analysis.disclaimer = read_text(fields, "disclaimer");
  return analysis;
}

Answer read_answer(std::string_view text) {
  const auto object = Fields::parse(text);
  const Fields fields(object);
  Answer answer;
  if (fields.find("failure")) {
    answer.failure = failure_of(fields.text("failure"));
    if (!answer.failure) throw Misfit("failure is unknown");
    answer.failure_message = fields.text("failureMessage");
  }
  answer.media = read_media(fields.object("media"));
  answer.fake = read_flag(fields, "fake");
  answer.confidence = read_share(fields, "confidence");
  answer.faces = read_count(fields, "faces");
  answer.deep_fakes = read_count(fields, "deepFakes");
  for (const auto& one : fields.array("participants")) {
    const auto participant = Fields::of(one, "a participant");
    answer.participants.push_back({static_cast<int>(participant.integer("id", 0, most_participants - 1, 0)),
                                   participant.boolean("fake", false), participant.number("confidence", 0, 1, 0),
                                   participant.text("file")});
  }
  answer.is_deep_fake = read_flag(fields, "isDeepFake");
  answer.is_liveness = read_flag(fields, "isLiveness");
  answer.is_similar = read_flag(fields, "isSimilar");
  answer.similarity_score = read_share(fields, "similarityScore", 100);
  if (fields.find("analysis")) answer.analysis = read_analysis(fields.object("analysis"));
  answer.files = read_texts(fields, "files");
  return answer;
}

template <class T>
void put(json::object& out, std::string_view name, const std::optional<T>& value) {
  if (value) out[name] = *value;
}

}  // namespace

json::array signals_json(const std::vector<Signal>& signals) {
  json::array out;
  for (const auto& signal : signals)
    out.push_back(json::object{
        {"name", signal.name}, {"score", signal.score}, {"weight", signal.weight}, {"meaning", signal.meaning}});
  return out;
}

json::object analysis_json(const Analysis& analysis) {
  json::object out{{"method", analysis.method}, {"model", analysis.model}, {"modelVersion", analysis.model_version}};
  if (analysis.model_digest) out["modelDigest"] = *analysis.model_digest;
  if (analysis.verdict) out["verdict"] = name_of(*analysis.verdict);
  if (analysis.score) out["score"] = *analysis.score;
  if (analysis.threshold) out["threshold"] = *analysis.threshold;
  out["calibrated"] = analysis.calibrated;
  out["signals"] = signals_json(analysis.signals);
  out["warnings"] = json::array(analysis.warnings.begin(), analysis.warnings.end());
  if (analysis.disclaimer) out["disclaimer"] = *analysis.disclaimer;
  return out;
}

std::string write_answer(const Answer& answer) {
  json::object out;
  if (answer.failure) {
    out["failure"] = name_of(*answer.failure);
    out["failureMessage"] = answer.failure_message;
  }
  out["media"] = write_media(answer.media);
  put(out, "fake", answer.fake);
  put(out, "confidence", answer.confidence);
  put(out, "faces", answer.faces);
  put(out, "deepFakes", answer.deep_fakes);
  json::array participants;
  for (const auto& one : answer.participants)
    participants.push_back(
        json::object{{"id", one.id}, {"fake", one.fake}, {"confidence", one.confidence}, {"file", one.file}});
  out["participants"] = std::move(participants);
  put(out, "isDeepFake", answer.is_deep_fake);
  put(out, "isLiveness", answer.is_liveness);
  put(out, "isSimilar", answer.is_similar);
  put(out, "similarityScore", answer.similarity_score);
  if (answer.analysis) out["analysis"] = analysis_json(*answer.analysis);
  out["files"] = json::array(answer.files.begin(), answer.files.end());
  return json::serialize(out);
}

Result<Answer> parse_answer(std::string_view answer) try { return read_answer(answer); } catch (const Misfit& misfit) {
  return Fault(Reason::internal).because(std::string("unreadable answer of forensics: ") + misfit.what());
}

}  // namespace toll::engines::forensics
