#include "sql/postgres/database.h"

#include <algorithm>
#include <thread>

#include "sql/body.h"
#include "sql/postgres/group.h"
#include "sql/postgres/lane.h"

namespace toll::sql::postgres {

namespace {

// More would lengthen the wait of the first and the row locks of all, and save little of the sync they share.
constexpr std::size_t largest_group = 64;

// What the body has read stands, whether or not the server hears of the end; a dead connection shows at its next use.
void end_read(Connection& connection) {
  try {
    connection.post("COMMIT");
  } catch (const ConnectionLost&) {
  }
}

void run_read(Task& task, Lane& lane) {
  // Twice, because a connection may have died while nobody used it.
  for (int tries = 0; tries < 2; ++tries) {
    Connection& connection = lane.get();
    const auto before = connection.sent();
    connection.defer("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    const auto ended = run_body(task, connection, Engine::postgres);
    if (is<ConnectionLost>(ended.database)) {
      task.failed = ended.database;
      continue;
    }
    if (connection.sent() == before)
      connection.drop_deferred();
    else
      end_read(connection);
    return;
  }
}

class PostgresDatabase final : public Database {
 public:
  explicit PostgresDatabase(const Options& options)
      : options_(options), writes_(options.queue_limit), reads_(options.queue_limit) {
    auto first = std::make_unique<Lane>(options_.url, options_.statement_timeout);
    first->get();
    for (std::size_t i = 0; i < writers(); ++i) {
      auto lane = first ? std::move(first) : std::make_unique<Lane>(options_.url, options_.statement_timeout);
      threads_.emplace_back([this, lane = std::move(lane)] { write_loop(*lane); });
    }
    for (std::size_t i = 0; i < std::max<std::size_t>(options_.readers, 1); ++i)
      threads_.emplace_back([this] { read_loop(); });
  }
  ~PostgresDatabase() override { close(); }

  Engine engine() const override { return Engine::postgres; }
  void post_read(Body body, Done done) override { reads_.push({std::move(body), std::move(done)}); }
  void post_write(Body body, Done done) override { writes_.push({std::move(body), std::move(done)}); }
  bool reads_are_cheap() const override { return false; }

  // Waits for a reading thread: not for I/O threads.
  void read_here(const Body& body, Statements) override {
    std::promise<std::exception_ptr> finished;
    post_read([&](Tx& tx) { return body(tx); },
              [&](std::exception_ptr failed) { finished.set_value(std::move(failed)); });
    if (auto failed = finished.get_future().get()) std::rethrow_exception(failed);
  }

  void close() override {
    writes_.close();
    reads_.close();
    for (auto& thread : threads_)
      if (thread.joinable()) thread.join();
  }

 private:
  std::size_t writers() const { return std::max<std::size_t>(options_.writers, 1); }

  void write_loop(Lane& lane) {
    GroupWriter group(lane, turns_);
    const auto most = std::min(options_.group_limit, largest_group);
    for (auto tasks = writes_.take(most, writers()); !tasks.empty(); tasks = writes_.take(most, writers()))
      group.run(std::move(tasks));
  }

  void read_loop() {
    Lane lane(options_.url, options_.statement_timeout);
    for (auto tasks = reads_.take(1); !tasks.empty(); tasks = reads_.take(1)) {
      Task& task = tasks.front();
      try {
        run_read(task, lane);
      } catch (...) {
        task.failed = std::current_exception();
      }
      task.answer();
    }
  }

  const Options options_;
  TaskQueue writes_, reads_;
  Turns turns_;
  std::vector<std::thread> threads_;
};

}  // namespace

std::unique_ptr<Database> open(const Options& options) {
  return std::make_unique<PostgresDatabase>(options);
}

}  // namespace toll::sql::postgres
