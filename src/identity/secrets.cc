#include "identity/secrets.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <stdexcept>
#include <system_error>

#include "base/text.h"

namespace toll::identity {

namespace {

namespace fs = std::filesystem;

// Words of the values that tutorials, templates and the documents we started from publish.
constexpr std::array<std::string_view, 14> published{
    "change-me",  "changeme",   "change_me",  "change-this", "change_this", "your-secret", "your_secret",
    "yoursecret", "dev-secret", "dev_secret", "secret-key",  "secret_key",  "supersecret", "super-secret"};

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

[[noreturn]] void fail(const fs::path& path, std::string_view what) {
  throw std::runtime_error(fmt::format("{}: {}", path.string(), what));
}

[[noreturn]] void fail_errno(const fs::path& path, std::string_view doing) {
  fail(path, fmt::format("cannot {}: {}", doing, std::generic_category().message(errno)));
}

std::optional<std::string> read_secret(const fs::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0 && errno == ENOENT) return std::nullopt;
  if (file.get() < 0) fail_errno(path, "read the server's secret");
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) fail_errno(path, "look at the server's secret");
  if ((status.st_mode & 077) != 0) fail(path, "the server's secret can be read by others; run chmod 600 on it");
  std::array<char, 4096> buffer;
  const auto size = ::read(file.get(), buffer.data(), buffer.size());
  if (size < 0) fail_errno(path, "read the server's secret");
  return std::string(trim(std::string_view(buffer.data(), static_cast<std::size_t>(size))));
}

// Written aside and linked, so that of two servers that start at once one wins and nobody reads half a secret.
void write_secret(const fs::path& path, const std::string& secret, Random& random) {
  const fs::path aside = path.string() + "." + random.text(12, base62_alphabet);
  const Descriptor file(::open(aside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (file.get() < 0) fail_errno(aside, "make the server's secret");
  const std::string line = secret + "\n";
  const bool written = ::write(file.get(), line.data(), line.size()) == static_cast<ssize_t>(line.size()) &&
                       ::fsync(file.get()) == 0 && (::link(aside.c_str(), path.c_str()) == 0 || errno == EEXIST);
  const int error = errno;
  ::unlink(aside.c_str());
  errno = error;
  if (!written) fail_errno(path, "write the server's secret");
}

void sync_folder(const fs::path& folder) {
  const Descriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.get() < 0 || ::fsync(opened.get()) != 0) fail_errno(folder, "sync");
}

std::string from_file(const fs::path& folder, const char* name, Random& random) {
  const fs::path path = folder / name;
  auto secret = read_secret(path);
  if (!secret) {
    std::error_code failed;
    fs::create_directories(folder, failed);
    if (failed) fail(folder, fmt::format("cannot make the folder: {}", failed.message()));
    fs::permissions(folder, fs::perms::owner_all, failed);
    if (failed) fail(folder, fmt::format("cannot close the folder to others: {}", failed.message()));
    write_secret(path, random.text(64, base62_alphabet), random);
    sync_folder(folder);
    secret = read_secret(path);
  }
  if (!secret) fail(path, "the server's secret vanished while it was being made");
  if (const auto problem = secret_problem(*secret); !problem.empty())
    fail(path, fmt::format("the server's secret {}; delete the file to have a new one made", problem));
  return *std::move(secret);
}

std::string choose(const std::string& set, const char* setting, const fs::path& folder, const char* name,
                   Random& random) {
  if (set.empty()) return from_file(folder, name, random);
  if (const auto problem = secret_problem(set); !problem.empty())
    throw std::runtime_error(
        fmt::format("the {} secret that you set {}; make one with: openssl rand -base64 48", setting, problem));
  return set;
}

}  // namespace

std::string_view secret_problem(std::string_view secret) {
  if (trim(secret).empty()) return "is empty";
  const auto plain = lower(secret);
  if (plain.find_first_not_of(plain.front()) == plain.npos) return "is one character again and again";
  for (const auto example : published)
    if (plain.find(example) != plain.npos) return "is a published example value";
  if (secret.size() < min_secret_bytes) return "is shorter than 32 bytes";
  return {};
}

Secrets load_secrets(const std::filesystem::path& data, const SecretSettings& settings, Random& random) {
  const auto folder = data / "secrets";
  Secrets secrets{.keys = choose(settings.keys, "key", folder, "keys", random),
                  .sessions = choose(settings.sessions, "session", folder, "sessions", random)};
  if (secrets.keys == secrets.sessions)
    throw std::runtime_error("the key secret and the session secret are the same; set two different ones");
  return secrets;
}

}  // namespace toll::identity
