#include "separations/file_names.h"

#include <gtest/gtest.h>

namespace toll::separations {
namespace {

TEST(FileNames, keep_the_last_segment_and_nothing_that_controls) {
  EXPECT_EQ(clean_file_name("../../etc/passwd"), "passwd");
  EXPECT_EQ(clean_file_name("C:\\music\\my song.mp3"), "my song.mp3");
  EXPECT_EQ(clean_file_name("a\r\nb\x7f\xC2\x85.mp3"), "ab.mp3");
  EXPECT_EQ(clean_file_name("\xF0\x9F\x8E\xB5 \"quoted\".mp3"), "\xF0\x9F\x8E\xB5 \"quoted\".mp3");
  EXPECT_EQ(clean_file_name("..\\.."), "");
  EXPECT_EQ(clean_file_name("song/"), "");
  EXPECT_EQ(clean_file_name("\xE9.mp3"), "\xEF\xBF\xBD.mp3");
}

TEST(FileNames, are_cut_at_a_character_boundary) {
  std::string name(254, 'a');
  EXPECT_EQ(clean_file_name(name + "\xC3\xA9"), name);
  EXPECT_EQ(clean_file_name(std::string(300, 'b')).size(), 255u);
}

TEST(FileNames, with_a_media_extension_are_taken_in_any_case) {
  EXPECT_TRUE(has_media_extension("x.MP3"));
  EXPECT_TRUE(has_media_extension("clip.3gp"));
  EXPECT_FALSE(has_media_extension("notes.txt"));
  EXPECT_FALSE(has_media_extension("mp3"));
}

TEST(FileNames, in_a_shell_are_one_word_and_no_option) {
  EXPECT_EQ(shell_quoted("song.mp3"), "song.mp3");
  EXPECT_EQ(shell_quoted("my song's.mp3"), "'my song'\\''s.mp3'");
  EXPECT_EQ(shell_quoted("-rf"), "'./-rf'");
  EXPECT_EQ(shell_quoted("$(x)"), "'$(x)'");
}

}  // namespace
}  // namespace toll::separations
