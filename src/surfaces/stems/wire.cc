#include "surfaces/stems/wire.h"

#include "surfaces/stems/dialect.h"

namespace toll::stems {

namespace {

// Only sentences that a client may read; what the tools said is in the log.
std::string error_message(const Fault& failure) {
  switch (failure.reason()) {
    case Reason::undecodable_audio:
    case Reason::audio_too_long:
    case Reason::upload_missing:
    case Reason::job_timed_out:
      return failure.fill(Dialect::row(failure.reason()).text);
    default:
      return "Processing failed";
  }
}

}  // namespace

JobView view(const separations::Separation& separation) {
  const auto& job = separation.job;
  JobView out{job.id.value(),
              separation.filename,
              separation.model,
              std::string(to_string(job.state)),
              {},
              {job.cost},
              {job.created_at},
              stamp(job.started_at),
              stamp(job.completed_at),
              {},
              separation.command(),
              separation.stem_count,
              separation.two_stem,
              job.progress,
              {},
              separation.served_by};
  if (job.failure) out.error_message = error_message(*job.failure);
  for (const auto* file : separation.wavs()) out.stems.push_back(file->name);
  if (!out.stems.empty()) out.download_url = "/download/" + out.id;
  return out;
}

}  // namespace toll::stems
