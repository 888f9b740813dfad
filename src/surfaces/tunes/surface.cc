#include "surfaces/tunes/surface.h"

#include "surfaces/tunes/dialect.h"
#include "surfaces/tunes/endpoints/accounts.h"
#include "surfaces/tunes/endpoints/keys.h"
#include "surfaces/tunes/endpoints/search.h"
#include "surfaces/tunes/endpoints/track_audio.h"
#include "surfaces/tunes/endpoints/usage.h"

namespace toll::tunes {

namespace {

template <class... Es>
struct Endpoints {
  static api::SurfaceDescription describe() { return api::describe_surface<Dialect, Es...>(); }
  static api::Surface make(const api::Core& core, House& house) {
    return api::make_surface<Dialect, House, Es...>(core, house);
  }
};

// In the order of the documentation.
using All = Endpoints<CreateKey, ListKeys, GetKey, UpdateKey, RotateKey, RevokeKey, DeleteKey, GetKeyUsage,    //
                      Register, Login, GetMe,                                                                  //
                      ListTracks, CreateTrack, BatchTracks, TrackSummary, GetTrack, UpdateTrack, DeleteTrack,  //
                      PutAudio, GetAudio, GetAudioUrl, OpenAudioUpload, CompleteAudioUpload,                   //
                      Search,                                                                                  //
                      CreatePlaylist, ListPlaylists, GetPlaylist, UpdatePlaylist, DeletePlaylist, ListEntries,
                      AddEntries, PutEntries, ReorderEntry, TakeOutEntries, TakeOutEntry>;

}  // namespace

const api::SurfaceDescription& describe() {
  static const auto description = All::describe();
  return description;
}

api::Surface make(const api::Core& core, House& house) {
  return All::make(core, house);
}

}  // namespace toll::tunes
