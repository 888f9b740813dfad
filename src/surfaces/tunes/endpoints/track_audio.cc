#include "surfaces/tunes/endpoints/track_audio.h"

#include <algorithm>

#include "api/download.h"
#include "base/text.h"
#include "library/audio_space.h"
#include "objects/digest_text.h"

namespace toll::tunes {

namespace {

constexpr std::chrono::hours upload_time{1};

Result<library::Track> with_audio(api::Call<House>& call, const Uuid& id) {
  auto track = call.house.library.tracks.get(call.tx(), call.account(), library::TrackId(id.value));
  if (track && !track->audio) return Reason::track_without_audio;
  return track;
}

// "https://host": where this request came to.
std::string origin_of(const api::Call<House>& call) {
  auto address = href_of(call.request, call.house.public_url);
  address.resize(address.size() - call.request.target.size());
  return address;
}

std::optional<Sha256> digest_from(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  return objects::digest_from_text(lower(*text));
}

}  // namespace

api::FormLimits PutAudio::form_limits(const House& house) {
  return {.file_bytes = house.library.max_audio_bytes};
}

Result<void> PutAudio::admit(Call& call) {
  return admit_audio(call);
}

Result<void> PutAudio::prepare(Call& call, Request& in) {
  return measure_audio(call, in.file);
}

Result<TrackView> PutAudio::handle(Call& call, const Request& in) {
  return view(
      call.house.library.tracks.set_audio(call.tx(), call.account(), library::TrackId(in.track_id.value), *call.audio));
}

Result<http::Response> GetAudio::handle(Call& call, const Request& in) {
  const auto track = with_audio(call, in.track_id);
  if (!track) return track.error();
  auto reader = call.house.library.store.open(objects::digest_from_text(track->audio->sha256));
  if (!reader) return Fault(Reason::internal).because("blob " + track->audio->sha256 + " is not in the store");
  auto answer = api::answer_file(call.request, {track->audio->content_type,
                                                library::Tracks::audio_file_name(*track),
                                                "\"" + track->audio->sha256 + "\"",
                                                {api::segment_of(std::move(*reader))}});
  if (answer.status == 416) {
    answer.fields.set("Content-Type", "application/json");
    answer.body = R"({"error":"Range Not Satisfiable","detail":"The audio has no such bytes"})";
  }
  return answer;
}

Result<SignedUrl> GetAudioUrl::handle(Call& call, const Request& in) {
  const auto track = with_audio(call, in.track_id);
  if (!track) return track.error();
  const std::chrono::seconds life(in.expires.value_or(3600));
  return SignedUrl{call.house.library.urls.read(origin_of(call), library::audio_key(*track), call.account(), life),
                   {call.house.clock.now() + life}};
}

void OpenAudioUpload::check(const Call&, const Request& in, api::Checks& checks) {
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  if (in.sha256 && (in.sha256->size() != 64 || !std::ranges::all_of(lower(*in.sha256), is_hex)))
    checks.refuse("sha256", *in.sha256, "must be 64 hexadecimal digits");
}

Result<AudioUploadView> OpenAudioUpload::handle(Call& call, const Request& in) {
  const auto limit = call.house.library.max_audio_bytes;
  const auto size = static_cast<std::uint64_t>(in.size);
  if (size > limit) return Fault(Reason::upload_too_large).with("limit", std::to_string(limit));
  auto slot = call.house.library.uploads.open(call.tx(), call.account(), library::TrackId(in.track_id.value),
                                              {size, digest_from(in.sha256), call.house.clock.now() + upload_time});
  if (!slot) return std::move(slot).error();
  return AudioUploadView{slot->id.value(),
                         call.house.library.urls.write(origin_of(call), *slot, upload_time),
                         "PUT",
                         {in.content_type},
                         {slot->expires_at}};
}

Result<void> CompleteAudioUpload::admit(Call& call) {
  return admit_audio(call);
}

Result<void> CompleteAudioUpload::prepare(Call& call, Request& in) {
  auto& library = call.house.library;
  auto object = call.house.db.read([&](sql::Tx& tx) {
    return library.uploads.received(tx, call.account(), library::TrackId(in.track_id.value),
                                    objects::SlotId(in.upload_id.value));
  });
  if (!object) return std::move(object).error();
  auto bytes = library.store.open(object->digest);
  if (!bytes) return Reason::upload_incomplete;
  auto recording = library.prober.measure((*bytes)->local_fd(), longest_audio);
  if (!recording) return std::move(recording).error();
  call.audio = library::NewAudio{nullptr, std::move(*object), std::move(*recording)};
  return {};
}

Result<TrackView> CompleteAudioUpload::handle(Call& call, const Request& in) {
  return view(call.house.library.uploads.complete(call.tx(), call.account(), library::TrackId(in.track_id.value),
                                                  objects::SlotId(in.upload_id.value), *call.audio));
}

}  // namespace toll::tunes
