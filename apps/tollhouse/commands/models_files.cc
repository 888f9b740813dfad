#include "tollhouse/commands/models_files.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <fstream>
#include <system_error>

#include "base/checksum.h"
#include "models/names.h"
#include "tollhouse/hub/selection.h"

namespace toll::app {

namespace fs = std::filesystem;

Result<std::vector<std::pair<std::string, fs::path>>> files_below(const fs::path& from) {
  std::vector<std::pair<std::string, fs::path>> out;
  if (fs::is_regular_file(from)) {
    out.emplace_back(from.filename().string(), from);
  } else if (fs::is_directory(from)) {
    for (const auto& entry : fs::recursive_directory_iterator(from, fs::directory_options::follow_directory_symlink)) {
      const auto name = entry.path().lexically_relative(from).generic_string();
      if (entry.is_regular_file() && !hub::is_debris(name)) out.emplace_back(name, entry.path());
    }
  }
  if (out.empty()) return Fault(Reason::not_found).because("there are no files in " + from.string());
  std::ranges::sort(out);
  for (const auto& [name, path] : out)
    if (const auto problem = models::file_name_problem(name))
      return Fault(Reason::invalid_request).because(fmt::format("the file name {} {}", name, *problem));
  return out;
}

Result<void> make_room_for(std::size_t staged_files) {
  // Databases, transfers and halves that are open beside them.
  constexpr rlim_t others = 64;
  rlimit open_files{};
  auto look = [&] {
    if (::getrlimit(RLIMIT_NOFILE, &open_files) != 0)
      throw std::system_error(errno, std::generic_category(), "getrlimit");
  };
  look();
  open_files.rlim_cur = open_files.rlim_max;
  // What cannot be had is seen below.
  ::setrlimit(RLIMIT_NOFILE, &open_files);
  look();
  if (open_files.rlim_cur == RLIM_INFINITY || staged_files + others <= open_files.rlim_cur) return {};
  return Fault(Reason::overloaded)
      .because(fmt::format("{} files are stored in one step and stay open until then, and this process may open {}: "
                           "raise its limit (ulimit -Hn {})",
                           staged_files, open_files.rlim_cur, staged_files + others));
}

Result<StagedFile> stage_file(blob::Store& store, const fs::path& path,
                              const std::function<void(std::uint64_t bytes)>& progress) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::system_error(errno, std::generic_category(), "read " + path.string());
  auto writer = TOLL_TRY(store.create());
  ChecksumStream git(ChecksumStream::Kind::sha1);
  // Git hashes "blob <size>" and a NUL before the bytes.
  const auto head = fmt::format("blob {}", fs::file_size(path));
  git.update({head.c_str(), head.size() + 1});
  std::string piece(1 << 20, '\0');
  while (in.read(piece.data(), static_cast<std::streamsize>(piece.size())), in.gcount() > 0) {
    const std::string_view bytes(piece.data(), static_cast<std::size_t>(in.gcount()));
    git.update(bytes);
    TOLL_TRY(writer->write(as_span(bytes)));
    progress(bytes.size());
  }
  if (in.bad()) throw std::system_error(errno, std::generic_category(), "read " + path.string());
  std::shared_ptr<blob::Staged> staged = TOLL_TRY(writer->finish());
  return StagedFile{std::move(staged), hex(as_span(git.finish()))};
}

}  // namespace toll::app
