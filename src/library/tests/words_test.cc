#include "library/words.h"

#include <gtest/gtest.h>

namespace toll::library {
namespace {

TEST(Words, lose_case_accents_and_what_stands_between) {
  EXPECT_EQ(folded("Björk – Jóga (Live!)"), "bjork joga live");
  EXPECT_EQ(folded("SIGUR RÓS: Ágætis byrjun"), "sigur ros agaetis byrjun");
  EXPECT_EQ(folded("Mø, Łódź, Straße, Đorđe, İstanbul"), "mo lodz strasse dorde istanbul");
  EXPECT_EQ(folded("Ångström Å"), "angstrom a");
  EXPECT_EQ(folded("Don\u2019t don't"), "dont dont");
  EXPECT_EQ(folded("ﬁne №5 x²"), "fine no5 x2");
  EXPECT_EQ(folded("Ωμέγα КИНО 東京 ガ"), "ωμεγα кино 東京 カ");
  EXPECT_EQ(folded("!!!"), "");
}

TEST(Words, have_a_bounded_length) {
  EXPECT_EQ(words_of(std::string(1000, 'x')).front().size(), 200u);
}

TEST(Caseless, keeps_accents) {
  EXPECT_EQ(caseless("BJÖRK"), caseless("björk"));
  EXPECT_NE(caseless("Bjork"), caseless("Björk"));
  EXPECT_EQ(caseless("e\u0301"), caseless("\u00c9")) << "however it is composed";
}

}  // namespace
}  // namespace toll::library
