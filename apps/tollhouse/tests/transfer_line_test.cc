#include "tollhouse/transfer_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace toll::app {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;

class Transfer : public testing::Test {
 protected:
  // Half of 10 MB, in five seconds.
  std::string half(bool terminal, Format format = Format::human) {
    const Console console{out_, err_, format, terminal};
    TransferLine line(console, "a.th", now_);
    line.show(0, 10'000'000, now_);
    for (std::uint64_t done = 0; done <= 5'000'000; done += 100'000, now_ += milliseconds(100))
      line.show(done, 10'000'000, now_);
    line.note("it broke");
    line.finish(now_);
    return err_.str();
  }
  std::ostringstream out_, err_;
  TransferLine::Instant now_{seconds(1000)};
};

TEST_F(Transfer, tells_a_terminal_bytes_share_speed_and_what_is_left) {
  EXPECT_THAT(half(true), HasSubstr("\r\033[Ka.th: 4.9 MB of 10.0 MB, 49 %, 1.0 MB/s, 5 s left"));
}

TEST_F(Transfer, writes_lines_where_nobody_draws) {
  const auto text = half(false);
  EXPECT_THAT(text, Not(HasSubstr("\033")));
  EXPECT_THAT(text, HasSubstr("a.th: it broke\n"));
  EXPECT_THAT(text, HasSubstr("a.th: 5.0 MB came in 5.1 s, 980.4 kB/s\n"));
}

TEST_F(Transfer, says_nothing_to_programs) {
  EXPECT_EQ(half(true, Format::json), "");
}

TEST_F(Transfer, counts_neither_what_was_here_before_nor_what_is_thrown_away) {
  const Console console{out_, err_, Format::human, false};
  TransferLine line(console, "a.th", now_);
  line.show(900'000'000, 1'000'000'000, now_);
  line.show(0, {}, now_);
  line.show(2'000'000, {}, now_ + seconds(2));
  line.finish(now_ + seconds(2));
  EXPECT_EQ(err_.str(), "a.th: 2.0 MB came in 2.0 s, 1.0 MB/s\n");
}

}  // namespace
}  // namespace toll::app
