#include "sql/sqlite/database.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "base/log.h"
#include "sql/body.h"
#include "sql/sqlite/connection.h"
#include "sql/sqlite/wal_index.h"

namespace toll::sql::sqlite {

namespace {

void rollback(Connection& connection) {
  if (!connection.in_transaction()) return;
  try {
    connection.run("ROLLBACK");
  } catch (const Error& error) {
    log::error("sql.rollback_failed", {{"cause", error.what()}});
  }
}

// Answers groups of bodies, one commit a group. What arrives while a group runs joins it, up to `limit` bodies: the
// next one would make it wait for two syncs.
class GroupWriter {
 public:
  GroupWriter(Connection& connection, TaskQueue& arriving, std::size_t limit)
      : connection_(connection), arriving_(arriving), limit_(limit) {}

  void run() {
    for (auto tasks = arriving_.take(limit_); !tasks.empty(); tasks = arriving_.take(limit_)) run(std::move(tasks));
  }

 private:
  static constexpr std::size_t nobody = static_cast<std::size_t>(-1);

  void run(std::vector<Task> tasks) {
    while (!tasks.empty()) {
      const auto culprit = attempt(tasks);
      if (culprit == nobody) return;
      tasks[culprit].answer();
      tasks.erase(tasks.begin() + static_cast<std::ptrdiff_t>(culprit));
    }
  }

  // Answers every task, or the index of the one whose error made SQLite undo the transaction: the others must run
  // again.
  std::size_t attempt(std::vector<Task>& tasks) {
    std::exception_ptr failed;
    bool deferred_constraint = false;
    try {
      connection_.run("BEGIN IMMEDIATE");
      for (std::size_t i = 0; i < tasks.size(); ++i) {
        run_one(tasks[i], tasks.size() > 1);
        if (!connection_.in_transaction()) return i;
        if (i + 1 == tasks.size()) add_arrived(tasks);
      }
      connection_.run("COMMIT");
    } catch (...) {
      failed = std::current_exception();
      deferred_constraint = is<ConstraintViolation>(failed);
      rollback(connection_);
    }
    // A deferred constraint speaks at COMMIT, and does not say whose it was.
    if (deferred_constraint && tasks.size() > 1)
      one_by_one(tasks);
    else if (failed)
      answer_all(tasks, std::move(failed));
    else
      for (auto& task : tasks) task.answer();
    return nobody;
  }

  // A body that is alone needs no savepoint: its transaction is undone instead, and an empty one committed.
  void run_one(Task& task, bool in_company) {
    if (in_company) connection_.run("SAVEPOINT body");
    const bool keep = run_body(task, connection_, Engine::sqlite).keep;
    if (!connection_.in_transaction()) return;
    if (in_company) {
      if (!keep) connection_.run("ROLLBACK TO body");
      connection_.run("RELEASE body");
    } else if (!keep) {
      connection_.run("ROLLBACK");
      connection_.run("BEGIN IMMEDIATE");
    }
  }

  void add_arrived(std::vector<Task>& tasks) {
    if (one_by_one_ || tasks.size() >= limit_) return;
    for (auto& task : arriving_.take_waiting(limit_ - tasks.size())) tasks.push_back(std::move(task));
  }

  void one_by_one(std::vector<Task>& tasks) {
    one_by_one_ = true;
    for (auto& task : tasks) {
      std::vector<Task> alone;
      alone.push_back(std::move(task));
      run(std::move(alone));
    }
    one_by_one_ = false;
  }

  Connection& connection_;
  TaskQueue& arriving_;
  const std::size_t limit_;
  bool one_by_one_ = false;
};

// One deferred transaction: the snapshot of its first statement.
void run_read(Task& task, Connection& connection) {
  try {
    connection.run("BEGIN");
    run_body(task, connection, Engine::sqlite);
    if (connection.in_transaction()) connection.run("COMMIT");
  } catch (...) {
    task.failed = std::current_exception();
    rollback(connection);
  }
}

// Where the file lies, and what is to be removed with it.
struct Place {
  std::string path;
  Durability durability = Durability::synced;
  std::filesystem::path temporary;

  ~Place() {
    std::error_code ignored;
    if (!temporary.empty()) std::filesystem::remove_all(temporary, ignored);
  }
};

// An in-memory database is a file in memory: SQLite's own shared in-memory databases have no WAL, so that readers would
// wait for the writer and behave unlike the real thing.
std::unique_ptr<Place> memory_place() {
  namespace fs = std::filesystem;
  const fs::path shared_memory = "/dev/shm";
  const auto base = ::access(shared_memory.c_str(), W_OK) == 0 ? shared_memory : fs::temp_directory_path();
  std::string name = (base / "tollhouse-memory-XXXXXX").string();
  if (!::mkdtemp(name.data())) throw Error("cannot make a folder in " + base.string());
  auto place = std::make_unique<Place>();
  place->temporary = name;
  place->path = (place->temporary / "database").string();
  place->durability = Durability::volatile_;
  return place;
}

std::unique_ptr<Place> place_of(const std::string& url) {
  constexpr std::string_view memory = "sqlite::memory:", file = "sqlite://";
  if (url == memory) return memory_place();
  if (!url.starts_with("sqlite:///"))
    throw Error("an SQLite url is sqlite:///absolute/path or sqlite::memory:, not " + url);
  auto place = std::make_unique<Place>();
  place->path = url.substr(file.size());
  return place;
}

// A new file is not durable before its name is.
void sync_folder_of(const std::string& path) {
  const auto folder = std::filesystem::path(path).parent_path();
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

class SqliteDatabase final : public Database {
 public:
  explicit SqliteDatabase(const Options& options)
      : options_(options), place_(place_of(options.url)), writes_(options.queue_limit), reads_(options.queue_limit) {
    auto writer = connect(Access::write);
    sync_folder_of(place_->path);
    threads_.emplace_back([this, writer = std::move(writer)] { write_loop(*writer); });
    for (std::size_t i = 0; i < std::max<std::size_t>(options_.readers, 1); ++i)
      threads_.emplace_back([this] { read_loop(); });
  }
  ~SqliteDatabase() override { close(); }

  Engine engine() const override { return Engine::sqlite; }
  void post_read(Body body, Done done) override { reads_.push({std::move(body), std::move(done)}); }
  void post_write(Body body, Done done) override { writes_.push({std::move(body), std::move(done)}); }
  bool reads_are_cheap() const override { return true; }
  std::optional<Version> version() const override {
    std::call_once(index_found_, [this] { index_ = WalIndex::of(place_->path); });
    if (!index_) return std::nullopt;
    return index_->version();
  }

  void read_here(const Body& body, Statements statements) override {
    std::exception_ptr failed;
    Task task{body, [&](std::exception_ptr error) { failed = std::move(error); }};
    auto connection = borrow();
    if (statements == Statements::one)
      run_body(task, *connection, Engine::sqlite, true);
    else
      run_read(task, *connection);
    give_back(std::move(connection));
    task.answer();
    if (failed) std::rethrow_exception(failed);
  }

  void close() override {
    writes_.close();
    reads_.close();
    for (auto& thread : threads_)
      if (thread.joinable()) thread.join();
    std::lock_guard lock(idle_mutex_);
    closed_ = true;
    idle_.clear();
  }

 private:
  std::unique_ptr<Connection> connect(Access access) const {
    return std::make_unique<Connection>(place_->path, access, place_->durability, options_.statement_timeout);
  }

  void write_loop(Connection& connection) {
    GroupWriter(connection, writes_, std::max<std::size_t>(options_.group_limit, 1)).run();
  }

  // The connection is borrowed for each body, so that readers that have nothing to do hold no memory.
  void read_loop() {
    for (auto tasks = reads_.take(1); !tasks.empty(); tasks = reads_.take(1)) {
      Task& task = tasks.front();
      try {
        auto connection = borrow();
        run_read(task, *connection);
        give_back(std::move(connection));
      } catch (...) {
        task.failed = std::current_exception();
      }
      task.answer();
    }
  }

  // As many reading connections as there have been reads at one time; the last one used comes first.
  std::unique_ptr<Connection> borrow() {
    {
      std::lock_guard lock(idle_mutex_);
      if (closed_) throw Error("the database is closed");
      if (!idle_.empty()) {
        auto connection = std::move(idle_.back());
        idle_.pop_back();
        return connection;
      }
    }
    return connect(Access::read);
  }
  void give_back(std::unique_ptr<Connection> connection) {
    if (connection->in_transaction()) return;
    std::lock_guard lock(idle_mutex_);
    if (!closed_) idle_.push_back(std::move(connection));
  }

  const Options options_;
  std::unique_ptr<Place> place_;
  TaskQueue writes_, reads_;
  mutable std::once_flag index_found_;
  mutable const WalIndex* index_ = nullptr;
  std::mutex idle_mutex_;
  std::vector<std::unique_ptr<Connection>> idle_;
  bool closed_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace

std::unique_ptr<Database> open(const Options& options) {
  return std::make_unique<SqliteDatabase>(options);
}

}  // namespace toll::sql::sqlite
