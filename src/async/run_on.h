// run_on(pool, f): runs a blocking function on a thread pool and resumes the coroutine on its own executor.
//
// It cannot be cancelled: once posted, the function runs to its end and the coroutine waits for it. Deadlines of
// blocking work belong to the work (statement timeouts). Cancelling such a wait would end in std::terminate with this
// toolchain.
#pragma once

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>
#include <optional>
#include <type_traits>

namespace toll::async {

namespace asio = boost::asio;

// resume_when(start): suspends until the callback given to start(done) is called, on whatever thread; then goes on at
// home. done(std::exception_ptr, std::optional<T>) must be called exactly once.
template <class T, class Start>
auto resume_when(Start start) -> asio::awaitable<T> {
  auto result =
      co_await asio::async_initiate<asio::use_awaitable_t<> const, void(std::exception_ptr, std::optional<T>)>(
          [](auto handler, Start start) {
            auto home = asio::get_associated_executor(handler);
            auto shared = std::make_shared<decltype(handler)>(std::move(handler));
            auto work = asio::make_work_guard(home);
            start([shared, home, work](std::exception_ptr failed, std::optional<T> value) mutable {
              asio::post(home, [shared, work, failed = std::move(failed), value = std::move(value)]() mutable {
                std::move (*shared)(std::move(failed), std::move(value));
              });
            });
          },
          asio::use_awaitable, std::move(start));
  co_return std::move(*result);
}

// f may return any movable value, but not void. Exceptions cross over.
template <class F>
auto run_on(asio::thread_pool& pool, F f) -> asio::awaitable<std::invoke_result_t<F>> {
  using T = std::invoke_result_t<F>;
  co_return co_await resume_when<T>([&pool, f = std::move(f)](auto done) mutable {
    asio::post(pool, [f = std::move(f), done = std::move(done)]() mutable {
      std::optional<T> value;
      std::exception_ptr failed;
      try {
        value.emplace(f());
      } catch (...) {
        failed = std::current_exception();
      }
      done(std::move(failed), std::move(value));
    });
  });
}

}  // namespace toll::async
