// Results: which files there are, one of them, all of them.
#pragma once

#include "api/download.h"
#include "base/digest.h"
#include "separations/file_names.h"
#include "surfaces/stems/endpoints/jobs.h"

namespace toll::stems {

struct StemFile {
  std::string name, filename;
  std::int64_t size = 0;
  std::string url;
};

struct StemList {
  std::vector<std::string> stems;
  std::vector<StemFile> files;
};

struct ListStems : Endpoint {
  using Request = JobPath;
  using Response = StemList;
  static constexpr Route route{Method::get, "/jobs/{id}/stems"};
  static constexpr std::string_view id = "stems.jobs.stems", summary = "List available stems";
  static constexpr std::array reasons{Reason::job_not_found, Reason::job_not_completed, Reason::job_files_gone};
  static Result<Response> handle(Call& call, const Request& in) {
    auto found = call.house.separations.finished(call.tx(), call.account(), JobId(in.id));
    if (!found) return std::move(found).error();
    StemList out;
    for (const auto* file : found->wavs()) {
      out.stems.push_back(file->name);
      out.files.push_back({std::string(separations::without_extension(file->name)), file->name,
                           static_cast<std::int64_t>(file->size),
                           "/download/" + found->job.id.value() + "/" + file->name});
    }
    return out;
  }
};

struct ListStemsShort : ListStems {
  static constexpr Route route{Method::get, "/stems/{id}"};
  static constexpr std::string_view id = "stems.stems.list", summary = "The same as GET /jobs/{id}/stems";
};

// A job's stored file, open. Faults: result_missing.
inline Result<std::shared_ptr<const blob::Reader>> open_file(const House& house, const objects::Object& file) {
  auto reader = house.store.open(file.digest);
  if (!reader) return Fault(Reason::result_missing).because("blob " + hex(file.digest) + " is not in the store");
  return reader;
}

inline std::string etag_of(const Sha256& digest) {
  return "\"" + hex(digest) + "\"";
}

struct DownloadAll : Endpoint {
  struct Request {
    std::string id;
    std::optional<std::string> format;
  };
  using Response = http::Response;
  static constexpr Route route{Method::get, "/download/{id}"};
  static constexpr std::string_view id = "stems.download.all", summary = "Download all stems (ZIP)";
  static constexpr std::string_view answers = "application/zip";
  static constexpr std::array reasons{Reason::job_not_found, Reason::job_not_completed, Reason::job_files_gone,
                                      Reason::result_missing};

  static Result<Response> handle(Call& call, const Request& in) {
    const auto format = in.format.value_or("wav");
    if (format != "wav" && format != "flac" && format != "mp3") {
      FieldProblem problem{
          Place::query, {"format"}, Problem::rejected, "must be wav, flac or mp3", json::write(format)};
      return Fault(Reason::invalid_request).at({std::move(problem)});
    }
    auto found = call.house.separations.finished(call.tx(), call.account(), JobId(in.id));
    if (!found) return std::move(found).error();
    std::vector<api::ZipEntry> entries;
    std::string contents = format;
    for (const auto& file : found->files) {
      if (!file.name.ends_with("." + format)) continue;
      auto reader = open_file(call.house, file);
      if (!reader) return std::move(reader).error();
      contents += file.name + hex(file.digest);
      entries.push_back({file.name, file.size, file.crc32, std::move(*reader)});
    }
    if (entries.empty()) return Reason::result_missing;
    const auto completed = *found->job.completed_at;
    const auto name = std::string(separations::without_extension(found->filename)) + "_separated.zip";
    return api::answer_file(call.request, {"application/zip", name, etag_of(sha256(contents + iso_seconds(completed))),
                                           api::zip_archive(std::move(entries), completed)});
  }
};

struct StemPath {
  std::string id, stem;
};

struct DownloadStem : Endpoint {
  using Request = StemPath;
  using Response = http::Response;
  static constexpr Route route{Method::get, "/download/{id}/{stem}"};
  static constexpr std::string_view id = "stems.download.one", summary = "Download individual stem";
  static constexpr std::string_view description = "<stem>.wav, <stem>.flac, <stem>.mp3, or the bare name for the WAV.";
  static constexpr std::string_view answers = "audio/wav";
  static constexpr std::array reasons{Reason::job_not_found, Reason::job_not_completed, Reason::job_files_gone,
                                      Reason::stem_not_found, Reason::result_missing};
  static Result<Response> handle(Call& call, const Request& in) { return download(call, in, ".wav"); }

 protected:
  static Result<Response> download(Call& call, const Request& in, std::string_view bare_extension) {
    auto found = call.house.separations.finished(call.tx(), call.account(), JobId(in.id));
    if (!found) return std::move(found).error();
    for (const auto& file : found->files) {
      if (file.name != in.stem && file.name != in.stem + std::string(bare_extension)) continue;
      auto reader = open_file(call.house, file);
      if (!reader) return std::move(reader).error();
      return api::answer_file(
          call.request,
          {media_type(file.name), file.name, etag_of(file.digest), {api::segment_of(std::move(*reader))}});
    }
    return Fault(Reason::stem_not_found).with("stem", in.stem);
  }
  static std::string media_type(std::string_view name) {
    return name.ends_with(".mp3") ? "audio/mpeg" : name.ends_with(".flac") ? "audio/flac" : "audio/wav";
  }
};

struct GetStem : DownloadStem {
  static constexpr Route route{Method::get, "/stems/{id}/{stem}"};
  static constexpr std::string_view id = "stems.stems.get",
                                    summary = "Download individual stem; a bare name gives the MP3";
  static constexpr std::string_view answers = "audio/mpeg";
  static Result<Response> handle(Call& call, const Request& in) { return download(call, in, ".mp3"); }
};

}  // namespace toll::stems

namespace toll::json {

template <>
struct Schema<stems::StemFile> {
  using V = stems::StemFile;
  static constexpr std::string_view name = "StemFile";
  static constexpr auto fields =
      std::tuple{field(&V::name, "name", "The stem."), field(&V::filename, "filename", "Its file name."),
                 field(&V::size, "size", "Bytes."), field(&V::url, "url", "Where it can be downloaded.")};
};

template <>
struct Schema<stems::StemList> {
  using V = stems::StemList;
  static constexpr std::string_view name = "StemList";
  static constexpr auto fields = std::tuple{field(&V::stems, "stems", "File names."),
                                            field(&V::files, "files", "The same with sizes and addresses.")};
};

template <>
struct Schema<stems::DownloadAll::Request> {
  using R = stems::DownloadAll::Request;
  static constexpr std::string_view name = "DownloadAll";
  static constexpr auto fields =
      std::tuple{field(&R::id, "id", "The job's id.", {.in = In::path}),
                 field(&R::format, "format", "wav (default), flac or mp3.", {.in = In::query})};
};

template <>
struct Schema<stems::StemPath> {
  static constexpr std::string_view name = "StemPath";
  static constexpr auto fields =
      std::tuple{field(&stems::StemPath::id, "id", "The job's id.", {.in = In::path}),
                 field(&stems::StemPath::stem, "stem", "A file name from the list of stems.", {.in = In::path})};
};

}  // namespace toll::json
