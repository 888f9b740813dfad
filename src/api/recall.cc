#include "api/recall.h"

#include <functional>

namespace toll::api {

std::uint64_t Recall::hash(const Question& question) {
  const auto account = static_cast<std::uint64_t>(question.account.value()) * 0x9e3779b97f4a7c15u;
  return std::hash<std::string_view>()(question.target) ^ account ^
         reinterpret_cast<std::uintptr_t>(question.operation);
}

const std::string* Recall::find(const Question& question, const sql::Version& now) const {
  const auto it = answers_.find(hash(question));
  if (it == answers_.end()) return nullptr;
  const auto& answer = it->second;
  const bool same = answer.version == now && answer.operation == question.operation &&
                    answer.account == question.account && answer.target == question.target;
  return same ? &answer.body : nullptr;
}

void Recall::keep(const Question& question, const sql::Version& then, std::string_view body) {
  if (body.size() > most_bytes) return;
  const auto key = hash(question);
  auto it = answers_.find(key);
  if (it == answers_.end()) {
    if (answers_.size() >= most_answers) answers_.clear();
    it = answers_.try_emplace(key).first;
  }
  auto& answer = it->second;
  answer.operation = question.operation;
  answer.account = question.account;
  answer.target.assign(question.target);
  answer.version = then;
  answer.body.assign(body);
}

Recall& Recall::of_this_thread() {
  thread_local Recall recall;
  return recall;
}

}  // namespace toll::api
