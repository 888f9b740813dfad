// Python's pickle format, as far as torch.save needs it, and no further: the twenty-odd operations of protocol 2 that
// build numbers, texts, lists, dictionaries and the records of tensors. Nothing is imported or called: a class is a
// name, and a call is allowed only of the few names that checkpoints use, where it makes an inert record.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace toll::engines::htdemucs {

struct PickleNode {
  enum class Kind { none, boolean, integer, real, text, list, tuple, dict, global, call, persistent };
  Kind kind = Kind::none;
  std::int64_t integer = 0;  // and boolean
  double real = 0;
  std::string text;  // of text; "module.name" of global
  // Of list and tuple. dict: key, value, key, value, ... call: the global, the tuple of arguments. persistent: its id.
  std::vector<const PickleNode*> items;

  // The value of a text key of a dict, the last one when it was set twice; null when there is none.
  const PickleNode* find(std::string_view key) const;
  bool is_call_of(std::string_view name) const;
};

// Owns its nodes, so that structures that contain themselves end with it.
class Pickle {
 public:
  // Reason::model_unusable, argument why, for anything but those operations, a call of another name (which it says), a
  // stack that does not add up, or more than one million operations.
  static Result<Pickle> parse(std::span<const std::byte> bytes);
  const PickleNode& root() const { return *root_; }

 private:
  std::deque<PickleNode> nodes_;
  const PickleNode* root_ = nullptr;
};

}  // namespace toll::engines::htdemucs
