// A fresh database of either engine for each test.
#pragma once

#include <gtest/gtest.h>

#include "sql/testing/databases.h"

namespace toll::objects {

class DatabaseTest : public ::testing::TestWithParam<sql::Engine> {
 protected:
  void SetUp() override {
    TOLL_SKIP_WITHOUT(GetParam());
    database_ = sql::testing::fresh_database(GetParam());
  }
  sql::Database& db() { return *database_; }

 private:
  sql::testing::Fresh database_;
};

#define TOLL_ON_EVERY_ENGINE(Suite)                                                            \
  INSTANTIATE_TEST_SUITE_P(Engines, Suite, ::testing::ValuesIn(::toll::sql::testing::engines), \
                           ::toll::sql::testing::engine_name)

}  // namespace toll::objects
