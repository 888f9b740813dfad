// How this surface reads and writes records, keys and parameters. Optional members that do not apply are left out.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "json/schema.h"
#include "surfaces/media/house.h"

namespace toll::media_api {

// UTC with three decimals: "2025-12-02T19:39:27.525Z". Reads RFC 3339 with any offset.
struct Moment {
  Time time{};
};
std::optional<Time> parse_moment(std::string_view text);
std::optional<Moment> moment(const std::optional<Time>& time);

// Always finite.
struct Number {
  double value = 0;
};

// A JSON integer: no text, no fraction, no exponent.
struct Whole {
  std::int64_t value = 0;
};

// 1 to 255 characters, none of them a control character.
struct Label {
  std::string text;
};

// "video/mp4; codecs=avc1", as sent: it is signed.
struct MediaType {
  std::string text;
  std::optional<media::MediaKind> kind;  // none: application/octet-stream
};

// In any case, written in upper case.
struct ModelName {
  media::ModelType type = media::ModelType::ac1;
};

// A switch whose value matters for FI-1 alone: what is no boolean is remembered, for check() to judge.
struct Switch {
  std::optional<bool> on;
  bool wrong = false;
};

struct StatusName {
  media::Status status = media::Status::inited;
};

struct ParticipantView {
  std::int64_t id = 0;
  bool fake = false;
  Number confidence;
  std::string heatmap, heatmap_url;
};

struct SignalView {
  std::string name;
  Number score, weight;
  std::string meaning;
};

struct AnalysisView {
  std::string method, model, model_version;
  std::optional<std::string> model_digest, verdict;
  std::optional<Number> score, threshold;
  bool calibrated = false;
  std::vector<SignalView> signals;
  std::vector<std::string> warnings;
  std::optional<std::string> disclaimer;
};

struct MediaView {
  std::string mid, name, type, status;
  ModelName model_type;
  Moment created_at;
  std::optional<std::string> content_type;
  std::optional<std::int64_t> size;
  std::optional<Moment> upload_expires_at;
  std::optional<std::string> src_url;
  std::optional<std::int64_t> faces, deep_fakes;
  std::optional<bool> fake;
  std::optional<Number> confidence;
  std::optional<std::vector<ParticipantView>> participants;
  std::optional<bool> is_deep_fake, is_liveness, is_similar;
  std::optional<Number> similarity_score;
  std::optional<std::string> heatmap_url, result_url;
  std::optional<AnalysisView> analysis;
  std::optional<std::string> failure_reason, failure_message;
};
// As a list shows it; with fresh links.
MediaView item(const Call& call, const media::Record& record);
// As a single GET shows it.
MediaView view(const Call& call, const media::Record& record);

// "Video" or "Image".
std::string_view type_name(media::MediaKind kind);

}  // namespace toll::media_api

namespace toll::json {

template <>
struct Codec<media_api::Moment> {
  static void read(const Value& v, media_api::Moment& out, const Rules&, Reading& reading);
  static void write(std::string& out, const media_api::Moment& v, bool);
  static Object schema(const Rules&, Definitions&) {
    return {{"type", "string"}, {"format", "date-time"}, {"examples", Array{"2025-12-02T19:39:27.525Z"}}};
  }
};

template <>
struct Codec<media_api::Number> {
  static void write(std::string& out, const media_api::Number& v, bool);
  static Object schema(const Rules&, Definitions&) { return {{"type", "number"}}; }
};

template <>
struct Codec<media_api::Whole> {
  static void read(const Value& v, media_api::Whole& out, const Rules& rules, Reading& reading);
  static Object schema(const Rules& rules, Definitions& all) { return Codec<std::int64_t>::schema(rules, all); }
};

template <>
struct Codec<media_api::Label> {
  static void read(const Value& v, media_api::Label& out, const Rules& rules, Reading& reading);
  static Object schema(const Rules& rules, Definitions&);
};

template <>
struct Codec<media_api::MediaType> {
  static void read(const Value& v, media_api::MediaType& out, const Rules&, Reading& reading);
  static Object schema(const Rules&, Definitions&) {
    return {{"type", "string"}, {"maxLength", 127}, {"examples", Array{"video/mp4"}}};
  }
};

template <>
struct Codec<media_api::ModelName> {
  static void read(const Value& v, media_api::ModelName& out, const Rules&, Reading& reading);
  static void read_text(std::string_view text, media_api::ModelName& out, const Rules&, Reading& reading);
  static void write(std::string& out, const media_api::ModelName& v, bool);
  static Object schema(const Rules&, Definitions&);
};

// Of texts that come in a path or query: as a JSON value they read the same.
template <class T>
struct WordCodec {
  static void read(const Value& v, T& out, const Rules& rules, Reading& reading) {
    if (!v.is_string()) return reading.refuse(Problem::not_string, "must be a string", v);
    Codec<T>::read_text(v.get_string(), out, rules, reading);
  }
};

template <>
struct Codec<media_api::StatusName> : WordCodec<media_api::StatusName> {
  static void read_text(std::string_view text, media_api::StatusName& out, const Rules&, Reading& reading);
  static Object schema(const Rules&, Definitions&);
};

template <>
struct is_optional<media_api::Switch> : std::true_type {};
template <>
struct Codec<media_api::Switch> {
  static void read(const Value& v, media_api::Switch& out, const Rules&, Reading&) {
    if (v.is_bool()) out.on = v.get_bool();
    out.wrong = !v.is_bool() && !v.is_null();
  }
  static Object schema(const Rules&, Definitions&) { return {{"type", "boolean"}}; }
};

template <>
struct Schema<media_api::ParticipantView> {
  using V = media_api::ParticipantView;
  static constexpr std::string_view name = "Participant";
  static constexpr auto fields =
      std::tuple{field(&V::id, "id", "0, 1, 2 ... by falling time on screen."), field(&V::fake, "fake", "The verdict."),
                 field(&V::confidence, "confidence", "In what `fake` says, 0 to 1."),
                 field(&V::heatmap, "heatmap", "A signed link to its heat map, MP4."),
                 field(&V::heatmap_url, "heatmapURL", "The same.")};
};

template <>
struct Schema<media_api::SignalView> {
  using V = media_api::SignalView;
  static constexpr std::string_view name = "Signal";
  static constexpr auto fields = std::tuple{field(&V::name, "name", "What was looked at."),
                                            field(&V::score, "score", "0 to 1; higher: more likely not authentic."),
                                            field(&V::weight, "weight", "Its part in the score."),
                                            field(&V::meaning, "meaning", "One sentence for people.")};
};

template <>
struct Schema<media_api::AnalysisView> {
  using V = media_api::AnalysisView;
  static constexpr std::string_view name = "Analysis";
  static constexpr auto fields =
      std::tuple{field(&V::method, "method", "onnx-model or builtin-forensic."),
                 field(&V::model, "model", "Which one."),
                 field(&V::model_version, "modelVersion", "Its version."),
                 field(&V::model_digest, "modelDigest", "sha256:... of a model of the registry.", {.omit_null = true}),
                 field(&V::verdict, "verdict", "fake, real or inconclusive.", {.omit_null = true}),
                 field(&V::score, "score", "0 to 1; higher: more likely fake.", {.omit_null = true}),
                 field(&V::threshold, "threshold", "From which score on it is fake.", {.omit_null = true}),
                 field(&V::calibrated, "calibrated", "Whether scores are probabilities."),
                 field(&V::signals, "signals", "The evidence."),
                 field(&V::warnings, "warnings", "Codes."),
                 field(&V::disclaimer, "disclaimer", "What the built-in analysis is not.", {.omit_null = true})};
};

template <>
struct Schema<media_api::MediaView> {
  using V = media_api::MediaView;
  static constexpr Rules maybe{.omit_null = true};
  static constexpr std::string_view name = "Media";
  static constexpr auto fields =
      std::tuple{field(&V::mid, "mid", "Its id.", {.example = "692f406f9f68d4b70080bb80"}),
                 field(&V::name, "name", "Its label.", {.example = "video_sample"}),
                 field(&V::type, "type", "Video or Image."),
                 field(&V::status, "status", "INITED, UPLOADED, PROCESSED or FAILED; never backwards."),
                 field(&V::model_type, "modelType", "What it is analysed with."),
                 field(&V::created_at, "createdAt", "When it was made."),
                 field(&V::content_type, "contentType", "As declared.", maybe),
                 field(&V::size, "size", "Bytes, as declared.", maybe),
                 field(&V::upload_expires_at, "uploadExpiresAt", "INITED: until when its link works.", maybe),
                 field(&V::src_url, "srcURL", "UPLOADED and later: a signed link to the file.", maybe),
                 field(&V::faces, "faces", "DF-1: how many people were found.", maybe),
                 field(&V::deep_fakes, "deepFakes", "DF-1: how many of them are fake.", maybe),
                 field(&V::fake, "fake", "The verdict.", maybe),
                 field(&V::confidence, "confidence", "In it, 0 to 1.", maybe),
                 field(&V::participants, "participants", "DF-1: the people.", maybe),
                 field(&V::is_deep_fake, "isDeepFake", "FI-1 with faceswapCheck.", maybe),
                 field(&V::is_liveness, "isLiveness", "FI-1 with livenessCheck.", maybe),
                 field(&V::is_similar, "isSimilar", "FI-1 with faceSimilarityCheck.", maybe),
                 field(&V::similarity_score, "similarityScore", "The same, 0 to 100.", maybe),
                 field(&V::heatmap_url, "heatmapURL", "AC-1, FD-1: a signed link to a JPEG.", maybe),
                 field(&V::result_url, "resultURL", "A signed link to the whole result, JSON.", maybe),
                 field(&V::analysis, "analysis", "How the verdict came about.", maybe),
                 field(&V::failure_reason, "failureReason", "FAILED: a code.", maybe),
                 field(&V::failure_message, "failureMessage", "FAILED: one sentence.", maybe)};
};

}  // namespace toll::json
