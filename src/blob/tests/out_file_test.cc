#include "blob/folder/out_file.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <system_error>

#include "base/digest.h"
#include "blob/folder/files.h"
#include "blob/folder/write_behind.h"

namespace toll::blob::folder {
namespace {

// Larger than what is written at once, and of every byte.
std::string large() {
  std::string out((18 << 20) + 77, '\0');
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<char>(i * 2654435761u >> 13);
  return out;
}

std::string content(int fd) {
  std::string out(static_cast<std::size_t>(::lseek(fd, 0, SEEK_END)), '\0');
  read_at(fd, 0, std::as_writable_bytes(std::span(out)));
  return out;
}

// Who is hurt: whoever uploads while the system has no threads left.
TEST(OutFile, is_whole_though_no_thread_can_be_started) {
  for (const int can_start : {0, 1}) {
    std::atomic<int> left = can_start;
    WriteBehind disk(4, [&](auto work) {
      if (left-- <= 0) throw std::system_error(EAGAIN, std::generic_category(), "no thread");
      return std::thread(std::move(work));
    });
    const Descriptor fd(::memfd_create("out", MFD_CLOEXEC));
    const auto bytes = large();
    OutFile out(fd.get(), disk);
    for (std::size_t at = 0; at < bytes.size(); at += 100'000)
      ASSERT_TRUE(out.append(as_span(std::string_view(bytes).substr(at, 100'000))));
    ASSERT_TRUE(out.finish());
    EXPECT_TRUE(content(fd.get()) == bytes) << can_start;
  }
}

TEST(OutFile, says_ever_after_that_a_write_was_lost) {
  WriteBehind disk(1, [](auto) -> std::thread { throw std::bad_alloc(); });
  const Descriptor fd(::memfd_create("out", MFD_CLOEXEC));
  const auto bytes = large();
  OutFile out(fd.get(), disk);
  EXPECT_THROW((void)out.append(as_span(std::string_view(bytes))), std::bad_alloc);
  EXPECT_FALSE(out.append(as_span(std::string_view("more"))));
  EXPECT_FALSE(out.finish());
}

}  // namespace
}  // namespace toll::blob::folder
