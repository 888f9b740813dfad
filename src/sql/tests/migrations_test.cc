#include "sql/migrations.h"

#include <algorithm>

#include "sql/tests/suite.h"

namespace toll::sql {
namespace {

class Migrations : public ::testing::TestWithParam<Engine> {
 protected:
  void SetUp() override {
    TOLL_SKIP_WITHOUT(GetParam());
    place_ = std::make_unique<testing::Place>(GetParam());
    db_ = place_->open();
  }
  std::string error(std::span<const Migration> known) {
    try {
      migrate(*db_, known, now_);
      return "";
    } catch (const Error& error) {
      return error.what();
    }
  }
  bool has_table(const char* name) {
    try {
      db_->read([&](Tx& tx) { return tx.query(std::string("SELECT * FROM ") + name).size(); });
      return true;
    } catch (const Error&) {
      return false;
    }
  }

  const Time now_ = from_micros(1'750'000'000'000'000);
  std::unique_ptr<testing::Place> place_;
  std::unique_ptr<Database> db_;
};
INSTANTIATE_TEST_SUITE_P(On, Migrations, ::testing::ValuesIn(testing::engines), testing::engine_name);

const Migration first{1, "001_people", "CREATE TABLE people (id BIGINT); -- who\nINSERT INTO people VALUES (1);\n"};
const Migration second{2, "002_pets", "ALTER TABLE people ADD COLUMN name TEXT;\nCREATE TABLE pets (id BIGINT);"};

using Names = std::vector<std::string>;

TEST_P(Migrations, apply_once_in_order_and_are_written_down) {
  EXPECT_EQ(migrate(*db_, std::vector{first}, now_), Names{"001_people"});
  EXPECT_EQ(migrate(*db_, std::vector{first, second}, now_), Names{"002_pets"});
  EXPECT_EQ(migrate(*db_, std::vector{first, second}, now_), Names{});
  const auto rows = db_->read([](Tx& tx) {
    return tx.query("SELECT version, name, sha256, applied_at FROM schema_migrations ORDER BY version");
  });
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[1].integer(0), 2);
  EXPECT_EQ(rows[1].text(1), "002_pets");
  EXPECT_EQ(rows[1].text(2).size(), 64u);
  EXPECT_EQ(rows[1].time(3), now_);
}

TEST_P(Migrations, leave_nothing_of_one_that_fails) {
  const Migration broken{2, "002_broken", "CREATE TABLE pets (id BIGINT); INSERT INTO absent VALUES (1);"};
  const auto text = error(std::vector{first, broken});
  EXPECT_NE(text.find("002_broken"), std::string::npos) << text;
  EXPECT_NE(text.find("absent"), std::string::npos) << text;
  EXPECT_TRUE(has_table("people")) << "the one before it stays";
  EXPECT_FALSE(has_table("pets"));
  EXPECT_EQ(migrate(*db_, std::vector{first, second}, now_), Names{"002_pets"});
}

TEST_P(Migrations, refuse_a_file_that_was_changed_after_it_was_applied) {
  migrate(*db_, std::vector{first}, now_);
  auto changed = first;
  changed.sql = "CREATE TABLE people (id BIGINT);";
  EXPECT_NE(error(std::vector{changed}).find("001_people has been changed"), std::string::npos);
}

TEST_P(Migrations, refuse_a_database_that_is_newer_than_the_program) {
  migrate(*db_, std::vector{first, second}, now_);
  EXPECT_NE(error(std::vector{first}).find("older than the database"), std::string::npos);
}

TEST_P(Migrations, apply_one_that_arrives_late) {
  migrate(*db_, std::vector{first}, now_);
  const Migration late{0, "000_late", "CREATE TABLE late (id BIGINT)"};
  EXPECT_EQ(migrate(*db_, std::vector{late, first}, now_), Names{"000_late"});
}

TEST_P(Migrations, run_once_when_servers_start_at_once) {
  const std::vector known{first, second};
  std::vector<Names> applied(4);
  std::vector<std::thread> threads;
  for (auto& names : applied)
    threads.emplace_back([&] {
      const auto db = place_->open({.readers = 1, .writers = 1});
      names = migrate(*db, known, now_);
    });
  for (auto& thread : threads) thread.join();
  Names all;
  for (const auto& names : applied) all.insert(all.end(), names.begin(), names.end());
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all, (Names{"001_people", "002_pets"})) << "each by one of them";
}

TEST_P(Migrations, compiled_in_are_in_order_and_apply) {
  const auto known = migrations(GetParam());
  EXPECT_TRUE(
      std::is_sorted(known.begin(), known.end(), [](const auto& a, const auto& b) { return a.version < b.version; }));
  EXPECT_EQ(migrate(*db_, now_).size(), known.size());
  EXPECT_EQ(migrate(*db_, now_).size(), 0u);
}

TEST_P(Migrations, are_the_same_for_both_engines) {
  const auto here = migrations(GetParam()),
             there = migrations(GetParam() == Engine::sqlite ? Engine::postgres : Engine::sqlite);
  EXPECT_TRUE(std::equal(here.begin(), here.end(), there.begin(), there.end(),
                         [](const auto& a, const auto& b) { return a.name == b.name; }));
}

// Callers tell constraints apart by name: what SQLite reports by its columns must be called so in PostgreSQL.
TEST_P(Migrations, name_unique_constraints_by_table_and_columns) {
  if (GetParam() == Engine::sqlite) GTEST_SKIP() << "SQLite reports the columns";
  migrate(*db_, now_);
  const auto rows = db_->read([](Tx& tx) {
    return tx.query(
        "SELECT i.relname, t.relname || '_' || string_agg(a.attname, '_' ORDER BY k.place) FROM pg_index x "
        "JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid "
        "JOIN pg_namespace n ON n.oid = t.relnamespace CROSS JOIN LATERAL unnest(x.indkey) WITH ORDINALITY AS "
        "k(number, place) "
        "JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.number "
        "WHERE x.indisunique AND NOT x.indisprimary AND n.nspname = 'public' AND x.indexprs IS NULL GROUP BY "
        "i.relname, t.relname");
  });
  for (const auto& row : rows) EXPECT_EQ(row.text(0), row.text(1));
}

}  // namespace
}  // namespace toll::sql
