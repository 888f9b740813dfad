// One seam over SQLite and PostgreSQL: transactions as plain functions, typed binds and columns, group commit.
//
// SQL is written once where both speak it (they share UPSERT, RETURNING, partial indexes, and $1-style parameters).
// Where they differ the caller asks tx.engine() and writes it twice.
//
//   auto balance = db.read([&](Tx& tx) { return tx.one("SELECT balance FROM accounts WHERE id = $1", id)->integer(0);
//   }); Result<void> r = db.write([&](Tx& tx) -> Result<void> { ...; return {}; });
//
// write(): all or nothing. A returned fault, or an exception, undoes everything that f did. Many writes that wait at
// the same time share one commit (SAVEPOINT each, one sync for all); a write is answered only after that commit is
// durable. f may run more than once (PostgreSQL serialisation and deadlock retries) and must not change its captures in
// a way that a second run would feel. f runs on a database thread: no waiting on other writes inside. read(): one
// consistent snapshot; writing inside is an error.
#pragma once

#include <array>
#include <cstdint>
#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"

namespace toll::sql {

enum class Engine { sqlite, postgres };

// The database broke or the SQL is wrong: nothing a caller caused.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A unique, check or foreign-key constraint said no. name() is the index or constraint name in both engines:
// <table>_<column>[_<column>...] for unique ones.
class ConstraintViolation : public Error {
 public:
  ConstraintViolation(std::string name, const std::string& what) : Error(what), name_(std::move(name)) {}
  const std::string& name() const { return name_; }

 private:
  std::string name_;
};

// The disk of the database is full. Nothing of the transaction has been kept.
struct StorageFull : Error {
  using Error::Error;
};

// Bytes; text with a NUL byte is refused by both engines (Error), a blob may hold anything.
struct Blob {
  std::string_view bytes;
};

// A bound parameter. Text and blobs are views: they live until the statement has run.
class Value {
 public:
  using Variant = std::variant<std::monostate, std::int64_t, double, std::string_view, Blob>;
  Value(std::nullopt_t) {}
  Value(bool v) : v_(std::int64_t{v}) {}
  template <class I>
  requires(std::is_integral_v<I> && !std::is_same_v<I, bool>) Value(I v) : v_(static_cast<std::int64_t>(v)) {}
  Value(double v) : v_(v) {}
  Value(std::string_view v) : v_(v) {}
  Value(const std::string& v) : v_(std::string_view(v)) {}
  Value(const char* v) : v_(std::string_view(v)) {}
  Value(Blob v) : v_(v) {}
  Value(Time v) : v_(to_micros(v)) {}
  template <class Tag, class Rep>
  Value(const StrongId<Tag, Rep>& id) : Value(id.value()) {}
  template <class T>
  Value(const std::optional<T>& v) {
    if (v) v_ = Value(*v).v_;
  }
  const Variant& get() const { return v_; }

 private:
  Variant v_;
};

// One row, owned: valid as long as it is kept. Columns count from 0; times are int64 microseconds since 1970 in the
// tables.
class Row {
 public:
  using Cell = std::variant<std::monostate, std::int64_t, double, std::string>;
  explicit Row(std::vector<Cell> cells) : cells_(std::move(cells)) {}
  std::size_t size() const { return cells_.size(); }
  bool is_null(std::size_t column) const { return cells_.at(column).index() == 0; }
  // Throw Error when the column is null or of another type (integers read as real, and digits read as numbers:
  // PostgreSQL's sums and averages are numeric).
  std::int64_t integer(std::size_t column) const;
  double real(std::size_t column) const;
  const std::string& text(std::size_t column) const;  // also blobs
  bool boolean(std::size_t column) const { return integer(column) != 0; }
  Time time(std::size_t column) const { return from_micros(integer(column)); }
  std::optional<std::int64_t> maybe_integer(std::size_t column) const;
  std::optional<std::string> maybe_text(std::size_t column) const;
  std::optional<Time> maybe_time(std::size_t column) const;

 private:
  std::vector<Cell> cells_;
};

// A statement that throws fails the transaction: a body that swallows it is undone all the same, and later statements
// throw again.
class Tx {
 public:
  virtual ~Tx() = default;

  // Rows that an INSERT, UPDATE or DELETE changed; 0 for anything else.
  template <class... Args>
  std::int64_t exec(std::string_view sql, const Args&... args) {
    return run(sql, {Value(args)...}).changed;
  }
  template <class... Args>
  std::vector<Row> query(std::string_view sql, const Args&... args) {
    return run(sql, {Value(args)...}).rows;
  }
  // The first row, if any.
  template <class... Args>
  std::optional<Row> one(std::string_view sql, const Args&... args) {
    auto rows = query(sql, args...);
    if (rows.empty()) return std::nullopt;
    return std::move(rows.front());
  }
  // With parameters counted at run time.
  std::vector<Row> query_with(std::string_view sql, const std::vector<Value>& args) { return run(sql, args).rows; }

  // Any number of statements, without parameters, rows or a time limit: for migrations.
  virtual void script(std::string_view sql) = 0;

  virtual Engine engine() const = 0;

  // Runs once, after the commit is durable, on the database thread; not at all if the transaction is undone.
  // Must be short, must not throw and must not start another transaction and wait for it.
  void after_commit(std::function<void()> hook) { hooks_.push_back(std::move(hook)); }

 protected:
  struct Outcome {
    std::vector<Row> rows;
    std::int64_t changed = 0;
  };
  // Prepared once a connection and SQL text, cached.
  virtual Outcome run(std::string_view sql, const std::vector<Value>& args) = 0;
  std::vector<std::function<void()>> hooks_;
};

// Equal only if nobody has committed anything in between.
struct Version {
  std::array<std::uint64_t, 5> words{};
  bool operator==(const Version&) const = default;
};

class Database {
 public:
  virtual ~Database() = default;
  virtual Engine engine() const = 0;

  // Which commits there are now, of this process and of all others; what was read after noting a version is what the
  // database says as long as the version is the same. Costs nanoseconds; nullopt where it would not (PostgreSQL).
  virtual std::optional<Version> version() const { return std::nullopt; }

  // Blocking; not on an I/O thread (SQLite point reads excepted, see read_here).
  template <class F>
  auto read(F&& f) {
    return blocking(std::forward<F>(f), [this](Body body, Done done) { post_read(std::move(body), std::move(done)); });
  }
  template <class F>
  auto write(F&& f) {
    return blocking(std::forward<F>(f), [this](Body body, Done done) { post_write(std::move(body), std::move(done)); });
  }

  // The same without waiting, for coroutines: body runs on a database thread (again, if it must be retried); then done
  // is called once, on a database thread, with what went wrong or nullptr. body returns false to undo without an
  // exception. Both queues are bounded; a full one calls done at once with Overloaded.
  using Body = std::function<bool(Tx&)>;
  using Done = std::function<void(std::exception_ptr)>;
  virtual void post_read(Body body, Done done) = 0;
  virtual void post_write(Body body, Done done) = 0;

  // True when a point read costs microseconds and never waits for a writer (SQLite in WAL mode): read_here may then be
  // called on an I/O thread and runs the body on the calling thread with a connection of that thread's own.
  virtual bool reads_are_cheap() const = 0;
  //
  // Statements::one: no transaction is put around the only statement that the body runs (half the time of a point
  // read); a second one throws std::logic_error.
  enum class Statements { any, one };
  virtual void read_here(const Body& body, Statements statements = Statements::any) = 0;

  // Finishes what is queued, then closes. Idempotent; the destructor calls it.
  virtual void close() = 0;

 private:
  template <class F, class Post>
  auto blocking(F&& f, Post post) -> std::invoke_result_t<F, Tx&>;
};

// Thrown when a bounded database queue is full.
struct Overloaded : Error {
  Overloaded() : Error("the database queue is full") {}
};

// What a constraint of the schema means to a caller; nullopt: not in the table, so a bug. The table is in
// constraints.cc.
std::optional<Reason> reason_of_constraint(std::string_view name);

struct Options {
  std::string url;                 // sqlite:///absolute/path.db | sqlite::memory: | postgresql://user@host:port/name
  std::size_t readers = 4;         // reading connections (threads)
  std::size_t writers = 4;         // PostgreSQL: writing connections; SQLite has one
  std::size_t queue_limit = 8192;  // waiting bodies, each queue
  std::size_t group_limit = 256;   // writes that share one commit
  std::chrono::milliseconds statement_timeout{30'000};
};

// Throws Error when the database cannot be opened.
std::unique_ptr<Database> open(const Options& options);

// The value of a body, or what it threw, or what the database threw. A body whose value is a Result holding a fault is
// undone. ConstraintViolation becomes its reason when the value is a Result and the constraint is known.
template <class T>
struct Capture {
  std::optional<T> value;

  template <class F>
  bool run(F& f, Tx& tx) {
    value.emplace(f(tx));
    if constexpr (is_result<T>::value) return value->has_value();
    return true;
  }
  T take(std::exception_ptr failed) {
    if (!failed) return std::move(*value);
    if constexpr (is_result<T>::value) {
      try {
        std::rethrow_exception(failed);
      } catch (const ConstraintViolation& violation) {
        if (auto reason = reason_of_constraint(violation.name())) return Fault(*reason);
        throw;
      } catch (const Overloaded&) {
        return Fault(Reason::overloaded).retry_after(std::chrono::seconds(1));
      } catch (const StorageFull& full) {
        return Fault(Reason::storage_full).because(full.what());
      }
    }
    std::rethrow_exception(failed);
  }
};

template <class F, class Post>
auto Database::blocking(F&& f, Post post) -> std::invoke_result_t<F, Tx&> {
  using T = std::invoke_result_t<F, Tx&>;
  static_assert(!std::is_void_v<T>, "return something: a Result<void>, a bool");
  Capture<T> capture;
  std::promise<std::exception_ptr> finished;
  post([&](Tx& tx) { return capture.run(f, tx); },
       [&](std::exception_ptr failed) { finished.set_value(std::move(failed)); });
  return capture.take(finished.get_future().get());
}

}  // namespace toll::sql
