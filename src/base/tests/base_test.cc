#include <gtest/gtest.h>

#include <set>

#include "base/clock.h"
#include "base/digest.h"
#include "base/fault.h"
#include "base/random.h"
#include "base/result.h"
#include "base/text.h"

namespace toll {
namespace {

TEST(Reasons, each_has_its_own_code_and_finds_its_way_back_from_it) {
  std::set<std::string_view> codes;
  for (const auto& row : reason_catalogue) {
    EXPECT_TRUE(codes.insert(row.code).second) << row.code;
    EXPECT_EQ(reason_from_code(row.code), row.reason);
    EXPECT_EQ(&row_of(row.reason), &row);
  }
  EXPECT_EQ(reason_from_code("no such code"), Reason::internal);
}

TEST(Fault, shows_arguments_and_keeps_the_cause_to_itself) {
  auto fault = Fault(Reason::insufficient_credits).with("needed", "1.0").with("balance", "0.0").because("/etc/secret");
  EXPECT_EQ(fault.detail(), "This needs 1.0 credits and the balance is 0.0");
  EXPECT_EQ(fault.fill("{nothing}{needed} {open"), "1.0 {open");
  EXPECT_EQ(fault.detail().find("secret"), std::string::npos);
  EXPECT_NE(fault.describe().find("/etc/secret"), std::string::npos);
}

Result<int> half(int n) {
  if (n % 2) return Fault(Reason::invalid_request);
  return n / 2;
}
Result<std::string> quarter(int n) {
  int once = TOLL_TRY(half(n));
  int twice = TOLL_TRY(half(once));
  return std::to_string(twice);
}

TEST(Result, carries_the_first_fault_through_a_chain) {
  EXPECT_EQ(*quarter(8), "2");
  EXPECT_FALSE(quarter(6));
  EXPECT_EQ(half(3).and_then(half).error().reason(), Reason::invalid_request);
  EXPECT_EQ(*half(8).transform([](int n) { return n + 1; }), 5);
  EXPECT_THROW(half(3).value(), BadResultAccess);
}

TEST(Digest, agrees_with_the_published_vectors) {
  EXPECT_EQ(hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");  // FIPS 180-4
  EXPECT_EQ(hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");  // RFC 4231, case 2
  EXPECT_EQ(crc32("123456789"), 0xCBF43926u);
  EXPECT_EQ(crc32("6789", crc32("12345")), 0xCBF43926u);
  Sha256Stream stream;
  stream.update("a");
  stream.update("bc");
  EXPECT_EQ(stream.finish(), sha256("abc"));
}

TEST(Text, base62_of_a_crc_agrees_with_the_contract_vector) {
  EXPECT_EQ(base62(crc32("tt_AbCdEfGhIjKlMnOpQrStUvWxYz"), 6), "3jTFSV");
  EXPECT_EQ(base62(0, 6), "000000");
}

TEST(Text, base64url_round_trips_every_length_and_refuses_other_characters) {
  TestRandom random;
  for (std::size_t n = 0; n < 70; ++n) {
    auto bytes = random.text(n, std::string_view("\0\1\xff\x80 ab", 7));
    EXPECT_EQ(from_base64url(base64url(bytes)), bytes);
  }
  EXPECT_FALSE(from_base64url("ab+d"));
  EXPECT_FALSE(from_base64url("abcde"));
}

TEST(Text, utf8_refuses_overlong_forms_surrogates_and_cut_characters) {
  EXPECT_TRUE(valid_utf8("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x8E\xB5"));
  for (std::string_view bad :
       {"\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82", "\x80", "\xFF", "\xF0\x8F\xBF\xBF"})
    EXPECT_FALSE(valid_utf8(bad));
  EXPECT_EQ(utf8_prefix("a\xE2\x82\xAC", 3), "a");
  EXPECT_EQ(utf8_prefix("a\xE2\x82\xAC", 4), "a\xE2\x82\xAC");
}

TEST(Text, percent_decoding_undoes_encoding) {
  EXPECT_EQ(percent_encode("my song/ö"), "my%20song%2F%C3%B6");
  EXPECT_EQ(percent_decode("my%20song%2f%C3%B6"), "my song/ö");
  EXPECT_FALSE(percent_decode("%4"));
  EXPECT_FALSE(percent_decode("%zz"));
}

TEST(Clock, prints_the_forms_of_the_contracts) {
  auto time = from_micros(1735732800'123456);
  EXPECT_EQ(iso_seconds(time), "2025-01-01T12:00:00");
  EXPECT_EQ(iso_micros(time), "2025-01-01T12:00:00.123456Z");
  EXPECT_EQ(http_date(time), "Wed, 01 Jan 2025 12:00:00 GMT");
}

TEST(Random, uuids_are_version_4_and_do_not_repeat) {
  SystemRandom random;
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    auto id = random.uuid4();
    EXPECT_EQ(id.size(), 36u);
    EXPECT_EQ(id[14], '4');
    EXPECT_TRUE(seen.insert(id).second);
  }
}

// Logs are read by more people than keys are meant for.
TEST(Text, a_path_for_a_log_shows_no_key) {
  const std::string key = "unst_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-2MUayO";
  EXPECT_EQ(without_keys("/deployment/" + key + "/status/1/"), "/deployment/unst_***/status/1/");
  EXPECT_EQ(without_keys("/deployment/x" + key), "/deployment/xunst_***");
  EXPECT_EQ(without_keys("/deployment/%75nst_abc/docs"), "/deployment/unst_***/docs") << "hidden behind an escape";
  EXPECT_EQ(without_keys("/deployment/unst_abc%2Ddef"), "/deployment/unst_***");
  EXPECT_EQ(without_keys("/deployment/%zzunst_abc"), "/deployment/unst_***") << "a broken escape";
  EXPECT_EQ(without_keys("/v1/models/a%20b"), "/v1/models/a%20b");
  EXPECT_EQ(without_keys(without_keys("/" + key)), "/unst_***");
}

}  // namespace
}  // namespace toll
