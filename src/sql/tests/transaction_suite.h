// What every engine promises of writes: all or nothing, together where they wait together, answered once and when
// durable.
#pragma once

#include <atomic>
#include <latch>

#include "sql/tests/suite.h"

namespace toll::sql {

class WriteSuite : public DatabaseSuite {
 protected:
  void SetUp() override {
    DatabaseSuite::SetUp();
    if (!IsSkipped()) make_table();
  }
  void make_table() { script("CREATE TABLE t (id BIGINT PRIMARY KEY, n BIGINT NOT NULL DEFAULT 0)"); }
  // One writing thread, so that a Gate makes everything posted after it wait together.
  void one_writer(Options options = {}) {
    options.writers = 1;
    reopen(std::move(options));
    if (!GetParam().shared) make_table();
  }
  std::int64_t rows() { return number("SELECT count(*) FROM t"); }

  // Posts the body and keeps its answer.
  struct Answer {
    std::atomic<int> times = 0;
    std::exception_ptr failed;
  };
  void post(Answer& answer, std::latch& all, Database::Body body) {
    db_->post_write(std::move(body), [&](std::exception_ptr failed) {
      answer.failed = failed;
      ++answer.times;
      all.count_down();
    });
  }
  static Database::Body insert(int id) {
    return [id](Tx& tx) { return tx.exec("INSERT INTO t (id) VALUES ($1)", id) == 1; };
  }
};

TEST_P(WriteSuite, keeps_all_of_a_body_or_nothing) {
  const auto twice = [](Tx& tx) {
    return tx.exec("INSERT INTO t (id) VALUES (1)") + tx.exec("INSERT INTO t (id) VALUES (2)");
  };
  const auto fault = [&](Tx& tx) -> Result<int> {
    twice(tx);
    return Reason::insufficient_credits;
  };
  EXPECT_EQ(db_->write(fault).error().reason(), Reason::insufficient_credits);
  EXPECT_THROW(db_->write([&](Tx& tx) -> int {
    twice(tx);
    throw std::logic_error("mine");
  }),
               std::logic_error);
  EXPECT_EQ(rows(), 0);
  EXPECT_EQ(db_->write(twice), 2);
  EXPECT_EQ(rows(), 2);
}

TEST_P(WriteSuite, undoes_a_body_among_neighbours_that_stay) {
  one_writer();
  std::vector<Answer> answers(7);
  std::latch all(7);
  {
    Gate gate(*db_);
    post(answers[0], all, insert(0));
    post(answers[1], all, [](Tx& tx) { return tx.exec("INSERT INTO t (id) VALUES (1)") == 99; });
    post(answers[2], all, insert(2));
    post(answers[3], all, [](Tx& tx) -> bool {
      tx.exec("INSERT INTO t (id) VALUES (3)");
      throw std::runtime_error("mine");
    });
    post(answers[4], all, insert(2));
    post(answers[5], all, [](Tx&) { return true; });
    post(answers[6], all, insert(6));
  }
  all.wait();
  EXPECT_EQ(number("SELECT sum(id) FROM t"), 0 + 2 + 6);
  EXPECT_EQ(rows(), 3);
  for (int i : {0, 1, 2, 5, 6}) EXPECT_EQ(what(answers[i].failed), "") << i;
  EXPECT_EQ(what(answers[3].failed), "mine");
  EXPECT_THROW(std::rethrow_exception(answers[4].failed), ConstraintViolation);
}

TEST_P(WriteSuite, shares_a_commit_among_bodies_that_wait_together) {
  one_writer();
  constexpr int bodies = 200;
  std::atomic<int> ran = 0, fewest_before_an_answer = bodies;
  std::latch all(bodies);
  {
    Gate gate(*db_);
    for (int i = 0; i < bodies; ++i)
      db_->post_write(
          [&, i](Tx& tx) {
            ++ran;
            return insert(i)(tx);
          },
          [&](std::exception_ptr failed) {
            EXPECT_EQ(what(failed), "");
            if (ran < fewest_before_an_answer) fewest_before_an_answer = ran.load();
            all.count_down();
          });
  }
  all.wait();
  EXPECT_GE(fewest_before_an_answer, 50) << "nobody is answered before the commit, and the commit is shared";
  EXPECT_EQ(rows(), bodies);
}

TEST_P(WriteSuite, keeps_groups_within_their_limit) {
  one_writer({.group_limit = 10});
  std::atomic<int> ran = 0, answered = 0, most_at_once = 0;
  std::latch all(100);
  {
    Gate gate(*db_);
    for (int i = 0; i < 100; ++i)
      db_->post_write(
          [&, i](Tx& tx) {
            most_at_once = std::max(most_at_once.load(), ++ran - answered);
            return insert(i)(tx);
          },
          [&](std::exception_ptr) {
            ++answered;
            all.count_down();
          });
  }
  all.wait();
  EXPECT_EQ(most_at_once, 10);
}

TEST_P(WriteSuite, answers_each_body_exactly_once) {
  constexpr int bodies = 2000;
  std::vector<Answer> answers(bodies);
  std::latch all(bodies);
  for (int i = 0; i < bodies; ++i)
    post(answers[i], all, [i](Tx& tx) -> bool {
      if (i % 7 == 0) throw std::runtime_error("mine");
      return insert(i % 500)(tx) && i % 3 != 0;
    });
  all.wait();
  db_->close();
  for (const auto& answer : answers) ASSERT_EQ(answer.times, 1);
}

TEST_P(WriteSuite, runs_hooks_once_after_the_commit_and_before_the_answer) {
  std::atomic<int> hooks = 0;
  std::promise<void> committed;
  std::thread reader([&] {
    committed.get_future().wait();
    EXPECT_EQ(rows(), 1) << "a hook runs when everybody can see the work";
  });
  db_->write([&](Tx& tx) {
    tx.exec("INSERT INTO t (id) VALUES (1)");
    tx.after_commit([&] {
      ++hooks;
      committed.set_value();
    });
    EXPECT_EQ(hooks, 0);
    return true;
  });
  EXPECT_EQ(hooks, 1);
  reader.join();
}

TEST_P(WriteSuite, runs_no_hook_of_an_undone_body) {
  one_writer();
  std::atomic<int> wrong = 0, right = 0;
  std::vector<Answer> answers(4);
  std::latch all(4);
  const auto hook = [](std::atomic<int>& count) { return [&count] { ++count; }; };
  {
    Gate gate(*db_);
    post(answers[0], all, [&](Tx& tx) {
      tx.after_commit(hook(wrong));
      return false;
    });
    post(answers[1], all, [&](Tx& tx) -> bool {
      tx.after_commit(hook(wrong));
      throw std::runtime_error("mine");
    });
    post(answers[2], all, [&](Tx& tx) {
      tx.after_commit(hook(wrong));
      return tx.exec("INSERT INTO absent VALUES (1)") > 0;
    });
    post(answers[3], all, [&](Tx& tx) {
      tx.after_commit(hook(right));
      return insert(1)(tx);
    });
  }
  all.wait();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(right, 1);
}

TEST_P(WriteSuite, undoes_a_body_that_swallows_an_error_and_wants_to_stay) {
  const auto swallow = [](Tx& tx) {
    tx.exec("INSERT INTO t (id) VALUES (1)");
    try {
      tx.exec("INSERT INTO t (id) VALUES (1)");
    } catch (const ConstraintViolation&) {
    }
    return true;
  };
  EXPECT_THROW(db_->write(swallow), ConstraintViolation);
  EXPECT_EQ(rows(), 0);
}

TEST_P(WriteSuite, lets_a_body_answer_a_constraint_in_its_own_words) {
  const auto own = [](Tx& tx) -> Result<void> {
    try {
      tx.exec("INSERT INTO t (id) VALUES (1), (1)");
    } catch (const ConstraintViolation&) {
      return Reason::conflict;
    }
    return {};
  };
  EXPECT_EQ(db_->write(own).error().reason(), Reason::conflict);
}

TEST_P(WriteSuite, lays_a_deferred_constraint_at_the_door_of_its_body) {
  one_writer();
  script("CREATE TABLE child (id BIGINT REFERENCES t DEFERRABLE INITIALLY DEFERRED)");
  std::vector<Answer> answers(3);
  std::latch all(3);
  {
    Gate gate(*db_);
    post(answers[0], all, insert(1));
    post(answers[1], all, [](Tx& tx) { return tx.exec("INSERT INTO child VALUES (77)") == 1; });
    post(answers[2], all, insert(2));
  }
  all.wait();
  EXPECT_EQ(what(answers[0].failed), "");
  EXPECT_THROW(std::rethrow_exception(answers[1].failed), ConstraintViolation);
  EXPECT_EQ(what(answers[2].failed), "");
  EXPECT_EQ(rows(), 2);
}

TEST_P(WriteSuite, says_no_when_the_queue_is_full) {
  one_writer({.queue_limit = 3});
  std::vector<Answer> answers(3);
  std::latch all(3);
  {
    Gate gate(*db_);
    for (int i = 0; i < 3; ++i) post(answers[i], all, insert(i));
    const auto refused = db_->write([](Tx&) -> Result<void> { return {}; });
    ASSERT_FALSE(refused);
    EXPECT_EQ(Fault(refused.error()).reason(), Reason::overloaded);
    EXPECT_TRUE(Fault(refused.error()).retry_after());
    EXPECT_THROW(db_->write([](Tx&) { return true; }), Overloaded);
  }
  all.wait();
  EXPECT_EQ(rows(), 3);
}

TEST_P(WriteSuite, says_no_when_the_queue_of_reads_is_full) {
  reopen({.readers = 1, .queue_limit = 1});
  std::promise<void> entered, release;
  std::latch all(2);
  const auto done = [&](std::exception_ptr) { all.count_down(); };
  db_->post_read(
      [&](Tx&) {
        entered.set_value();
        release.get_future().wait();
        return true;
      },
      done);
  entered.get_future().wait();
  db_->post_read([](Tx&) { return true; }, done);
  EXPECT_THROW(db_->read([](Tx&) { return true; }), Overloaded);
  release.set_value();
  all.wait();
}

TEST_P(WriteSuite, stops_a_statement_that_takes_too_long_and_spares_its_neighbours) {
  one_writer({.statement_timeout = std::chrono::milliseconds(250)});
  const std::string endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x > 0) ";
  EXPECT_THROW(db_->read([&](Tx& tx) { return tx.query(endless + "SELECT count(*) FROM c"); }), Error);
  std::vector<Answer> answers(3);
  std::latch all(3);
  {
    Gate gate(*db_);
    post(answers[0], all, insert(1));
    post(answers[1], all,
         [&](Tx& tx) { return tx.exec("INSERT INTO t (id) " + endless + "SELECT 1000 + x FROM c") > 0; });
    post(answers[2], all, insert(2));
  }
  all.wait();
  EXPECT_EQ(what(answers[0].failed), "");
  EXPECT_NE(what(answers[1].failed).find("longer than 250 ms"), std::string::npos) << what(answers[1].failed);
  EXPECT_EQ(what(answers[2].failed), "");
  EXPECT_EQ(rows(), 2);
}

TEST_P(WriteSuite, loses_no_increment_between_two_servers_on_one_database) {
  if (!GetParam().shared) GTEST_SKIP() << "an in-memory database belongs to one server";
  exec("INSERT INTO t (id) VALUES (1)");
  auto other = open();
  std::vector<std::thread> threads;
  for (Database* db : {db_.get(), other.get()})
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([db] {
        for (int k = 0; k < 50; ++k)
          db->write([](Tx& tx) {
            const auto n = tx.one(tx.engine() == Engine::postgres ? "SELECT n FROM t WHERE id = 1 FOR UPDATE"
                                                                  : "SELECT n FROM t WHERE id = 1")
                               ->integer(0);
            return tx.exec("UPDATE t SET n = $1 WHERE id = 1", n + 1);
          });
      });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(number("SELECT n FROM t"), 400);
}

TEST_P(WriteSuite, never_takes_more_than_there_is) {
  exec("INSERT INTO t (id, n) VALUES (1, 100)");
  std::atomic<int> taken = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      for (int k = 0; k < 40; ++k)
        if (db_->write([](Tx& tx) { return tx.exec("UPDATE t SET n = n - $1 WHERE id = 1 AND n >= $1", 1) == 1; }))
          ++taken;
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(taken, 100);
  EXPECT_EQ(number("SELECT n FROM t"), 0);
}

TEST_P(WriteSuite, finishes_what_is_queued_before_it_closes) {
  one_writer();
  std::vector<Answer> answers(100);
  std::latch all(100);
  auto gate = std::make_unique<Gate>(*db_);
  for (int i = 0; i < 100; ++i) post(answers[i], all, insert(i));
  std::thread closing([&] { db_->close(); });
  gate->release();
  closing.join();
  gate.reset();
  EXPECT_TRUE(all.try_wait()) << "close() returns when everybody has been answered";
  for (const auto& answer : answers) EXPECT_EQ(what(answer.failed), "");
  db_->close();
  EXPECT_THROW(db_->write([](Tx&) { return true; }), Error);
  EXPECT_THROW(db_->read([](Tx&) { return true; }), Error);
  EXPECT_THROW(db_->read_here([](Tx&) { return true; }), Error);
}

}  // namespace toll::sql
