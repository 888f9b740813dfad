#include "deployments/usage.h"

#include <map>

namespace toll::deployments {

namespace {

constexpr std::int64_t micros_a_day = std::int64_t{86'400} * 1'000'000;

Percentiles percentiles_of(const sql::Row& row, std::size_t first) {
  return {Micros(row.integer(first)), Micros(row.integer(first + 1)), Micros(row.integer(first + 2))};
}

// The durations at the three ranks, of each group that `partition` makes; `key` names the group.
std::string ranked(std::string_view key, std::string_view partition) {
  return "SELECT " + std::string(key) +
         ", max(CASE WHEN r = (n * 50 + 99) / 100 THEN duration END), max(CASE WHEN r = (n * 95 + 99) / 100 THEN "
         "duration END), max(CASE WHEN r = (n * 99 + 99) / 100 THEN duration END) FROM (SELECT day, duration, "
         "row_number() OVER (" +
         std::string(partition) + " ORDER BY duration) AS r, count(*) OVER (" + std::string(partition) +
         ") AS n FROM deployment_runs WHERE deployment_id = $1 AND day BETWEEN $2 AND $3 AND duration IS NOT NULL) t "
         "GROUP BY 1";
}

struct Reader {
  sql::Tx& tx;
  const DeploymentId& deployment;
  std::int64_t first, last;
  std::map<std::int64_t, DayUsage> days;
  Usage out;

  void calls() {
    for (const auto& row : tx.query("SELECT day, requests, rejected, throttled FROM deployment_days WHERE "
                                    "deployment_id = $1 AND day BETWEEN $2 AND $3",
                                    deployment, first, last)) {
      auto& day = days[row.integer(0)];
      day.requests = row.integer(1);
      day.rejected = row.integer(2);
      day.throttled = row.integer(3);
    }
  }
  void runs() {
    for (const auto& row : tx.query("SELECT day, state, count(*), sum(cost_micro) FROM deployment_runs WHERE "
                                    "deployment_id = $1 AND day BETWEEN $2 AND $3 GROUP BY day, state",
                                    deployment, first, last)) {
      auto& day = days[row.integer(0)];
      const auto state = workflows::state_from(row.text(1));
      auto& count = state == workflows::State::completed ? day.completed
                    : state == workflows::State::stopped ? day.stopped
                                                         : day.errors;
      count += row.integer(2);
      out.cost_micro += row.integer(3);
    }
  }
  void times() {
    static const auto by_day = ranked("day", "PARTITION BY day"), of_all = ranked("1", "");
    for (const auto& row : tx.query(by_day, deployment, first, last))
      days[row.integer(0)].times = percentiles_of(row, 1);
    if (const auto row = tx.one(of_all, deployment, first, last)) out.total.times = percentiles_of(*row, 1);
    const auto row = tx.one(
        "SELECT avg(duration), max(duration) FROM deployment_runs WHERE deployment_id = $1 AND day "
        "BETWEEN $2 AND $3 AND duration IS NOT NULL",
        deployment, first, last);
    if (row->is_null(0)) return;
    out.mean = Micros(static_cast<std::int64_t>(row->real(0)));
    out.max = Micros(row->integer(1));
  }
  void tokens() {
    std::map<std::string, ModelUsage> models;
    for (const auto& row : tx.query("SELECT day, model, calls, prompt, completion, embedding FROM deployment_tokens "
                                    "WHERE deployment_id = $1 AND day BETWEEN $2 AND $3",
                                    deployment, first, last)) {
      auto& day = days[row.integer(0)];
      auto& model = models[row.text(1)];
      model.model = row.text(1);
      model.calls += row.integer(2);
      model.prompt += row.integer(3);
      model.completion += row.integer(4);
      model.embedding += row.integer(5);
      day.prompt_tokens += row.integer(3);
      day.completion_tokens += row.integer(4);
    }
    for (auto& [name, model] : models) out.models.push_back(std::move(model));
  }
  Usage finish() {
    auto& total = out.total;
    for (auto day = first; day <= last; ++day) {
      auto one = days[day];
      one.day = day;
      total.requests += one.requests;
      total.rejected += one.rejected;
      total.throttled += one.throttled;
      total.completed += one.completed;
      total.errors += one.errors;
      total.stopped += one.stopped;
      total.prompt_tokens += one.prompt_tokens;
      total.completion_tokens += one.completion_tokens;
      out.days.push_back(one);
    }
    return std::move(out);
  }
};

}  // namespace

std::int64_t day_of(Time time) {
  return to_micros(time) / micros_a_day;
}

double DayUsage::error_rate() const {
  const auto ended = completed + errors;
  return ended > 0 ? static_cast<double>(errors) / static_cast<double>(ended) : 0;
}

void count_run(sql::Tx& tx, const workflows::Execution& execution, const std::vector<workflows::ModelUse>& models) {
  if (!tx.one("SELECT 1 FROM deployments WHERE id = $1", execution.deployment)) return;
  const auto ended = execution.ended_at.value_or(execution.created_at);
  std::optional<std::int64_t> duration;
  if (execution.started_at) duration = (ended - *execution.started_at).count();
  tx.exec(
      "INSERT INTO deployment_runs (execution_id, deployment_id, day, state, duration, cost_micro) VALUES ($1, $2, $3, "
      "$4, $5, $6) ON CONFLICT (execution_id) DO NOTHING",
      execution.id, execution.deployment, day_of(ended), workflows::to_string(execution.state), duration,
      execution.cost.micros);
  for (const auto& use : models)
    tx.exec(
        "INSERT INTO deployment_tokens (deployment_id, day, model, calls, prompt, completion, embedding) VALUES ($1, "
        "$2, $3, $4, $5, $6, $7) ON CONFLICT (deployment_id, day, model) DO UPDATE SET calls = "
        "deployment_tokens.calls + excluded.calls, prompt = deployment_tokens.prompt + excluded.prompt, completion = "
        "deployment_tokens.completion + excluded.completion, embedding = deployment_tokens.embedding + "
        "excluded.embedding",
        execution.deployment, day_of(ended), use.model, use.calls, use.prompt_tokens, use.completion_tokens,
        use.embedding_tokens);
}

Usage usage_of(sql::Tx& tx, const DeploymentId& deployment, std::int64_t first, std::int64_t last) {
  Reader reader{tx, deployment, first, last, {}, {}};
  reader.calls();
  reader.runs();
  reader.times();
  reader.tokens();
  return reader.finish();
}

std::int64_t purge_usage(sql::Tx& tx, Time now, std::size_t limit) {
  const auto before = day_of(now) - longest_period - 1;
  tx.exec("DELETE FROM deployment_days WHERE day < $1", before);
  tx.exec("DELETE FROM deployment_tokens WHERE day < $1", before);
  return tx.exec(
      "DELETE FROM deployment_runs WHERE execution_id IN (SELECT execution_id FROM deployment_runs WHERE day < $1 "
      "LIMIT $2)",
      before, limit);
}

}  // namespace toll::deployments
