#include "sql/async.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <thread>

#include "sql/tests/suite.h"

namespace toll::sql {
namespace {

namespace asio = boost::asio;

class Async : public ::testing::TestWithParam<Engine> {
 protected:
  void SetUp() override {
    TOLL_SKIP_WITHOUT(GetParam());
    const Migration table{1, "001_t", "CREATE TABLE t (id BIGINT PRIMARY KEY)"};
    db_ = testing::fresh_database(GetParam(), std::vector{table});
  }
  testing::Fresh db_;
};
INSTANTIATE_TEST_SUITE_P(On, Async, ::testing::ValuesIn(testing::engines), testing::engine_name);

asio::awaitable<void> client(Database& db, std::int64_t id, int& finished) {
  const auto home = std::this_thread::get_id();
  auto insert = [id, home](Tx& tx) -> Result<std::int64_t> {
    EXPECT_NE(std::this_thread::get_id(), home);
    tx.exec("INSERT INTO t VALUES ($1)", id);
    return id;
  };
  auto made = co_await write(db, insert);
  EXPECT_EQ(made.value(), id);
  EXPECT_EQ(std::this_thread::get_id(), home);

  auto refuse = [](Tx&) -> Result<int> { return Reason::job_not_found; };
  auto refused = co_await write(db, refuse);
  EXPECT_EQ(refused.error().reason(), Reason::job_not_found);

  bool threw = false;
  try {
    co_await write(db, insert);
  } catch (const ConstraintViolation& violation) {
    threw = violation.name() == "t_pkey";
  }
  EXPECT_TRUE(threw);

  auto look = [id](Tx& tx) { return tx.one("SELECT id FROM t WHERE id = $1", id)->integer(0); };
  auto seen = co_await read(db, look);
  EXPECT_EQ(seen, id);
  ++finished;
}

TEST_P(Async, brings_values_faults_and_exceptions_home_from_many_bodies_at_once) {
  asio::io_context io(1);
  int finished = 0;
  for (int id = 0; id < 300; ++id)
    asio::co_spawn(io, client(*db_, id, finished), [](std::exception_ptr failed) { EXPECT_EQ(what(failed), ""); });
  io.run();
  EXPECT_EQ(finished, 300);
}

}  // namespace
}  // namespace toll::sql
