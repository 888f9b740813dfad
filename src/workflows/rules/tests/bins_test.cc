#include "workflows/rules/bins.h"

#include <gtest/gtest.h>
#include <boost/json/serialize.hpp>

namespace toll::workflows::rules {
namespace {

Bin by_words(std::string name, std::vector<std::string> words) {
  std::vector<Phrase> phrases;
  for (const auto& word : words) phrases.push_back(*Phrase::of(word));
  return {std::move(name), std::move(phrases)};
}

const std::vector<Bin> bins{by_words("invoice", {"invoice", "amount due"}),
                            by_words("contract", {"agreement", "party"}),
                            {"order", *pattern::Pattern::compile(R"(PO-\d+)").pattern}};

TEST(Classify, takes_the_bin_with_the_most_signs) {
  const auto found = classify(bins, "INVOICE\nAmount   due: 3 EUR by the other party");
  EXPECT_EQ(found.bin, "invoice");
  EXPECT_EQ(boost::json::serialize(found.scores), R"({"invoice":1E0,"contract":5E-1,"order":0E0})");
  EXPECT_EQ(classify(bins, "see PO-77").bin, "order");
}

TEST(Classify, says_unknown_rather_than_guess) {
  EXPECT_EQ(classify(bins, "hello").bin, "unknown");
  EXPECT_EQ(classify(bins, "invoices").bin, "unknown");  // another word
}

}  // namespace
}  // namespace toll::workflows::rules
