// What every engine promises of statements, values, reads and constraints. A test binary includes this once and
// instantiates DatabaseSuite; transaction_suite.h is the other half.
#pragma once

#include <cmath>
#include <limits>

#include "sql/tests/suite.h"

namespace toll::sql {

class ValueSuite : public DatabaseSuite {
 protected:
  void SetUp() override {
    DatabaseSuite::SetUp();
    if (IsSkipped()) return;
    script(
        by_engine("CREATE TABLE v (id INTEGER PRIMARY KEY, i INTEGER, r REAL, t TEXT, b BLOB, f INTEGER)",
                  "CREATE TABLE v (id BIGINT PRIMARY KEY, i BIGINT, r DOUBLE PRECISION, t TEXT, b BYTEA, f BOOLEAN)"));
  }
  Row stored(const char* column, const Value& value) {
    exec("DELETE FROM v");
    const std::string insert = std::string("INSERT INTO v (id, ") + column + ") VALUES (1, $1)";
    db_->write([&](Tx& tx) { return tx.query_with(insert, {value}).size(); });
    return db_->read([&](Tx& tx) { return *tx.one(std::string("SELECT ") + column + " FROM v"); });
  }
};

TEST_P(ValueSuite, keeps_integers_to_their_limits) {
  using Limits = std::numeric_limits<std::int64_t>;
  for (auto value : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1} << 40, Limits::max(), Limits::min()})
    EXPECT_EQ(stored("i", value).integer(0), value);
  EXPECT_EQ(stored("i", AccountId(7)).integer(0), 7);
  EXPECT_EQ(stored("i", from_micros(1'750'000'000'123'456)).time(0), from_micros(1'750'000'000'123'456));
}

TEST_P(ValueSuite, keeps_reals_to_the_last_bit) {
  using Limits = std::numeric_limits<double>;
  for (double value : {0.0, 0.1, -1.5, 3.0, Limits::max(), Limits::min(), Limits::denorm_min(), M_PI})
    EXPECT_EQ(stored("r", value).real(0), value);
}

TEST_P(ValueSuite, keeps_texts_of_every_size) {
  for (const auto& value : {std::string(), std::string("O'Reilly \"; -- $1 \\x41"),
                            std::string("h\u00e9 \u4e16 \U0001F3B5"), std::string(1 << 20, 'x')})
    EXPECT_EQ(stored("t", value).text(0), value);
  const std::string longer = "exact view";
  EXPECT_EQ(stored("t", std::string_view(longer).substr(0, 5)).text(0), "exact");
}

TEST_P(ValueSuite, keeps_blobs_of_every_byte) {
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  for (const auto& value : {std::string(), std::string(3, '\0'), all, std::string(1 << 20, '\xff')})
    EXPECT_EQ(stored("b", Blob{value}).text(0), value);
}

TEST_P(ValueSuite, keeps_booleans) {
  EXPECT_TRUE(stored("f", true).boolean(0));
  EXPECT_FALSE(stored("f", false).boolean(0));
}

TEST_P(ValueSuite, tells_null_from_empty) {
  for (const char* column : {"i", "r", "t", "b", "f"}) {
    EXPECT_TRUE(stored(column, std::nullopt).is_null(0)) << column;
    EXPECT_EQ(stored(column, std::optional<std::string>()).maybe_text(0), std::nullopt);
  }
  EXPECT_FALSE(stored("t", "").is_null(0));
  EXPECT_FALSE(stored("b", Blob{""}).is_null(0));
  EXPECT_EQ(stored("i", std::optional<int>(5)).maybe_integer(0), 5);
}

TEST_P(ValueSuite, refuses_a_text_with_a_nul_byte) {
  EXPECT_THROW(stored("t", std::string_view("a\0b", 3)), Error);
  EXPECT_EQ(number("SELECT count(*) FROM v"), 0);
}

TEST_P(ValueSuite, refuses_to_read_a_column_as_another_type) {
  EXPECT_THROW(stored("t", "word").integer(0), Error);
  EXPECT_THROW(stored("i", 1).text(0), Error);
  EXPECT_THROW(stored("t", "word").real(0), Error);
  EXPECT_THROW(stored("i", std::nullopt).integer(0), Error);
  EXPECT_EQ(stored("i", 3).real(0), 3.0);
  EXPECT_EQ(stored("t", "42").integer(0), 42);
}

TEST_P(ValueSuite, reads_sums_and_averages_as_numbers) {
  exec("INSERT INTO v (id, i) VALUES (1, 4), (2, 3)");
  const auto row = db_->read([](Tx& tx) { return *tx.one("SELECT sum(i), avg(i), count(*) FROM v"); });
  EXPECT_EQ(row.integer(0), 7);
  EXPECT_EQ(row.real(1), 3.5);
  EXPECT_EQ(row.integer(2), 2);
}

TEST_P(ValueSuite, takes_parameters_repeated_and_in_any_order) {
  exec("INSERT INTO v (t, i, id, r) VALUES ($3, $1, $1, $2)", 7, 2.5, "seven");
  const auto row = db_->read(
      [](Tx& tx) { return *tx.one("SELECT id, i, t, r FROM v WHERE i = $2 AND t = $1 AND id = $2", "seven", 7); });
  EXPECT_EQ(row.integer(0), 7);
  EXPECT_EQ(row.integer(1), 7);
  EXPECT_EQ(row.text(2), "seven");
  EXPECT_EQ(row.real(3), 2.5);
}

TEST_P(ValueSuite, counts_the_rows_a_statement_changed_and_no_others) {
  EXPECT_EQ(exec("INSERT INTO v (id, i) VALUES (1, 1), (2, 2), (3, 3)"), 3);
  EXPECT_EQ(exec("UPDATE v SET i = 0 WHERE id > $1", 1), 2);
  EXPECT_EQ(exec("UPDATE v SET i = 0 WHERE id > $1", 99), 0);
  db_->write([](Tx& tx) {
    EXPECT_EQ(tx.exec("DELETE FROM v WHERE id = 1"), 1);
    EXPECT_EQ(tx.exec("SELECT id FROM v"), 0);
    EXPECT_EQ(tx.exec("CREATE TABLE other (id BIGINT)"), 0);
    EXPECT_EQ(tx.exec("INSERT INTO v (id, i) VALUES (2, 5) ON CONFLICT (id) DO NOTHING"), 0);
    EXPECT_EQ(tx.exec("INSERT INTO v (id, i) VALUES (2, 5) ON CONFLICT (id) DO UPDATE SET i = excluded.i"), 1);
    return true;
  });
  EXPECT_EQ(number("SELECT i FROM v WHERE id = 2"), 5);
}

TEST_P(ValueSuite, returns_what_an_insert_made) {
  const auto rows =
      db_->write([](Tx& tx) { return tx.query("INSERT INTO v (id, t) VALUES (1, 'a'), (2, 'b') RETURNING id, t"); });
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[1].text(1), "b");
}

TEST_P(ValueSuite, refuses_a_wrong_number_of_parameters_and_wrong_sql) {
  EXPECT_THROW(exec("UPDATE v SET i = $1", 1, 2), Error);
  EXPECT_THROW(exec("UPDATE v SET i = $1 WHERE id = $2", 1), Error);
  EXPECT_THROW(exec("SELEKT 1"), Error);
  EXPECT_THROW(exec("SELECT * FROM absent"), Error);
  EXPECT_THROW(exec("DELETE FROM v; DELETE FROM v"), Error) << "scripts are asked for by name";
  EXPECT_EQ(exec("INSERT INTO v (id) VALUES (1)"), 1) << "the connection goes on working";
}

TEST_P(ValueSuite, goes_on_beyond_the_cache_of_prepared_statements) {
  for (int round = 0; round < 2; ++round)
    for (int i = 0; i < 450; ++i)
      ASSERT_EQ(number("SELECT CAST($1 AS BIGINT) + " + std::to_string(i), round), round + i);
}

TEST_P(ValueSuite, runs_the_same_statement_again_after_it_failed) {
  const auto insert = [&](int id) { return exec("INSERT INTO v (id) VALUES ($1)", id); };
  insert(1);
  EXPECT_THROW(insert(1), ConstraintViolation);
  EXPECT_EQ(insert(2), 1);
}

class ConstraintSuite : public DatabaseSuite {
 protected:
  void SetUp() override {
    DatabaseSuite::SetUp();
    if (IsSkipped()) return;
    script(
        by_engine("CREATE TABLE parents (id INTEGER PRIMARY KEY);", "CREATE TABLE parents (id BIGINT PRIMARY KEY);"));
    script(
        "CREATE TABLE people (id BIGINT NOT NULL, email TEXT NOT NULL, nick TEXT, first TEXT, last TEXT, age BIGINT, "
        "parent "
        "BIGINT REFERENCES parents,"
        "  PRIMARY KEY (id), CONSTRAINT people_email UNIQUE (email), CONSTRAINT people_age_positive CHECK (age > 0));"
        "CREATE UNIQUE INDEX people_first_last ON people (first, last) WHERE age IS NOT NULL;"
        "CREATE UNIQUE INDEX people_nick_folded ON people (lower(nick));"
        "INSERT INTO people (id, email, nick, first, last, age) VALUES (1, 'a@b.c', 'ada', 'Ada', 'L', 36);");
  }
  std::string refused(std::string_view sql) {
    try {
      exec(sql);
      return "accepted";
    } catch (const ConstraintViolation& violation) {
      return violation.name();
    }
  }
};

TEST_P(ConstraintSuite, is_named_the_same_on_every_engine) {
  EXPECT_EQ(refused("INSERT INTO people (id, email) VALUES (2, 'a@b.c')"), "people_email");
  EXPECT_EQ(refused("INSERT INTO people (id, email, first, last, age) VALUES (2, 'x', 'Ada', 'L', 1)"),
            "people_first_last");
  EXPECT_EQ(refused("INSERT INTO people (id, email, nick) VALUES (2, 'x', 'ADA')"), "people_nick_folded");
  EXPECT_EQ(refused("INSERT INTO people (id, email) VALUES (1, 'x')"), "people_pkey");
  EXPECT_EQ(refused("INSERT INTO parents (id) VALUES (1), (1)"), "parents_pkey");
  EXPECT_EQ(refused("INSERT INTO people (id, email) VALUES (2, NULL)"), "people_email_not_null");
  EXPECT_EQ(refused("INSERT INTO people (id, email, age) VALUES (2, 'x', 0)"), "people_age_positive");
  EXPECT_EQ(refused("INSERT INTO people (id, email, parent) VALUES (2, 'x', 9)"), "foreign_key");
}

TEST_P(ConstraintSuite, becomes_a_reason_where_the_table_knows_it) {
  script("CREATE TABLE accounts (id BIGINT, email TEXT, CONSTRAINT accounts_email UNIQUE (email))");
  const auto add = [](Tx& tx) -> Result<void> {
    tx.exec("INSERT INTO accounts VALUES (1, 'a@b.c')");
    return {};
  };
  EXPECT_TRUE(db_->write(add));
  EXPECT_EQ(db_->write(add).error().reason(), Reason::email_taken);
  const auto unknown = [](Tx& tx) -> Result<void> {
    tx.exec("INSERT INTO people (id, email) VALUES (1, 'x')");
    return {};
  };
  EXPECT_THROW(static_cast<void>(db_->write(unknown)), ConstraintViolation);
}

class ReadSuite : public DatabaseSuite {
 protected:
  void SetUp() override {
    DatabaseSuite::SetUp();
    if (!IsSkipped()) script("CREATE TABLE t (id BIGINT)");
  }
};

TEST_P(ReadSuite, sees_one_snapshot_from_its_first_statement) {
  std::promise<void> looked, changed;
  std::thread writer([&] {
    looked.get_future().wait();
    exec("INSERT INTO t VALUES (1)");
    changed.set_value();
  });
  const auto counts = db_->read([&](Tx& tx) {
    const auto before = tx.one("SELECT count(*) FROM t")->integer(0);
    looked.set_value();
    changed.get_future().wait();
    return std::pair(before, tx.one("SELECT count(*) FROM t")->integer(0));
  });
  writer.join();
  EXPECT_EQ(counts, std::pair(std::int64_t{0}, std::int64_t{0}));
  EXPECT_EQ(number("SELECT count(*) FROM t"), 1);
}

TEST_P(ReadSuite, cannot_write) {
  for (const char* sql : {"INSERT INTO t VALUES (1)", "CREATE TABLE u (id BIGINT)", "DELETE FROM t"}) {
    EXPECT_THROW(db_->read([&](Tx& tx) { return tx.exec(sql); }), Error) << sql;
    EXPECT_THROW(db_->read_here([&](Tx& tx) { return tx.exec(sql) > 0; }), Error) << sql;
  }
  EXPECT_EQ(number("SELECT count(*) FROM t"), 0);
}

TEST_P(ReadSuite, sees_what_has_been_written_from_any_thread) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&, i] {
      for (int k = 0; k < 20; ++k) {
        const int id = i * 100 + k;
        exec("INSERT INTO t VALUES ($1)", id);
        std::int64_t seen = 0;
        db_->read_here([&](Tx& tx) {
          seen = tx.one("SELECT count(*) FROM t WHERE id = $1", id)->integer(0);
          return true;
        });
        EXPECT_EQ(seen, 1);
      }
    });
  for (auto& thread : threads) thread.join();
}

TEST_P(ReadSuite, one_announced_statement_is_one) {
  using Statements = Database::Statements;
  exec("INSERT INTO t VALUES ($1)", 7);
  std::int64_t seen = 0;
  auto once = [&](Tx& tx) { return seen = tx.one("SELECT id FROM t")->integer(0), true; };
  db_->read_here(once, Statements::one);
  EXPECT_EQ(seen, 7);
  if (postgres()) return;
  EXPECT_THROW(db_->read_here([&](Tx& tx) { return once(tx) && once(tx); }, Statements::one), std::logic_error);
  EXPECT_THROW(db_->read_here([&](Tx& tx) { return tx.exec("DELETE FROM t") > 0; }, Statements::one), Error);
  db_->read_here(once);
}

TEST_P(ReadSuite, a_version_lasts_until_anybody_commits) {
  const auto before = db_->version();
  ASSERT_EQ(before.has_value(), !postgres());
  if (!before) return;
  number("SELECT count(*) FROM t");
  EXPECT_EQ(db_->version(), before) << "a read changes nothing";
  for (int i = 0; i < 300; ++i) {
    const auto last = db_->version();
    exec("INSERT INTO t VALUES ($1)", i);
    EXPECT_NE(db_->version(), last) << "it is another one once the commit is answered";
  }
  const auto last = db_->version();
  (void)db_->write([](Tx& tx) -> Result<void> { return tx.exec("DELETE FROM t"), Reason::conflict; });
  EXPECT_EQ(db_->version(), last) << "what was undone has not happened";
}

TEST_P(ReadSuite, here_is_cheap_on_sqlite_alone) {
  EXPECT_EQ(db_->reads_are_cheap(), !postgres());
}

TEST_P(ReadSuite, reads_on_while_a_writer_is_busy) {
  const Gate gate(*db_);
  EXPECT_EQ(number("SELECT count(*) FROM t"), 0);
}

TEST_P(ReadSuite, passes_on_what_the_body_throws_and_what_it_returns) {
  EXPECT_THROW(db_->read([](Tx&) -> int { throw std::out_of_range("mine"); }), std::out_of_range);
  EXPECT_EQ(db_->read([](Tx&) -> Result<int> { return Reason::job_not_found; }).error().reason(),
            Reason::job_not_found);
  EXPECT_EQ(db_->read([](Tx&) { return std::make_unique<int>(5); }) == nullptr, false);
}

}  // namespace toll::sql
