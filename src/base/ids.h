// Ids that cannot be taken for each other.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

namespace toll {

template <class Tag, class Rep>
class StrongId {
 public:
  using rep = Rep;
  StrongId() = default;
  explicit StrongId(Rep value) : value_(std::move(value)) {}
  const Rep& value() const { return value_; }
  auto operator<=>(const StrongId&) const = default;

 private:
  Rep value_{};
};

using AccountId = StrongId<struct AccountTag, std::int64_t>;
using KeyId = StrongId<struct KeyTag, std::string>;  // UUID
using JobId = StrongId<struct JobTag, std::string>;  // UUID
using HoldId = StrongId<struct HoldTag, std::int64_t>;

}  // namespace toll

template <class Tag, class Rep>
struct std::hash<toll::StrongId<Tag, Rep>> {
  std::size_t operator()(const toll::StrongId<Tag, Rep>& id) const { return std::hash<Rep>{}(id.value()); }
};
