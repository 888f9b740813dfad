// Collects what is wrong with a document, each with its path and a code of its own, to be reported together.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"

namespace toll::workflows {

using Path = std::vector<std::variant<std::string, std::int64_t>>;

// "steps.2.with.url"
std::string to_text(const Path& path);

// `path` with one more step.
template <class Last>
Path operator/(Path path, Last last) {
  if constexpr (std::is_integral_v<Last>)
    path.emplace_back(static_cast<std::int64_t>(last));
  else
    path.emplace_back(std::string(std::move(last)));
  return path;
}

class Problems {
 public:
  // Beyond these they are counted as one: an answer is not to grow with what was sent.
  static constexpr std::size_t most = 100;

  // `sentence` is for people and the public: "Unknown step \"foo\"."
  void add(std::string code, Path path, std::string sentence);
  bool empty() const { return found_.empty(); }
  std::size_t count() const { return found_.size(); }
  const std::vector<FieldProblem>& found() const { return found_; }
  // Fault invalid_request with all of them; nothing when there are none.
  Result<void> result() &&;

 private:
  std::vector<FieldProblem> found_;
};

}  // namespace toll::workflows
