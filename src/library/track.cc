#include "library/track.h"

#include "base/digest.h"
#include "base/text.h"
#include "library/words.h"

namespace toll::library {

// RFC 9562, 5.8: a UUID of our own making, from a digest of who and what.
std::string artist_id(AccountId account, std::string_view name) {
  auto digest = sha256("artist " + std::to_string(account.value()) + " " + caseless(trim(name)));
  digest[6] = (digest[6] & std::byte{0x0f}) | std::byte{0x80};
  digest[8] = (digest[8] & std::byte{0x3f}) | std::byte{0x80};
  const auto text = hex(std::span(digest).first(16));
  return text.substr(0, 8) + "-" + text.substr(8, 4) + "-" + text.substr(12, 4) + "-" + text.substr(16, 4) + "-" +
         text.substr(20);
}

TrackFields Track::fields() const {
  TrackFields out{name,   {},           album,        duration_ms, explicit_lyrics,
                  genres, external_ids, track_number, disc_number, metadata};
  for (const auto& artist : artists) out.artists.push_back(artist.name);
  return out;
}

}  // namespace toll::library
