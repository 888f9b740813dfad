// source.fs, sink.fs.
#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json/serialize.hpp>
#include <cerrno>

#include "base/text.h"
#include "workflows/steps/files.h"
#include "workflows/steps/outside.h"
#include "workflows/steps/schema_words.h"

namespace toll::workflows::steps {

namespace {

constexpr std::size_t most_entries = 200'000;
constexpr int deepest = 32;

void check_root(Checking& what, const Roots& roots, bool writes) {
  const auto* name = what.step.with.if_contains("root");
  if (!name || !name->is_string()) return;
  const auto* root = roots.find(name->get_string());
  if (!root) what.problems.add("unknown_root", what.path / "root", "There is no such folder on this server.");
  if (root && writes && !root->writable)
    what.problems.add("unknown_root", what.path / "root", "This folder is for reading alone.");
}

void check_path(Checking& what) {
  const auto path = text_in(what.step.with, "path");
  if (path.find("{{") == path.npos && !is_plain_path(path))
    what.problems.add("invalid", what.path / "path", "The path must be relative and stay below its folder.");
}

struct Found {
  std::string path;  // below the root
  std::int64_t modified = 0;
};

// Regular files below a folder; symbolic links are neither followed nor listed.
class Walk {
 public:
  Walk(const Root& root, bool recursive, std::vector<std::string> extensions, std::stop_token stop)
      : root_(root), recursive_(recursive), extensions_(std::move(extensions)), stop_(std::move(stop)) {}

  // False: the folder is not there.
  bool folder(const std::string& path, int depth = 0) {
    auto fd = open_below(root_, path, O_RDONLY | O_DIRECTORY);
    if (!fd) return false;
    const std::unique_ptr<DIR, int (*)(DIR*)> listing(::fdopendir(::fcntl(fd->get(), F_DUPFD_CLOEXEC, 3)), ::closedir);
    if (!listing) return false;
    while (const auto* entry = ::readdir(listing.get())) {
      const std::string name = entry->d_name;
      if (name == "." || name == ".." || ++seen_ > most_entries || stop_.stop_requested()) continue;
      struct stat status {};
      if (::fstatat(fd->get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
      const auto below = path.empty() ? name : path + "/" + name;
      if (S_ISDIR(status.st_mode) && recursive_ && depth < deepest) folder(below, depth + 1);
      if (S_ISREG(status.st_mode) && wanted(name))
        found.push_back({below, status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec});
    }
    return true;
  }

  std::vector<Found> found;

 private:
  // What sink.fs has not finished begins with a point, like all hidden files.
  bool wanted(const std::string& name) const {
    if (name.starts_with('.') || !valid_utf8(name)) return false;
    return extensions_.empty() || std::any_of(extensions_.begin(), extensions_.end(), [&](const std::string& ending) {
             return lower(name).ends_with("." + ending);
           });
  }

  const Root& root_;
  const bool recursive_;
  const std::vector<std::string> extensions_;
  const std::stop_token stop_;
  std::size_t seen_ = 0;
};

std::vector<std::string> extensions_of(const json::Object& with) {
  std::vector<std::string> out;
  if (const auto* list = with.if_contains("extensions"))
    for (const auto& one : list->get_array()) {
      auto text = lower(one.get_string());
      out.push_back(text.starts_with('.') ? text.substr(1) : text);
    }
  return out;
}

void sort_found(std::vector<Found>& found, const std::string& order) {
  std::sort(found.begin(), found.end(), [&](const Found& a, const Found& b) {
    if (order == "oldest" && a.modified != b.modified) return a.modified < b.modified;
    if (order == "newest" && a.modified != b.modified) return a.modified > b.modified;
    return a.path < b.path;
  });
}

class SourceFs final : public StepKind {
 public:
  SourceFs(const Roots& roots, DetectType detect) : roots_(roots), detect_(std::move(detect)) {
    about_.name = "source.fs";
    about_.summary = "Files of a folder that the operator named: one item each.";
    about_.role = Role::source;
    about_.with = an_object(
        {{"root", a_text("The operator's name for the folder.", 64)},
         {"path",
          {{"type", "string"}, {"maxLength", 4096}, {"description", "A folder below it; the root itself by default."}}},
         {"recursive", a_flag("Folders below as well.", false)},
         {"extensions", {{"type", "array"}, {"items", a_text("\"pdf\"", 40)}, {"maxItems", 50}}},
         {"max_files", an_integer("More are left for the next execution.", 1, 10'000, 100)},
         {"order", one_of("Which come first.", json::Array{"name", "oldest", "newest"}, "name")},
         {"skip_seen", a_flag("Leave out what an execution has had before.", false)}},
        {"root"});
    about_.outputs = {"name", "mime", "size", "sha256", "text", "data"};
    about_.gives = {Media::any};
    about_.lasting = true;
  }
  const About& about() const override { return about_; }
  bool lists() const override { return true; }

  std::optional<std::string> unavailable(const json::Object& with) const override {
    if (flag_in(with, "skip_seen", false)) return "skip_seen is not there yet";
    return std::nullopt;
  }

  void check(Checking& what) const override {
    check_root(what, roots_, false);
    check_path(what);
  }

  ListResult list(const Call& call, std::stop_token stop) override {
    const auto* root = roots_.find(text_in(call.with, "root"));
    if (!root) return failed(fault::fetch_failed, "There is no such folder on this server.");
    Walk walk(*root, flag_in(call.with, "recursive", false), extensions_of(call.with), stop);
    if (!walk.folder(text_in(call.with, "path"))) return failed(fault::fetch_failed, "The folder cannot be read.");
    sort_found(walk.found, text_in(call.with, "order", "name"));
    const auto most = static_cast<std::size_t>(integer_in(call.with, "max_files", 100));
    Listed out;
    for (const auto& found : walk.found) {
      if (out.items.size() == most) break;
      Item item;
      item.name = name_of_path(percent_encode(found.path.substr(found.path.rfind('/') + 1)));
      item.url = found.path;
      out.items.push_back(std::move(item));
    }
    return out;
  }

  StepResult run(const Call& call, std::stop_token stop) override {
    const auto* root = roots_.find(text_in(call.with, "root"));
    auto file = root ? open_below(*root, call.item.url.value_or(""), O_RDONLY | O_NONBLOCK) : std::nullopt;
    struct stat status {};
    if (!file || ::fstat(file->get(), &status) != 0 || !S_ISREG(status.st_mode))
      return failed(fault::file_unreadable, "The file is not there any more.");
    Incoming incoming(*call.store, call.max_file_bytes);
    std::vector<char> buffer(256 << 10);
    for (;;) {
      if (stop.stop_requested()) return failed(fault::cancelled, "The work was cancelled.");
      const auto got = ::read(file->get(), buffer.data(), buffer.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return failed(fault::file_unreadable, "The file cannot be read.");
      if (got == 0 || !incoming.write({buffer.data(), static_cast<std::size_t>(got)})) break;
    }
    return incoming.finish(call.item.name, detect_);
  }

 private:
  About about_;
  const Roots& roots_;
  DetectType detect_;
};

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return true;
}

bool copy_file(int fd, const blob::Reader& file, const std::stop_token& stop) {
  std::vector<std::byte> buffer(256 << 10);
  for (std::uint64_t at = 0; !stop.stop_requested();) {
    const auto got = file.read_at(at, buffer);
    if (got == 0) return true;
    if (!write_all(fd, as_text(std::span(buffer).first(got)))) return false;
    at += got;
  }
  return false;
}

class SinkFs final : public StepKind {
 public:
  explicit SinkFs(const Roots& roots) : roots_(roots) {
    about_.name = "sink.fs";
    about_.summary = "A file in a folder that the operator named.";
    about_.role = Role::sink;
    about_.with = an_object(
        {{"root", a_text("The operator's name for the folder.", 64)},
         {"path", a_text("The file below it; what is there is replaced.", 4096)},
         {"value", {{"description", "What is written: a text as it is, else JSON; the nearest output by default."}}},
         {"file", {{"description", "A file of this item instead."}}}},
        {"root", "path"});
    about_.outputs = {"path"};
    about_.lasting = true;
  }
  const About& about() const override { return about_; }

  void check(Checking& what) const override {
    check_root(what, roots_, true);
    check_path(what);
    if (what.step.with.contains("value") && what.step.with.contains("file"))
      what.problems.add("invalid", what.path / "file", "Only one of value and file can be written.");
  }

  StepResult run(const Call& call, std::stop_token stop) override {
    const auto path = text_in(call.with, "path");
    const auto* root = roots_.find(text_in(call.with, "root"));
    if (!root || !root->writable)
      return failed(fault::sink_failed, "There is no such folder to write to on this server.");
    const auto slash = path.rfind('/');
    const auto name = slash == path.npos ? path : path.substr(slash + 1);
    if (!is_plain_path(path) || name.empty() || name.size() > 200)
      return failed(fault::sink_failed, "The path does not name a file below its folder.");
    const auto folder = make_folder_below(*root, slash == path.npos ? "" : path.substr(0, slash));
    if (!folder) return failed(fault::sink_failed, "The folder cannot be made.");
    return write_aside(call, folder->get(), name, path, stop);
  }

 private:
  // Under a name of its own first: who looks sees the whole file or none.
  StepResult write_aside(const Call& call, int folder, const std::string& name, const std::string& path,
                         const std::stop_token& stop) const {
    const auto aside = "." + hex(sha256(call.token)).substr(0, 24) + ".part";
    ::unlinkat(folder, aside.c_str(), 0);
    const engine::Fd fd(::openat(folder, aside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666));
    auto written = fd ? write_content(call, fd.get(), stop)
                      : std::optional(failed(fault::sink_failed, "The file cannot be written."));
    if (!written && (::fsync(fd.get()) != 0 || ::renameat(folder, aside.c_str(), folder, name.c_str()) != 0))
      written = failed(fault::sink_failed, "The file cannot be written.", std::generic_category().message(errno));
    if (written) {
      ::unlinkat(folder, aside.c_str(), 0);
      return std::move(*written);
    }
    ::fsync(folder);
    Output out;
    out.value = json::Object{{"path", path}};
    return out;
  }

  static std::optional<StepFault> write_content(const Call& call, int fd, const std::stop_token& stop) {
    if (const auto* named = call.with.if_contains("file")) {
      const auto file = call.file_of(*named);
      if (!file) return failed(fault::sink_failed, "There is no such file among this item's.");
      const auto bytes = call.open(*file);
      if (!bytes) return failed(fault::file_unreadable, "The file is not there any more.", bytes.error().describe());
      if (copy_file(fd, **bytes, stop)) return std::nullopt;
      return failed(fault::sink_failed, "The file cannot be written.", std::generic_category().message(errno));
    }
    const auto* given = call.with.if_contains("value");
    const auto value = given ? *given : call.nearest_data();
    if (write_all(fd, value.is_string() ? std::string(value.get_string()) : boost::json::serialize(value)))
      return std::nullopt;
    return failed(fault::sink_failed, "The file cannot be written.", std::generic_category().message(errno));
  }

  About about_;
  const Roots& roots_;
};

}  // namespace

std::unique_ptr<StepKind> make_source_fs(const Roots& roots, DetectType detect) {
  return std::make_unique<SourceFs>(roots, std::move(detect));
}
std::unique_ptr<StepKind> make_sink_fs(const Roots& roots) {
  return std::make_unique<SinkFs>(roots);
}

}  // namespace toll::workflows::steps
