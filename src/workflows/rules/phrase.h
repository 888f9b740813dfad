// Words looked for as people read them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "pattern/pattern.h"

namespace toll::workflows::rules {

// A phrase that is found whatever its case and however many blanks stand between its words, but only as whole words:
// "Total" is not in "Subtotal".
class Phrase {
 public:
  // nullopt: there is no word in it, or it is longer than 200 bytes.
  static std::optional<Phrase> of(std::string_view text);

  struct Place {
    std::size_t begin = 0, end = 0;
  };
  std::optional<Place> find(std::string_view text, std::size_t from = 0) const;

 private:
  explicit Phrase(pattern::Pattern pattern) : pattern_(std::move(pattern)) {}
  pattern::Pattern pattern_;
};

}  // namespace toll::workflows::rules
