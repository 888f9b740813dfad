// Audio on its way in: the call that carries what was measured of it, and the refusals that all uploads share.
#pragma once

#include <chrono>
#include <optional>

#include "api/input.h"
#include "surfaces/tunes/house.h"

namespace toll::tunes {

inline constexpr std::chrono::hours longest_audio{2};

// A request that brings audio. prepare() measures it, handle() keeps it.
struct AudioCall : api::Call<House> {
  using api::Call<House>::Call;
  std::optional<library::NewAudio> audio;
};

// From the head alone: what is certainly too large, and an analysis that nothing here can do. Faults: upload_too_large,
// model_unusable.
Result<void> admit_audio(const AudioCall& call);
// Measures the file and puts it into the call. Faults: those of probe::Prober::measure.
Result<void> measure_audio(AudioCall& call, const api::UploadedFile& file);

}  // namespace toll::tunes
