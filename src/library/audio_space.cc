#include "library/audio_space.h"

#include "base/text.h"
#include "objects/digest_text.h"

namespace toll::library {

namespace {

// "tracks/<id>/..." -> id
TrackId track_of(std::string_view key) {
  key.remove_prefix(std::min(key.size(), audio_space_prefix.size()));
  return TrackId(std::string(key.substr(0, key.find('/'))));
}

}  // namespace

std::string audio_key(const Track& track) {
  return std::string(audio_space_prefix) + track.id.value() + "/" + Tracks::audio_file_name(track);
}

Result<objects::Slot> AudioUploads::open(sql::Tx& tx, AccountId account, const TrackId& track,
                                         const Wanted& wanted) const {
  if (auto found = tracks_.get(tx, account, track); !found) return std::move(found).error();
  return slots_.open(tx, {.account = account,
                          .space = std::string(audio_space_prefix),
                          .reference = track.value(),
                          .key = std::string(audio_space_prefix) + track.value() + "/upload",
                          .max_bytes = wanted.size,
                          .expires_at = wanted.expires_at,
                          .expected_size = wanted.size,
                          .expected_digest = wanted.digest});
}

Result<objects::Object> AudioUploads::received(sql::Tx& tx, AccountId account, const TrackId& track,
                                               const objects::SlotId& upload) const {
  if (auto found = tracks_.get(tx, account, track); !found) return std::move(found).error();
  const auto slot = slots_.get(tx, upload);
  if (!slot || slot->finished || slot->account != account || slot->space != audio_space_prefix ||
      slot->reference != track.value())
    return Reason::upload_not_found;
  auto object = slots_.received(tx, upload);
  if (!object) return Reason::upload_incomplete;
  return std::move(*object);
}

Result<Track> AudioUploads::complete(sql::Tx& tx, AccountId account, const TrackId& track,
                                     const objects::SlotId& upload, const NewAudio& audio) const {
  const auto now = received(tx, account, track, upload);
  if (!now) return now.error();
  if (now->digest != audio.received.value().digest) return Reason::upload_incomplete;
  auto changed = tracks_.set_audio(tx, account, track, {nullptr, *now, audio.recording});
  if (changed) slots_.finish(tx, upload);
  return changed;
}

Result<objects::Readable> AudioSpace::find(sql::Tx& tx, std::string_view key, const objects::Bearer& bearer) const {
  // A URL that was signed elsewhere names nobody whose library this could be.
  if (!bearer) return Reason::object_not_found;
  const auto track = tracks_.get(tx, *bearer, track_of(key));
  if (!track || !track->audio) return Reason::object_not_found;
  return objects::Readable{objects::digest_from_text(track->audio->sha256), track->audio->size,
                           track->audio->uploaded_at, track->audio->content_type};
}

}  // namespace toll::library
