// The rows of usage in the database: names of endpoints, numbers of writers, sums by minute.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "metering/subject.h"
#include "sql/database.h"

namespace toll::metering {

inline constexpr std::int64_t micros_a_minute = 60'000'000;

// The number of an endpoint's name; makes it.
std::uint32_t endpoint_id(sql::Tx& tx, std::string_view name);
// A number that no process has had: the rows of a writer are its own, so it replaces them without looking.
std::int64_t new_writer(sql::Tx& tx);

struct UsageSum {
  std::int64_t span = 0;  // the number of the minute, hour or day since 1970
  Subject subject;
  std::int64_t writer = 0;  // of minutes only
  AccountId account;
  std::int64_t charged = 0;
  std::string tally;  // encoded
};

// INSERT of many rows with one statement; a row of the same key is replaced. The same keys must not come twice between
// two finishes.
class SumWriter {
 public:
  // table: "usage_minutes" (by minute, subject, writer), "usage_hours" or "usage_days" (by hour or day, and subject).
  SumWriter(sql::Tx& tx, std::string_view table);
  void add(UsageSum sum);
  void finish();

 private:
  const std::string& statement(std::size_t rows);

  sql::Tx& tx_;
  const std::string_view table_;
  std::vector<UsageSum> waiting_;
  std::string full_, rest_;
};
struct MinuteWriter : SumWriter {
  explicit MinuteWriter(sql::Tx& tx) : SumWriter(tx, "usage_minutes") {}
};

}  // namespace toll::metering
