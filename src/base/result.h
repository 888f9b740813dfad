// Result<T>: a value, or the Fault that says why there is none. Member names are those of std::expected, which
// this compiler lacks. A Result is for what a caller causes or must handle; a broken invariant is an exception.
#pragma once

#include <stdexcept>
#include <type_traits>
#include <utility>
#include <variant>

#include "base/fault.h"

namespace toll {

// Thrown by value() on a Result that holds a fault: a bug in the caller, which had to look first.
struct BadResultAccess : std::logic_error {
  explicit BadResultAccess(const Fault& fault) : std::logic_error("value() of a fault: " + fault.describe()) {}
};

template <class T>
class [[nodiscard]] Result {
 public:
  using value_type = T;
  using error_type = Fault;

  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Fault fault) : state_(std::in_place_index<1>, std::move(fault)) {}
  Result(Reason reason) : state_(std::in_place_index<1>, reason) {}
  template <class U>
  requires(std::is_convertible_v<U&&, T> && !std::is_same_v<std::remove_cvref_t<U>, T> &&
           !std::is_same_v<std::remove_cvref_t<U>, Fault> && !std::is_same_v<std::remove_cvref_t<U>, Reason> &&
           !std::is_same_v<std::remove_cvref_t<U>, Result>) Result(U&& value)
      : state_(std::in_place_index<0>, std::forward<U>(value)) {}

  bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  T& value() & { return must_hold(), std::get<0>(state_); }
  const T& value() const& { return must_hold(), std::get<0>(state_); }
  T&& value() && { return must_hold(), std::get<0>(std::move(state_)); }
  T& operator*() & { return *std::get_if<0>(&state_); }
  const T& operator*() const& { return *std::get_if<0>(&state_); }
  T&& operator*() && { return std::move(*std::get_if<0>(&state_)); }
  T* operator->() { return std::get_if<0>(&state_); }
  const T* operator->() const { return std::get_if<0>(&state_); }

  Fault& error() & { return std::get<1>(state_); }
  const Fault& error() const& { return std::get<1>(state_); }
  Fault&& error() && { return std::get<1>(std::move(state_)); }

  template <class U>
  T value_or(U&& other) const& {
    return has_value() ? **this : static_cast<T>(std::forward<U>(other));
  }
  // f: T -> Result<U>
  template <class F>
  auto and_then(F&& f) && -> std::invoke_result_t<F, T&&> {
    if (!has_value()) return std::move(*this).error();
    return std::forward<F>(f)(*std::move(*this));
  }
  // f: T -> U
  template <class F>
  auto transform(F&& f) && -> Result<std::remove_cvref_t<std::invoke_result_t<F, T&&>>> {
    if (!has_value()) return std::move(*this).error();
    return std::forward<F>(f)(*std::move(*this));
  }

 private:
  void must_hold() const {
    if (!has_value()) throw BadResultAccess(error());
  }
  std::variant<T, Fault> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;
  using error_type = Fault;

  Result() = default;
  Result(Fault fault) : fault_(std::in_place_index<1>, std::move(fault)) {}
  Result(Reason reason) : fault_(std::in_place_index<1>, reason) {}

  bool has_value() const noexcept { return fault_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }
  void value() const {
    if (!has_value()) throw BadResultAccess(error());
  }
  Fault& error() & { return std::get<1>(fault_); }
  const Fault& error() const& { return std::get<1>(fault_); }
  Fault&& error() && { return std::get<1>(std::move(fault_)); }

 private:
  std::variant<std::monostate, Fault> fault_;
};

template <class T>
struct is_result : std::false_type {};
template <class T>
struct is_result<Result<T>> : std::true_type {};

}  // namespace toll

// auto x = TOLL_TRY(expression): the value, or return the fault from the enclosing function (GNU statement expression).
// Not inside a coroutine: there, write the two lines.
#define TOLL_TRY(expression)                                           \
  __extension__({                                                      \
    auto toll_try_result = (expression);                               \
    if (!toll_try_result) return std::move(toll_try_result).error();   \
    static_cast<decltype(toll_try_result)&&>(toll_try_result).value(); \
  })
