#include "engines/forensics/result.h"

#include <array>
#include <boost/json.hpp>
#include <charconv>
#include <cmath>

#include "engines/forensics/analysis_json.h"

namespace toll::engines::forensics {
namespace json = boost::json;
namespace {

constexpr int half_resolution = 2;

void write(const json::value& value, std::string& out);

// 0.75, not 7.5E-1: shortest text that is the number again, without an exponent.
void write_number(double number, std::string& out) {
  std::array<char, 64> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed).ptr;
  out.append(text.data(), end);
}

template <class Sequence, class Each>
void write_list(const Sequence& values, char open, char close, std::string& out, Each each) {
  out += open;
  bool first = true;
  for (const auto& value : values) {
    if (!first) out += ',';
    first = false;
    each(value);
  }
  out += close;
}

void write(const json::value& value, std::string& out) {
  if (value.is_double()) return write_number(value.get_double(), out);
  if (value.is_array())
    return write_list(value.get_array(), '[', ']', out, [&](const json::value& one) { write(one, out); });
  if (!value.is_object()) {
    out += json::serialize(value);
    return;
  }
  write_list(value.get_object(), '{', '}', out, [&](const json::key_value_pair& member) {
    out += json::serialize(json::value(member.key()));
    out += ':';
    write(member.value(), out);
  });
}

json::array corners(const Box& box, int scale) {
  const auto whole = [&](double side) { return static_cast<std::int64_t>(std::lround(side / scale)); };
  return {whole(box.x1), whole(box.y1), whole(box.x2), whole(box.y2)};
}

json::object by_frame(const Boxes* boxes) {
  json::object out;
  if (boxes)
    for (const auto& [frame, box] : *boxes) out[std::to_string(frame)] = corners(box, half_resolution);
  return out;
}

std::string finished(json::object object, int box_scale, const Analysis& analysis) {
  object["boxScale"] = box_scale;
  object["analysis"] = analysis_json(analysis);
  std::string out;
  write(object, out);
  return out;
}

json::value or_null(const std::optional<bool>& value) {
  return value ? json::value(*value) : json::value(nullptr);
}

}  // namespace

std::string picture_result(const PictureResult& result, const Analysis& analysis) {
  json::object out{{"resultType", "image"},
                   {"isDeepFake", result.judgement.fake},
                   {"RealConfidencePercent", real_percent(result.judgement)}};
  if (result.spots) {
    json::array regions;
    for (const auto& spot : *result.spots)
      regions.push_back(json::object{{"box", corners(spot.box, 1)}, {"score", rounded(spot.score)}});
    out["regions"] = std::move(regions);
  }
  return finished(std::move(out), 1, analysis);
}

std::string film_result(const std::vector<Identity>& identities, const Analysis& analysis) {
  json::array predictions;
  json::object boxes;
  for (const auto& one : identities) {
    predictions.push_back(json::object{{"identityId", one.id},
                                       {"isDeepFake", one.judgement.fake},
                                       {"score", one.judgement.score},
                                       {"signals", signals_json(one.signals)}});
    boxes[std::to_string(one.id)] = json::object{{"boundingBox", by_frame(one.boxes)},
                                                 {"class", one.judgement.fake ? "fake" : "real"},
                                                 {"confidence", one.judgement.confidence}};
  }
  return finished(
      {{"resultType", "video"}, {"identityPredictions", std::move(predictions)}, {"boundingBoxes", std::move(boxes)}},
      half_resolution, analysis);
}

std::string face_result(const FaceResult& result, const Analysis& analysis) {
  json::object out{{"resultType", "face-intelligence"},
                   {"isDeepFake", or_null(result.is_deep_fake)},
                   {"isLiveness", or_null(result.is_liveness)},
                   {"isSimilar", or_null(result.is_similar)}};
  if (result.similarity_score) out["similarityScore"] = *result.similarity_score;
  const json::object kind{{"isDeepFake", or_null(result.is_deep_fake)}, {"isLiveness", or_null(result.is_liveness)}};
  out["boundingBoxes"] = json::object{
      {"0", json::object{{"boundingBox", by_frame(result.boxes)}, {"class", kind}, {"confidence", result.confidence}}}};
  return finished(std::move(out), half_resolution, analysis);
}

std::string embedding_result(std::span<const float> embedding, const Analysis& analysis) {
  json::array numbers;
  for (float number : embedding) numbers.push_back(rounded(number, 8));
  return finished({{"resultType", "face-embed"}, {"embedding", numbers}, {"faceVector", numbers}}, half_resolution,
                  analysis);
}

}  // namespace toll::engines::forensics
