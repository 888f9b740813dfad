#include "metering/quota.h"

#include <algorithm>
#include <memory>

#include "base/log.h"

namespace toll::metering {

std::int64_t QuotaBlock::wanted(std::int64_t units, std::int64_t limit, std::int64_t reserved, std::int64_t block) {
  return std::max(units, std::min(block, (limit - reserved) / 8));
}

void QuotaBlock::granted(std::int64_t units, std::int64_t reserved) {
  left_ += units;
  reserved_ = reserved;
}

std::int64_t QuotaBlock::give_back() {
  const auto units = left_;
  reserved_ -= units;
  left_ = 0;
  return units;
}

// The row is locked by the first statement, so the second adds to what it saw.
Reserved reserve_quota(sql::Tx& tx, const Subject& subject, std::string_view counter, std::int64_t units,
                       std::int64_t limit) {
  const auto bytes = subject.bytes();
  const sql::Blob key{bytes};
  const auto now = tx.one(
                         "INSERT INTO quota_counters (subject, counter, reserved) VALUES ($1, $2, 0) ON CONFLICT "
                         "(subject, counter) DO UPDATE SET reserved = quota_counters.reserved RETURNING reserved",
                         key, counter)
                       .value()
                       .integer(0);
  const auto granted = std::clamp<std::int64_t>(limit - now, 0, units);
  if (granted > 0)
    tx.exec("UPDATE quota_counters SET reserved = reserved + $3 WHERE subject = $1 AND counter = $2", key, counter,
            granted);
  return {granted, now + granted};
}

void give_quota_back(sql::Tx& tx, const Subject& subject, std::string_view counter, std::int64_t units) {
  const auto bytes = subject.bytes();
  tx.exec("UPDATE quota_counters SET reserved = reserved - $3 WHERE subject = $1 AND counter = $2", sql::Blob{bytes},
          counter, units);
}

std::int64_t reserved_quota(sql::Tx& tx, const Subject& subject, std::string_view counter) {
  const auto bytes = subject.bytes();
  const auto row =
      tx.one("SELECT reserved FROM quota_counters WHERE subject = $1 AND counter = $2", sql::Blob{bytes}, counter);
  return row ? row->integer(0) : 0;
}

Quotas::Quotas(sql::Database& db, const Clock& clock, Options options) : db_(db), clock_(clock), options_(options) {}

Quotas::~Quotas() {
  for (auto& shard : shards_) {
    std::unique_lock lock(shard.mutex);
    shard.quiet.wait(lock, [&] { return shard.asking == 0; });
    for (auto& [name, held] : shard.held) {
      const auto units = held.block.give_back();
      if (units == 0) continue;
      try {
        db_.write([&](sql::Tx& tx) { return give_quota_back(tx, name.subject, name.counter, units), true; });
      } catch (const std::exception& failed) {
        log::warn("quota.not_given_back", {{"cause", failed.what()}, {"units", units}});
      }
    }
  }
}

std::optional<Quotas::Outcome> Quotas::try_spend(Held& held, const Charge& charge) const {
  auto& block = held.block;
  const auto left = [&] { return std::max<std::int64_t>(charge.limit - block.used(), 0); };
  if (charge.units == 0) return held.known ? std::optional(Outcome{true, left()}) : std::nullopt;
  const bool spent = block.spend(charge.units, charge.limit);
  const bool used_up = held.used_up_until && clock_.now() < *held.used_up_until && charge.limit <= held.refused_limit;
  if (!spent && !used_up) return std::nullopt;
  return Outcome{spent, left()};
}

std::optional<Quotas::Outcome> Quotas::charge_now(const Charge& charge) {
  if (charge.limit < 0) return Outcome{true, 0};
  const Name name{charge.subject, charge.counter};
  auto& shard = shard_of(name);
  std::lock_guard lock(shard.mutex);
  return try_spend(shard.held[name], charge);
}

void Quotas::charge(const Charge& charge, Answer answer) {
  if (auto known = charge_now(charge)) return answer(nullptr, *known);
  const Name name{charge.subject, charge.counter};
  auto& shard = shard_of(name);
  bool ours = false;
  {
    std::lock_guard lock(shard.mutex);
    auto& held = shard.held[name];
    held.waiting.push_back({charge, std::move(answer)});
    ours = !std::exchange(held.asking, true);
    shard.asking += ours;
  }
  if (ours) ask(name, charge);
}

void Quotas::ask(const Name& name, const Charge& charge) {
  auto reserved = std::make_shared<Reserved>();
  if (charge.units == 0)
    return db_.post_read(
        [name, reserved](sql::Tx& tx) {
          *reserved = {0, reserved_quota(tx, name.subject, name.counter)};
          return true;
        },
        [this, name, charge, reserved](std::exception_ptr failed) { asked(name, charge, *reserved, failed); });
  db_.post_write(
      [this, name, charge, reserved](sql::Tx& tx) {
        const auto before = reserved_quota(tx, name.subject, name.counter);
        const auto units = QuotaBlock::wanted(charge.units, charge.limit, before, options_.block);
        *reserved = reserve_quota(tx, name.subject, name.counter, units, charge.limit);
        return true;
      },
      [this, name, charge, reserved](std::exception_ptr failed) { asked(name, charge, *reserved, failed); });
}

// Everybody who waited tries again; whoever is still undecided asks once more.
void Quotas::asked(const Name& name, const Charge& charge, Reserved reserved, std::exception_ptr failed) {
  std::vector<std::pair<Answer, std::optional<Outcome>>> answers;
  std::optional<Charge> next;
  auto& shard = shard_of(name);
  {
    std::lock_guard lock(shard.mutex);
    auto& held = shard.held[name];
    if (!failed) held.block.granted(reserved.granted, reserved.total);
    held.known = !failed;
    held.used_up_until.reset();
    if (!failed && reserved.granted < charge.units) {
      held.used_up_until = clock_.now() + options_.refusal;
      held.refused_limit = charge.limit;
    }
    std::vector<Waiting> still;
    for (auto& waiting : held.waiting) {
      auto outcome = failed ? std::nullopt : try_spend(held, waiting.charge);
      if (outcome || failed)
        answers.emplace_back(std::move(waiting.answer), outcome);
      else
        still.push_back(std::move(waiting));
    }
    held.waiting = std::move(still);
    held.asking = !held.waiting.empty();
    if (held.asking) next = held.waiting.front().charge;
    if (shard.held.size() > most_a_shard)
      std::erase_if(shard.held,
                    [](const auto& entry) { return !entry.second.asking && entry.second.block.left() == 0; });
  }
  for (auto& [answer, outcome] : answers) answer(failed, outcome);
  if (next) return ask(name, *next);
  std::lock_guard lock(shard.mutex);
  --shard.asking;
  shard.quiet.notify_all();
}

void Quotas::give_back(sql::Tx& tx, const Subject& subject, std::string_view counter) {
  const Name name{subject, counter};
  auto& shard = shard_of(name);
  std::int64_t units = 0;
  {
    std::lock_guard lock(shard.mutex);
    const auto held = shard.held.find(name);
    if (held == shard.held.end()) return;
    units = held->second.block.give_back();
    held->second.known = false;
  }
  if (units > 0) give_quota_back(tx, subject, counter, units);
}

void Quotas::settle(const Subject& subject, std::string_view counter) {
  const Name name{subject, counter};
  auto& shard = shard_of(name);
  std::int64_t units = 0;
  {
    std::lock_guard lock(shard.mutex);
    const auto held = shard.held.find(name);
    if (held == shard.held.end()) return;
    units = held->second.block.give_back();
    held->second.known = false;
    held->second.used_up_until.reset();
    shard.asking += units > 0;
  }
  if (units == 0) return;
  db_.post_write([name, units](sql::Tx& tx) { return give_quota_back(tx, name.subject, name.counter, units), true; },
                 [&shard, units](std::exception_ptr failed) {
                   if (failed) log::warn("quota.not_given_back", {{"units", units}});
                   std::lock_guard lock(shard.mutex);
                   --shard.asking;
                   shard.quiet.notify_all();
                 });
}

std::int64_t Quotas::used(sql::Tx& tx, const Subject& subject, std::string_view counter) {
  const Name name{subject, counter};
  auto& shard = shard_of(name);
  const auto reserved = reserved_quota(tx, subject, counter);
  std::lock_guard lock(shard.mutex);
  const auto held = shard.held.find(name);
  return reserved - (held == shard.held.end() ? 0 : held->second.block.left());
}

}  // namespace toll::metering
