#include "surfaces/media/wire.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/text.h"

namespace toll::media_api {

namespace {

namespace forensics = engines::forensics;

constexpr std::size_t longest_type = 127, longest_label = 255;
constexpr std::string_view of_no_kind = "application/octet-stream";

// The next `width` digits; -1: they are none.
int take_digits(std::string_view& text, std::size_t width) {
  if (text.size() < width || text.substr(0, width).find_first_not_of("0123456789") != text.npos) return -1;
  const auto value = parse_int(text.substr(0, width));
  text.remove_prefix(width);
  return static_cast<int>(*value);
}

bool take(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text.front()) == any_of.npos) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<Micros> take_fraction(std::string_view& text) {
  if (!take(text, ".")) return Micros(0);
  std::int64_t micros = 0, unit = 100'000;
  const auto before = text.size();
  for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; text.remove_prefix(1), unit /= 10)
    micros += (text.front() - '0') * unit;
  return text.size() == before ? std::nullopt : std::optional(Micros(micros));
}

std::optional<std::chrono::minutes> take_offset(std::string_view& text) {
  if (take(text, "Zz")) return std::chrono::minutes(0);
  const bool west = text.starts_with('-');
  if (!take(text, "+-")) return std::nullopt;
  const int hours = take_digits(text, 2);
  if (hours < 0 || hours > 23 || !take(text, ":")) return std::nullopt;
  const int minutes = take_digits(text, 2);
  if (minutes < 0 || minutes > 59) return std::nullopt;
  const auto offset = std::chrono::hours(hours) + std::chrono::minutes(minutes);
  return west ? -offset : offset;
}

std::string signed_link(const Call& call, const media::Record& record, std::string_view name) {
  return call.house.urls.read(origin_of(call), media::key_of(record, name), record.account, call.house.link_time);
}

std::optional<Number> number(const std::optional<double>& value) {
  return value && std::isfinite(*value) ? std::optional(Number{*value}) : std::nullopt;
}

AnalysisView analysis_of(const forensics::Analysis& from) {
  AnalysisView out;
  out.method = from.method;
  out.model = from.model;
  out.model_version = from.model_version;
  out.model_digest = from.model_digest;
  if (from.verdict) out.verdict = std::string(name_of(*from.verdict));
  out.score = number(from.score);
  out.threshold = number(from.threshold);
  out.calibrated = from.calibrated;
  for (const auto& signal : from.signals)
    out.signals.push_back({signal.name, {signal.score}, {signal.weight}, signal.meaning});
  out.warnings = from.warnings;
  out.disclaimer = from.disclaimer;
  return out;
}

void add_evidence(const Call& call, const media::Record& record, const forensics::Answer& answer, MediaView& out) {
  const auto link = [&](std::string_view name) -> std::optional<std::string> {
    if (std::ranges::find(answer.files, name) == answer.files.end()) return std::nullopt;
    return signed_link(call, record, name);
  };
  if (record.model == media::ModelType::df1) {
    auto& people = out.participants.emplace();
    for (const auto& one : answer.participants) {
      const auto heatmap = signed_link(call, record, one.file);
      people.push_back({one.id, one.fake, {one.confidence}, heatmap, heatmap});
    }
  }
  out.is_deep_fake = answer.is_deep_fake;
  out.is_liveness = answer.is_liveness;
  out.is_similar = answer.is_similar;
  out.similarity_score = number(answer.similarity_score);
  out.heatmap_url = link(media::heatmap_name);
  out.result_url = link(media::result_name);
  if (answer.analysis) out.analysis = analysis_of(*answer.analysis);
}

}  // namespace

std::optional<Time> parse_moment(std::string_view text) {
  using namespace std::chrono;
  const int y = take_digits(text, 4);
  if (y < 0 || !take(text, "-")) return std::nullopt;
  const int m = take_digits(text, 2);
  if (m < 0 || !take(text, "-")) return std::nullopt;
  const int d = take_digits(text, 2);
  if (d < 0 || !take(text, "Tt ")) return std::nullopt;
  const int h = take_digits(text, 2);
  if (h < 0 || h > 23 || !take(text, ":")) return std::nullopt;
  const int min = take_digits(text, 2);
  if (min < 0 || min > 59 || !take(text, ":")) return std::nullopt;
  const int s = take_digits(text, 2);
  if (s < 0 || s > 60) return std::nullopt;
  const auto fraction = take_fraction(text);
  const auto offset = fraction ? take_offset(text) : std::nullopt;
  const year_month_day date{year(y), month(static_cast<unsigned>(m)), day(static_cast<unsigned>(d))};
  if (!offset || !text.empty() || !date.ok()) return std::nullopt;
  return Time(sys_days(date)) + hours(h) + minutes(min) + seconds(s) + *fraction - *offset;
}

std::optional<Moment> moment(const std::optional<Time>& time) {
  return time ? std::optional(Moment{*time}) : std::nullopt;
}

std::string_view type_name(media::MediaKind kind) {
  return kind == media::MediaKind::video ? "Video" : "Image";
}

MediaView item(const Call& call, const media::Record& record) {
  MediaView out;
  out.mid = record.mid.value();
  out.name = record.name;
  out.type = type_name(record.kind);
  out.status = to_string(record.status);
  out.model_type = {record.model};
  out.created_at = {record.created_at};
  if (record.status != media::Status::inited) out.src_url = signed_link(call, record, media::original_name);
  out.failure_reason = record.failure;
  out.failure_message = record.failure_message;
  if (!record.answer) return out;
  const auto& answer = *record.answer;
  if (record.model == media::ModelType::df1) {
    out.faces = answer.faces.value_or(0);
    out.deep_fakes = answer.deep_fakes.value_or(0);
    out.fake = *out.deep_fakes > 0;
  } else {
    out.fake = answer.fake;
    out.confidence = number(answer.confidence);
  }
  return out;
}

MediaView view(const Call& call, const media::Record& record) {
  auto out = item(call, record);
  out.content_type = record.content_type;
  out.size = static_cast<std::int64_t>(record.size);
  if (record.status == media::Status::inited) out.upload_expires_at = Moment{record.upload_expires_at};
  if (record.answer) add_evidence(call, record, *record.answer, out);
  return out;
}

}  // namespace toll::media_api

namespace toll::json {

namespace {

std::optional<media_api::MediaType> media_type_of(std::string_view text) {
  if (text.empty() || text.size() > media_api::longest_type || trim(text) != text) return std::nullopt;
  if (!std::ranges::all_of(text, [](char c) { return c >= ' ' && c < 0x7f; })) return std::nullopt;
  const auto plain = lower(trim(text.substr(0, text.find(';'))));
  const auto slash = plain.find('/');
  constexpr std::string_view token = "abcdefghijklmnopqrstuvwxyz0123456789!#$&-^_.+";
  if (slash == plain.npos || slash + 1 == plain.size() ||
      plain.substr(slash + 1).find_first_not_of(token) != plain.npos)
    return std::nullopt;
  media_api::MediaType out{std::string(text), {}};
  if (plain.starts_with("video/"))
    out.kind = media::MediaKind::video;
  else if (plain.starts_with("image/") && plain != "image/svg+xml")
    out.kind = media::MediaKind::image;
  else if (plain != media_api::of_no_kind)
    return std::nullopt;
  return out;
}

// C0, DEL and C1, which is U+0080 to U+009F.
bool has_control(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x20 || c == 0x7f) return true;
    if (c == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0) return true;
  }
  return false;
}

Array all_names() {
  Array out;
  for (auto type : media::all_model_types) out.emplace_back(name_of(type));
  return out;
}

constexpr std::string_view unknown_model = "must be one of DF-1, AC-1, FD-1, FE-1 and FI-1";

}  // namespace

void Codec<media_api::Moment>::read(const Value& v, media_api::Moment& out, const Rules&, Reading& reading) {
  const auto time = v.is_string() ? media_api::parse_moment(v.get_string()) : std::nullopt;
  if (!time) return reading.refuse(Problem::rejected, "must be a time of RFC 3339", v);
  out.time = *time;
}

void Codec<media_api::Moment>::write(std::string& out, const media_api::Moment& v, bool) {
  const auto micros = iso_micros(v.time);  // "...:27.525123Z"
  out.append("\"").append(micros.substr(0, micros.size() - 4)).append("Z\"");
}

void Codec<media_api::Number>::write(std::string& out, const media_api::Number& v, bool) {
  fmt::format_to(std::back_inserter(out), "{}", v.value);
}

void Codec<media_api::Whole>::read(const Value& v, media_api::Whole& out, const Rules& rules, Reading& reading) {
  if (v.is_double() || v.is_string()) return reading.refuse(Problem::not_integer, "must be an integer", v);
  Codec<std::int64_t>::read(v, out.value, rules, reading);
}

void Codec<media_api::Label>::read(const Value& v, media_api::Label& out, const Rules& rules, Reading& reading) {
  if (!v.is_string()) return reading.refuse(Problem::not_string, "must be a string", v);
  const std::string_view text = v.get_string();
  const auto most = static_cast<std::size_t>(rules.max.value_or(media_api::longest_label));
  const auto length = utf8_length(text);
  if (length < 1 || length > most)
    return reading.refuse(Problem::rejected, fmt::format("must be 1 to {} characters", most), v);
  if (has_control(text)) return reading.refuse(Problem::rejected, "must not hold control characters", v);
  out.text = text;
}

Object Codec<media_api::Label>::schema(const Rules& rules, Definitions&) {
  return {{"type", "string"}, {"minLength", 1}, {"maxLength", rules.max.value_or(media_api::longest_label)}};
}

void Codec<media_api::MediaType>::read(const Value& v, media_api::MediaType& out, const Rules&, Reading& reading) {
  if (!v.is_string()) return reading.refuse(Problem::not_string, "must be a string", v);
  auto type = media_type_of(v.get_string());
  if (!type)
    return reading.refuse(Problem::rejected, "must be video/* or image/* (but no SVG), at most 127 characters", v);
  out = *std::move(type);
}

void Codec<media_api::ModelName>::read(const Value& v, media_api::ModelName& out, const Rules&, Reading& reading) {
  if (!v.is_string()) return reading.refuse(Problem::not_string, "must be a string", v);
  const auto type = engines::forensics::model_type_of(v.get_string());
  if (!type) return reading.refuse(Problem::rejected, std::string(unknown_model), v);
  out.type = *type;
}

void Codec<media_api::ModelName>::read_text(std::string_view text, media_api::ModelName& out, const Rules&,
                                            Reading& reading) {
  const auto type = engines::forensics::model_type_of(text);
  if (!type || name_of(*type) != text) return reading.refuse_text(std::string(unknown_model), text);
  out.type = *type;
}

void Codec<media_api::ModelName>::write(std::string& out, const media_api::ModelName& v, bool) {
  append_string(out, name_of(v.type));
}

Object Codec<media_api::ModelName>::schema(const Rules&, Definitions&) {
  return {{"type", "string"}, {"enum", all_names()}};
}

void Codec<media_api::StatusName>::read_text(std::string_view text, media_api::StatusName& out, const Rules&,
                                             Reading& reading) {
  const auto status = media::status_from(text);
  if (!status) return reading.refuse_text("must be one of INITED, UPLOADED, PROCESSED and FAILED", text);
  out.status = *status;
}

Object Codec<media_api::StatusName>::schema(const Rules&, Definitions&) {
  Array names;
  for (auto status : media::all_statuses) names.emplace_back(to_string(status));
  return {{"type", "string"}, {"enum", names}};
}

}  // namespace toll::json
