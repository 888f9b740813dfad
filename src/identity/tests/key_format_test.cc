#include "identity/key_format.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace toll::identity {
namespace {

constexpr KeyKind all_kinds[] = {KeyKind::stems, KeyKind::tunes, KeyKind::deployment, KeyKind::registry,
                                 KeyKind::client};

TEST(KeyFormat, check_characters_are_those_of_the_contracts) {
  EXPECT_EQ(key_check("tt_AbCdEfGhIjKlMnOpQrStUvWxYz"), "3jTFSV");
  EXPECT_EQ(key_check("unst_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-"), "2MUayO");
}

TEST(KeyFormat, keys_have_the_length_and_prefix_of_their_surface) {
  TestRandom random;
  EXPECT_EQ(generate_key(KeyKind::stems, random).size(), 46u);
  EXPECT_EQ(generate_key(KeyKind::tunes, random).size(), 35u);
  EXPECT_EQ(generate_key(KeyKind::deployment, random).size(), 48u);
  EXPECT_EQ(generate_key(KeyKind::registry, random).size(), 51u);
  EXPECT_EQ(generate_key(KeyKind::client, random).size(), 43u);
  EXPECT_TRUE(generate_key(KeyKind::registry, random).starts_with("sk_live_"));
  EXPECT_EQ(generate_client_id(random).size(), 24u);
}

TEST(KeyFormat, every_generated_key_is_well_formed_for_its_own_kind_only) {
  TestRandom random;
  for (auto kind : all_kinds)
    for (int i = 0; i < 200; ++i) {
      const auto key = generate_key(kind, random);
      for (auto other : all_kinds) EXPECT_EQ(well_formed(other, key), kind == other) << key;
    }
}

// The first five random characters would be "live_".
class LiveFirst final : public Random {
 public:
  void fill(std::span<std::byte> out) override {
    for (auto& byte : out) byte = std::byte{0};
    if (calls_ < 5) {
      const auto index = base64url_alphabet.find("live_"[calls_]);
      out[0] = static_cast<std::byte>(index);
    } else if (calls_ > 36) {
      out[0] = std::byte{1};
    }
    ++calls_;
  }

 private:
  std::size_t calls_ = 0;
};

TEST(KeyFormat, a_stems_key_never_begins_like_a_registry_key) {
  LiveFirst random;
  const auto key = generate_key(KeyKind::stems, random);
  EXPECT_FALSE(key.starts_with("sk_live_")) << key;
  EXPECT_TRUE(well_formed(KeyKind::stems, key));
}

TEST(KeyFormat, a_single_wrong_character_is_noticed) {
  TestRandom random;
  const auto key = generate_key(KeyKind::stems, random);
  for (std::size_t i = 0; i < key.size(); ++i) {
    auto wrong = key;
    wrong[i] = wrong[i] == 'x' ? 'y' : 'x';
    EXPECT_FALSE(well_formed(KeyKind::stems, wrong)) << i;
  }
  EXPECT_FALSE(well_formed(KeyKind::stems, ""));
  EXPECT_FALSE(well_formed(KeyKind::stems, "sk_wrong"));
  EXPECT_FALSE(well_formed(KeyKind::stems, key + "x"));
}

TEST(KeyFormat, little_of_a_key_is_shown) {
  EXPECT_EQ(key_prefix(KeyKind::stems, "sk_AbCdEfGh"), "sk_AbCd");
  EXPECT_EQ(key_prefix(KeyKind::tunes, "tt_AbCdEfGhIj"), "tt_AbCdEfGh");
}

}  // namespace
}  // namespace toll::identity
