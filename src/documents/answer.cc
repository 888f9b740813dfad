#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <boost/json/array.hpp>
#include <cerrno>
#include <system_error>

#include "documents/parts.h"
#include "json/parse.h"

namespace toll::documents {

namespace {

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

Word word_of(const json::Object& object) {
  const auto& box = object.at("box").as_array();
  const auto number = [&](std::size_t i) { return box.at(i).to_number<int>(); };
  return {.text = std::string(object.at("text").as_string()),
          .confidence = object.at("confidence").to_number<double>(),
          .page = object.at("page").to_number<std::int64_t>(),
          .left = number(0),
          .top = number(1),
          .width = number(2),
          .height = number(3)};
}

}  // namespace

std::string Text::all() const {
  std::string out;
  for (const auto& page : pages) {
    if (&page != &pages.front()) out += '\f';
    out += page.text;
  }
  return out;
}

engine::Fd memory_file() {
  engine::Fd fd(::memfd_create("document", MFD_CLOEXEC));
  if (!fd) fail("memfd_create");
  return fd;
}

std::optional<std::string> content_of(int fd, std::size_t most) {
  const auto size = ::lseek(fd, 0, SEEK_END);
  if (size < 0) fail("lseek");
  if (static_cast<std::size_t>(size) > most) return std::nullopt;
  std::string out(static_cast<std::size_t>(size), '\0');
  std::size_t at = 0;
  while (at < out.size()) {
    const auto got = ::pread(fd, out.data() + at, out.size() - at, static_cast<off_t>(at));
    if (got < 0 && errno != EINTR) fail("pread");
    if (got == 0) break;
    at += static_cast<std::size_t>(std::max<ssize_t>(got, 0));
  }
  out.resize(at);
  return out;
}

engine::Fd reopened(int fd) {
  engine::Fd out(::open(("/proc/self/fd/" + std::to_string(fd)).c_str(), O_RDONLY | O_CLOEXEC));
  if (!out) fail("open");
  return out;
}

Result<Text> parse_answer(std::string_view text) try {
  const auto value = json::parse(text).value();
  Text out;
  for (const auto& page : value.as_object().at("pages").as_array())
    out.pages.push_back({page.as_object().at("number").to_number<std::int64_t>(),
                         std::string(page.as_object().at("text").as_string())});
  for (const auto& word : value.as_object().at("words").as_array()) out.words.push_back(word_of(word.as_object()));
  if (const auto& mean = value.as_object().at("mean_confidence"); !mean.is_null())
    out.mean_confidence = mean.to_number<double>();
  return out;
} catch (const std::exception& error) {
  return Fault(Reason::worker_lost).because(std::string("the answer of documents: ") + error.what());
}

}  // namespace toll::documents
