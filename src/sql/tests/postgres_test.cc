// What only PostgreSQL has to prove: conflicts between its connections, and lost ones.
#include <latch>

#include "sql/testing/postgres_cluster.h"
#include "sql/tests/suite.h"

namespace toll::sql {
namespace {

using testing::PostgresCluster;

class Postgres : public ::testing::Test {
 protected:
  void SetUp() override {
    TOLL_SKIP_WITHOUT(Engine::postgres);
    place_ = std::make_unique<testing::Place>(Engine::postgres);
    db_ = place_->open();
    db_->write([](Tx& tx) {
      tx.script("CREATE TABLE t (id BIGINT PRIMARY KEY, n BIGINT NOT NULL DEFAULT 0); INSERT INTO t VALUES (1), (2)");
      return true;
    });
  }
  std::int64_t sum() {
    return db_->read([](Tx& tx) { return tx.one("SELECT sum(n) FROM t")->integer(0); });
  }
  static void cut_connections() {
    PostgresCluster::shared().run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
        "AND backend_type = 'client backend'");
  }

  std::unique_ptr<testing::Place> place_;
  std::unique_ptr<Database> db_;
};

TEST_F(Postgres, runs_both_sides_of_a_deadlock_to_their_end_and_each_hook_once) {
  std::atomic<int> runs = 0, hooks = 0;
  std::latch both_hold_one(2);
  const auto move = [&](std::int64_t first, std::int64_t second) {
    // Only the first runs meet: a repeated one must not wait for the other.
    auto met = std::make_shared<std::atomic<bool>>(false);
    return db_->write([&, first, second, met](Tx& tx) {
      ++runs;
      tx.after_commit([&] { ++hooks; });
      tx.exec("UPDATE t SET n = n + 1 WHERE id = $1", first);
      if (!met->exchange(true)) both_hold_one.arrive_and_wait();
      return tx.exec("UPDATE t SET n = n + 1 WHERE id = $1", second) == 1;
    });
  };
  std::thread other([&] { EXPECT_TRUE(move(2, 1)); });
  EXPECT_TRUE(move(1, 2));
  other.join();
  EXPECT_GE(runs, 3) << "one of them has lost and run again";
  EXPECT_EQ(hooks, 2);
  EXPECT_EQ(sum(), 4);
}

TEST_F(Postgres, gets_through_groups_that_lock_the_same_rows_in_any_order) {
  constexpr int bodies = 400;
  std::latch all(bodies);
  std::atomic<int> failed = 0;
  for (int i = 0; i < bodies; ++i)
    db_->post_write(
        [i](Tx& tx) {
          tx.exec("UPDATE t SET n = n + 1 WHERE id = $1", 1 + i % 2);
          return tx.exec("UPDATE t SET n = n + 1 WHERE id = $1", 2 - i % 2) == 1;
        },
        [&](std::exception_ptr error) {
          if (error) ++failed;
          all.count_down();
        });
  all.wait();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(sum(), 2 * bodies);
}

TEST_F(Postgres, runs_a_lost_serialisation_again) {
  std::atomic<int> runs = 0;
  db_->write([&](Tx& tx) {
    if (++runs < 3) tx.exec("DO $$ BEGIN RAISE EXCEPTION 'made up' USING ERRCODE = '40001'; END $$");
    return tx.exec("UPDATE t SET n = 5 WHERE id = 1") == 1;
  });
  EXPECT_EQ(runs, 3);
  EXPECT_EQ(sum(), 5);
}

TEST_F(Postgres, gives_up_on_a_body_that_never_wins) {
  std::atomic<int> runs = 0;
  const auto never = [&](Tx& tx) {
    ++runs;
    return tx.exec("DO $$ BEGIN RAISE EXCEPTION 'made up' USING ERRCODE = '40P01'; END $$");
  };
  EXPECT_THROW(db_->write(never), Error);
  EXPECT_GT(runs, 3);
  EXPECT_LT(runs, 20);
}

TEST_F(Postgres, comes_back_after_its_connections_were_cut) {
  for (int round = 0; round < 3; ++round) {
    cut_connections();
    EXPECT_EQ(db_->write([](Tx& tx) { return tx.exec("UPDATE t SET n = n + 1 WHERE id = 1"); }), 1);
    cut_connections();
    EXPECT_EQ(sum(), round + 1);
  }
}

TEST_F(Postgres, runs_a_body_again_whose_connection_was_cut_before_its_commit) {
  std::atomic<int> runs = 0;
  db_->write([&](Tx& tx) {
    tx.exec("UPDATE t SET n = n + 1 WHERE id = 1");
    if (++runs == 1) cut_connections();
    return tx.exec("UPDATE t SET n = n + 1 WHERE id = 2") == 1;
  });
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(sum(), 2);
}

TEST_F(Postgres, comes_back_after_the_server_was_restarted) {
  PostgresCluster::shared().restart();
  EXPECT_EQ(db_->write([](Tx& tx) { return tx.exec("UPDATE t SET n = 7 WHERE id = 1"); }), 1);
  EXPECT_EQ(sum(), 7);
}

TEST_F(Postgres, plans_anew_what_a_migration_of_another_server_outdated) {
  const auto all = [](Tx& tx) { return tx.query("SELECT * FROM t WHERE id = 1").front().size(); };
  const auto one_writer = place_->open({.writers = 1});
  for (int i = 0; i < 10; ++i) EXPECT_EQ(one_writer->write(all), 2u);
  db_->write([](Tx& tx) {
    tx.script("ALTER TABLE t ADD COLUMN extra TEXT");
    return true;
  });
  EXPECT_EQ(one_writer->write(all), 3u);
}

TEST_F(Postgres, refuses_to_open_what_does_not_answer) {
  EXPECT_THROW(open({.url = "postgresql:///x?host=/absent"}), Error);
  EXPECT_THROW(open({.url = PostgresCluster::shared().url("absent")}), Error);
}

}  // namespace
}  // namespace toll::sql
