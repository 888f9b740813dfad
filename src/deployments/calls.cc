#include "deployments/calls.h"

#include <algorithm>

namespace toll::deployments {

namespace {
constexpr Micros window = rate_window;

std::chrono::seconds whole_seconds(Micros time) {
  return std::max(std::chrono::seconds(1), std::chrono::ceil<std::chrono::seconds>(time));
}
}  // namespace

Verdict Calls::admit(sql::Tx& tx, const DeploymentId& deployment, std::int64_t limit) const {
  tx.exec("UPDATE deployments SET rate_limit = rate_limit WHERE id = $1", deployment);  // one after the other
  // Calls of the far future were noted by a clock that was wrong: they count no more.
  tx.exec("DELETE FROM deployment_calls WHERE deployment_id = $1 AND at > $2", deployment, clock_.now() + window);
  const auto last =
      tx.one("SELECT seq, at FROM deployment_calls WHERE deployment_id = $1 ORDER BY seq DESC LIMIT 1", deployment);
  // A clock that went back would make calls of the future: they are of now, in their order.
  const auto now = last ? std::max(clock_.now(), last->time(1)) : clock_.now();
  const auto oldest =
      tx.one("SELECT seq, at FROM deployment_calls WHERE deployment_id = $1 AND at > $2 ORDER BY at, seq LIMIT 1",
             deployment, now - window);
  const auto used = oldest ? last->integer(0) - oldest->integer(0) + 1 : 0;
  Verdict verdict{used < limit, limit, 0, (oldest ? oldest->time(1) : now) + window, {}};
  count(tx, deployment, true, false, !verdict.admitted);
  if (verdict.admitted) {
    verdict.remaining = limit - used - 1;
    tx.exec("INSERT INTO deployment_calls (deployment_id, seq, at) VALUES ($1, $2, $3)", deployment,
            last ? last->integer(0) + 1 : 1, now);
    return verdict;
  }
  // The limit may have been lowered: so many of the oldest must leave first.
  const auto leaves = tx.one("SELECT at FROM deployment_calls WHERE deployment_id = $1 AND seq = $2", deployment,
                             oldest->integer(0) + used - limit);
  verdict.retry_after = whole_seconds(leaves.value().time(0) + window - now);
  return verdict;
}

void Calls::rejected(sql::Tx& tx, const DeploymentId& deployment) const {
  count(tx, deployment, false, true, false);
}

void Calls::count(sql::Tx& tx, const DeploymentId& deployment, bool request, bool rejected, bool throttled) const {
  const auto day = to_micros(clock_.now()) / (std::int64_t{86'400} * 1'000'000);
  tx.exec(
      "INSERT INTO deployment_days (deployment_id, day, requests, rejected, throttled) VALUES ($1, $2, $3, $4, $5) "
      "ON CONFLICT (deployment_id, day) DO UPDATE SET requests = deployment_days.requests + excluded.requests, "
      "rejected = deployment_days.rejected + excluded.rejected, "
      "throttled = deployment_days.throttled + excluded.throttled",
      deployment, day, static_cast<std::int64_t>(request), static_cast<std::int64_t>(rejected),
      static_cast<std::int64_t>(throttled));
}

std::int64_t Calls::purge(sql::Tx& tx, std::size_t limit) const {
  // The newest call of each deployment stays: it numbers the next one.
  return tx.exec(
      "DELETE FROM deployment_calls WHERE (deployment_id, seq) IN (SELECT c.deployment_id, c.seq FROM deployment_calls "
      "c WHERE c.at <= $1 AND c.seq < (SELECT max(n.seq) FROM deployment_calls n WHERE n.deployment_id = "
      "c.deployment_id) LIMIT $2)",
      clock_.now() - window, limit);
}

}  // namespace toll::deployments
