#include "sql/tests/database_suite.h"
#include "sql/tests/transaction_suite.h"

namespace toll::sql {
namespace {

const DatabaseKind kinds[] = {{"sqlite_file", Engine::sqlite, true},
                              {"sqlite_memory", Engine::sqlite, false},
                              {"postgres", Engine::postgres, true}};

std::string kind_name(const ::testing::TestParamInfo<DatabaseKind>& info) {
  return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(On, ValueSuite, ::testing::ValuesIn(kinds), kind_name);
INSTANTIATE_TEST_SUITE_P(On, ConstraintSuite, ::testing::ValuesIn(kinds), kind_name);
INSTANTIATE_TEST_SUITE_P(On, ReadSuite, ::testing::ValuesIn(kinds), kind_name);
INSTANTIATE_TEST_SUITE_P(On, WriteSuite, ::testing::ValuesIn(kinds), kind_name);

TEST(Open, says_what_a_url_looks_like_without_showing_it) {
  for (const char* url : {"mysql://root:secret@host/db", "sqlite://relative.db", "", "sqlite:///absent/folder/x.db"}) {
    try {
      open({.url = url});
      ADD_FAILURE() << url;
    } catch (const Error& error) {
      EXPECT_EQ(std::string(error.what()).find("secret"), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace toll::sql
