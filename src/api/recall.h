// Answers given before, kept as long as nobody has committed anything since (sql::Database::version): a hot object is
// read and written as JSON once, not once a request. Each thread has its own, so there is no lock; bounded.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/ids.h"
#include "sql/database.h"

namespace toll::api {

struct Operation;

class Recall {
 public:
  static constexpr std::size_t most_answers = 4096, most_bytes = 16 << 10;
  struct Question {
    const void* operation;
    AccountId account;
    std::string_view target;
  };
  // The body of the answer, if it was given at this version; valid until the next call.
  const std::string* find(const Question& question, const sql::Version& now) const;
  // `then`: the version noted before the answer was read.
  void keep(const Question& question, const sql::Version& then, std::string_view body);

  static Recall& of_this_thread();

 private:
  struct Answer {
    const void* operation;
    AccountId account;
    std::string target;
    sql::Version version;
    std::string body;
  };
  static std::uint64_t hash(const Question& question);
  std::unordered_map<std::uint64_t, Answer> answers_;
};

}  // namespace toll::api
