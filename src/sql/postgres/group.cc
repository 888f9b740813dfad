#include "sql/postgres/group.h"

#include <thread>

#include "base/log.h"
#include "base/random.h"
#include "sql/body.h"

namespace toll::sql::postgres {

namespace {

// Attempts of one body; the pauses between them add up to about two seconds.
constexpr int most_attempts = 8;

std::chrono::microseconds pause_before(int attempt) {
  SystemRandom random;
  const std::uint64_t longest = std::uint64_t{4000} << (attempt - 1);
  return std::chrono::microseconds(longest / 2 + random.below(longest));
}

// Sends nothing if the transaction has not begun on the server.
void rollback(Connection& connection, std::uint64_t begun_at) {
  connection.drop_deferred();
  if (connection.sent() == begun_at || !connection.alive()) return;
  try {
    connection.post("ROLLBACK");
  } catch (const ConnectionLost& error) {
    log::warn("sql.rollback_failed", {{"cause", error.what()}});
  }
}

}  // namespace

void GroupWriter::run(std::vector<Task> tasks) {
  const auto turn = turns_.take();
  auto outcome = attempt(tasks);
  // A connection that died while nobody used it costs nobody anything.
  if (outcome == Outcome::lost) outcome = attempt(tasks);
  if (outcome == Outcome::conflict) {
    turns_.conflict();
    one_by_one(tasks);
  } else if (outcome == Outcome::lost) {
    for (auto& task : tasks) task.answer();
  }
}

GroupWriter::Outcome GroupWriter::attempt(std::vector<Task>& tasks) {
  std::exception_ptr failed;
  try {
    Connection& connection = lane_.get();
    begun_at_ = connection.sent();
    connection.defer("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE");
    const auto outcome = run_bodies(tasks, connection);
    return outcome == Outcome::answered ? commit(tasks, connection) : outcome;
  } catch (...) {
    failed = std::current_exception();
  }
  answer_all(tasks, std::move(failed));
  return Outcome::answered;
}

// `answered` here: all have run, and wait for the commit.
GroupWriter::Outcome GroupWriter::run_bodies(std::vector<Task>& tasks, Connection& connection) {
  const bool in_company = tasks.size() > 1;
  for (auto& task : tasks) {
    if (in_company) connection.defer("SAVEPOINT body");
    const auto ended = run_body(task, connection, Engine::postgres);
    if (is<ConnectionLost>(ended.database)) {
      for (auto& other : tasks) other.failed = ended.database;
      return Outcome::lost;
    }
    if (is<Conflict>(ended.database)) {
      task.failed = ended.database;
      rollback(connection, begun_at_);
      return Outcome::conflict;
    }
    keep_ = ended.keep;
    if (in_company && !ended.keep) connection.defer("ROLLBACK TO SAVEPOINT body");
    if (in_company) connection.defer("RELEASE SAVEPOINT body");
  }
  return Outcome::answered;
}

GroupWriter::Outcome GroupWriter::commit(std::vector<Task>& tasks, Connection& connection) {
  const bool nothing_sent = connection.sent() == begun_at_;
  const bool undone = tasks.size() == 1 && !keep_;
  if (nothing_sent || undone) {
    rollback(connection, begun_at_);
  } else {
    try {
      if (connection.command("COMMIT") != "COMMIT") throw Error("PostgreSQL did not commit the transaction");
    } catch (const ConnectionLost& error) {
      throw Error(std::string("it is unknown whether the transaction was committed: ") + error.what());
    } catch (const Conflict&) {
      tasks.front().failed = std::current_exception();
      return Outcome::conflict;
    } catch (const ConstraintViolation&) {
      // A deferred constraint speaks at COMMIT, and does not say whose it was.
      if (tasks.size() > 1) return Outcome::conflict;
      throw;
    }
  }
  for (auto& task : tasks) task.answer();
  return Outcome::answered;
}

void GroupWriter::one_by_one(std::vector<Task>& tasks) {
  for (auto& task : tasks) persist(std::move(task));
}

void GroupWriter::persist(Task task) {
  std::vector<Task> alone;
  alone.push_back(std::move(task));
  for (int tries = 1; attempt(alone) != Outcome::answered; ++tries) {
    if (tries == most_attempts) return alone.front().answer();
    std::this_thread::sleep_for(pause_before(tries));
  }
}

}  // namespace toll::sql::postgres
