#include "workflows/problems.h"

namespace toll::workflows {

std::string to_text(const Path& path) {
  std::string out;
  for (const auto& part : path) {
    if (!out.empty()) out += '.';
    out += std::holds_alternative<std::string>(part) ? std::get<std::string>(part)
                                                     : std::to_string(std::get<std::int64_t>(part));
  }
  return out;
}

void Problems::add(std::string code, Path path, std::string sentence) {
  if (found_.size() >= most) return;
  FieldProblem problem;
  problem.path = std::move(path);
  problem.problem = code == "required" ? Problem::missing : Problem::rejected;
  problem.message = std::move(sentence);
  problem.code = std::move(code);
  found_.push_back(std::move(problem));
}

Result<void> Problems::result() && {
  if (found_.empty()) return {};
  return Fault(Reason::invalid_request).at(std::move(found_));
}

}  // namespace toll::workflows
