#include "base/fault.h"

namespace toll {

std::string_view Fault::argument(std::string_view name) const {
  for (const auto& [key, value] : arguments_)
    if (key == name) return value;
  return {};
}

std::string Fault::fill(std::string_view sentence) const {
  std::string out;
  while (!sentence.empty()) {
    auto open = sentence.find('{');
    auto close = open == sentence.npos ? sentence.npos : sentence.find('}', open);
    if (close == sentence.npos) break;
    out += sentence.substr(0, open);
    out += argument(sentence.substr(open + 1, close - open - 1));
    sentence.remove_prefix(close + 1);
  }
  return out.append(sentence);
}

std::string Fault::describe() const {
  std::string out(code());
  out += ": " + detail();
  for (const auto& problem : problems_) out += " [" + problem.message + "]";
  if (!cause_.empty()) out += " (" + cause_ + ")";
  return out;
}

}  // namespace toll
