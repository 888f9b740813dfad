// sql::Database for coroutines: the body runs on a database thread, the coroutine goes on at home.
//
//   auto result = co_await sql::write(db, [=](Tx& tx) -> Result<JobId> { ... });
//
// The body is kept until it has run, also when it runs more than once, and must own what it uses (capture by value, or
// by reference to what lives in the awaiting frame). Values, faults and exceptions are those of Database::write and
// read.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

#include "async/run_on.h"
#include "sql/database.h"

namespace toll::sql {

namespace detail {

template <class F, class Post>
auto posted(F f, Post post) -> boost::asio::awaitable<std::invoke_result_t<F&, Tx&>> {
  using T = std::invoke_result_t<F&, Tx&>;
  static_assert(!std::is_void_v<T>, "return something: a Result<void>, a bool");
  // In this frame, which outlives the body: the coroutine waits for done.
  Capture<T> capture;
  auto start = [&](auto done) {
    auto answer = std::make_shared<decltype(done)>(std::move(done));
    post([&](Tx& tx) { return capture.run(f, tx); },
         [&capture, answer](std::exception_ptr failed) {
           std::optional<T> value;
           std::exception_ptr thrown;
           try {
             value.emplace(capture.take(std::move(failed)));
           } catch (...) {
             thrown = std::current_exception();
           }
           (*answer)(std::move(thrown), std::move(value));
         });
  };
  co_return co_await async::resume_when<T>(start);
}

}  // namespace detail

template <class F>
auto write(Database& db, F f) -> boost::asio::awaitable<std::invoke_result_t<F&, Tx&>> {
  return detail::posted(std::move(f), [&db](Database::Body body, Database::Done done) {
    db.post_write(std::move(body), std::move(done));
  });
}

template <class F>
auto read(Database& db, F f) -> boost::asio::awaitable<std::invoke_result_t<F&, Tx&>> {
  return detail::posted(std::move(f), [&db](Database::Body body, Database::Done done) {
    db.post_read(std::move(body), std::move(done));
  });
}

}  // namespace toll::sql
