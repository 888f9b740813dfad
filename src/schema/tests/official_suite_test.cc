// The test suite of the JSON Schema organisation (github.com/json-schema-org/JSON-Schema-Test-Suite), where
// tests/schema_suite/fetch.sh has put it.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "schema/schema.h"

namespace toll::schema {
namespace {

namespace fs = std::filesystem;

json::Value parsed_file(const fs::path& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return json::parse(text.str()).value();
}

// What a document alone cannot have: other documents, and dialects of one's own.
bool needs_another_document(const json::Value& schema) {
  const auto text = boost::json::serialize(schema);
  return text.find("localhost:1234/") != text.npos || text.find("\"$ref\":\"https://json-schema.org") != text.npos;
}

struct Tally {
  int passed = 0, left_out = 0;
};

void run_group(const std::string& file, const json::Object& group, Tally& tally) {
  const auto& document = group.at("schema");
  const auto description = file + ": " + std::string(group.at("description").get_string());
  const auto compiled = Schema::compile(document);
  if (!compiled.schema) {
    ++tally.left_out;
    EXPECT_TRUE(needs_another_document(document)) << description << ": " << compiled.problems.front().message;
    return;
  }
  for (const auto& test : group.at("tests").get_array()) {
    EXPECT_EQ(compiled.schema->accepts(test.at("data")), test.at("valid").get_bool())
        << description << ": " << test.at("description");
    ++tally.passed;
  }
}

TEST(OfficialSuite, agrees_with_every_required_test) {
  const fs::path suite = fs::path(TOLL_BINARY_DIR) / "schema_suite/tests/draft2020-12";
  if (!fs::exists(suite)) GTEST_SKIP() << "run tests/schema_suite/fetch.sh first";
  Tally tally;
  std::set<fs::path> files;
  for (const auto& entry : fs::directory_iterator(suite))
    if (entry.path().extension() == ".json") files.insert(entry.path());
  for (const auto& path : files) {
    const auto groups = parsed_file(path);
    for (const auto& group : groups.get_array()) run_group(path.stem(), group.get_object(), tally);
  }
  RecordProperty("passed", tally.passed);
  EXPECT_GT(tally.passed, 1000);
  EXPECT_LT(tally.left_out, 60);
}

}  // namespace
}  // namespace toll::schema
