#include "probe/recording.h"

#include <boost/json.hpp>

namespace toll::probe {

namespace json = boost::json;

std::string write_recording(const Recording& r) {
  return json::serialize(json::object{{"content_type", r.content_type},
                                      {"codec", r.codec},
                                      {"frames", r.frames},
                                      {"sample_rate", r.sample_rate},
                                      {"channels", r.channels},
                                      {"title", r.title ? json::value(*r.title) : json::value(nullptr)}});
}

Result<Recording> parse_recording(std::string_view answer) try {
  const auto object = json::parse(answer).as_object();
  Recording out{.content_type = std::string(object.at("content_type").as_string()),
                .codec = std::string(object.at("codec").as_string()),
                .frames = object.at("frames").to_number<std::int64_t>(),
                .sample_rate = object.at("sample_rate").to_number<std::int64_t>(),
                .channels = object.at("channels").to_number<std::int64_t>(),
                .title = {}};
  if (const auto& title = object.at("title"); title.is_string()) out.title = std::string(title.get_string());
  return out;
} catch (const std::exception& error) {
  return Fault(Reason::internal).because(std::string("unreadable answer of probe: ") + error.what());
}

}  // namespace toll::probe
