#include "surfaces/tunes/audio_input.h"

namespace toll::tunes {

namespace {

// A form is a little longer than its file.
constexpr std::uint64_t room_for_part_heads = 64 << 10;

bool wants_analysis(const http::Request& request) {
  for (const auto& [name, value] : api::parse_urlencoded(request.query))
    if (name == "analyze" && value != "false" && value != "0" && !value.empty()) return true;
  return false;
}

}  // namespace

Result<void> admit_audio(const AudioCall& call) {
  const auto limit = call.house.library.max_audio_bytes;
  if (call.request.content_length.value_or(0) > limit + room_for_part_heads)
    return Fault(Reason::upload_too_large).with("limit", std::to_string(limit));
  if (wants_analysis(call.request))
    return Fault(Reason::model_unusable)
        .with("why", "audio analysis is not installed on this server; leave out analyze")
        .retry_after(std::chrono::hours(1));
  return {};
}

Result<void> measure_audio(AudioCall& call, const api::UploadedFile& file) {
  auto recording = call.house.library.prober.measure(file.staged->fd(), longest_audio);
  if (!recording) return std::move(recording).error();
  call.audio = library::NewAudio{file.staged, {}, std::move(*recording)};
  return {};
}

}  // namespace toll::tunes
