// What a deployment was used for: calls, executions, tokens, times and money, by UTC day, exact and current.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "deployments/deployment.h"
#include "sql/database.h"
#include "workflows/execution.h"

namespace toll::deployments {

// A UTC day, counted from 1970.
std::int64_t day_of(Time time);

// Nearest rank over all executions that ran: element ceil(p * n) of the sorted times.
struct Percentiles {
  Micros p50{}, p95{}, p99{};
};

struct DayUsage {
  std::int64_t day = 0;
  std::int64_t requests = 0, rejected = 0, throttled = 0;
  std::int64_t completed = 0, errors = 0, stopped = 0;
  std::int64_t prompt_tokens = 0, completion_tokens = 0;
  std::optional<Percentiles> times;
  double error_rate() const;  // errors / (completed + errors); 0 if none
};

struct ModelUsage {
  std::string model;
  std::int64_t calls = 0, prompt = 0, completion = 0, embedding = 0;
};

struct Usage {
  DayUsage total;               // `day` means nothing here
  std::int64_t cost_micro = 0;  // credits
  std::optional<Micros> mean, max;
  std::vector<ModelUsage> models;  // by name
  std::vector<DayUsage> days;      // every one of the period, oldest first
};

inline constexpr std::int64_t longest_period = 365;  // days

// Counts an execution as it ended, in that transaction; one of a deployment that is gone is not counted. `models`: what
// its steps used.
void count_run(sql::Tx& tx, const workflows::Execution& execution, const std::vector<workflows::ModelUse>& models);
// From day `first` to `last`, both included.
Usage usage_of(sql::Tx& tx, const DeploymentId& deployment, std::int64_t first, std::int64_t last);
// Deletes what is older than the longest period; how many runs, at most `limit`.
std::int64_t purge_usage(sql::Tx& tx, Time now, std::size_t limit = 1000);

}  // namespace toll::deployments
