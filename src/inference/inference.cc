#include "inference/inference.h"

#include "base/log.h"
#include "engine/frames.h"
#include "inference/batch.h"
#include "inference/checks.h"

namespace toll::inference {

namespace {

constexpr std::size_t most_schemas = 512;
// A run with others may be tried again alone, behind all of them.
constexpr int runs_in_a_lease = 70;

// The model's own file is the one more.
constexpr std::size_t most_tensors = engine::max_descriptors - 1;

std::string key_of(const Target& target) {
  return target.repo_id + " " + target.file_sha256();
}

// As they are and as they are sent.
std::uint64_t room_of(const std::vector<Tensor>& outputs) {
  std::uint64_t bytes = 0;
  for (const auto& output : outputs) bytes += output.bytes.size();
  return 2 * bytes;
}

std::vector<std::string> names_of(const std::vector<TensorInfo>& infos) {
  std::vector<std::string> out;
  for (const auto& info : infos) out.push_back(info.name);
  return out;
}

}  // namespace

Inference::Inference(sql::Database& db, const blob::Store& store, const models::ModelServing& serving, Bills bills,
                     Options options)
    : db_(db),
      store_(store),
      serving_(serving),
      bills_(std::move(bills)),
      options_(std::move(options)),
      places_(options_.places),
      pool_(options_.pool) {}

Result<std::shared_ptr<Place>> Inference::enter(AccountId account) {
  return places_.take(account);
}

Result<Target> Inference::resolve(sql::Tx& tx, const models::Viewer& viewer, std::string_view repo_id,
                                  std::string_view version, std::string_view file) const {
  return target_of(TOLL_TRY(serving_.resolve(tx, viewer, repo_id, version)), file);
}

Result<Target> Inference::recorded(sql::Tx& tx, std::string_view repo_id, std::string_view version,
                                   std::string_view digest, std::string_view file) const {
  return target_of(TOLL_TRY(serving_.recorded(tx, repo_id, version, digest)), file);
}

Run Inference::run_of(AccountId account, const Target& target) const {
  Run run;
  run.account = account;
  run.model = key_of(target);
  run.sha256 = target.file_sha256();
  run.open = [this, digest = target.file.digest]() -> Result<std::shared_ptr<const blob::Reader>> {
    auto file = store_.open(digest);
    if (file || file.error().reason() != Reason::not_found) return file;
    return Fault(Reason::model_unusable).with("why", "its file is missing");
  };
  return run;
}

std::shared_ptr<Inference::Look> Inference::look_at(const std::string& key) {
  std::lock_guard lock(looks_mutex_);
  std::erase_if(looks_, [](const auto& entry) { return entry.second.expired(); });
  auto& known = looks_[key];
  auto look = known.lock();
  if (!look) known = look = std::make_shared<Look>();
  return look;
}

Result<std::shared_ptr<const Schema>> Inference::describe(AccountId account, const Target& target, int hangup) {
  const auto key = key_of(target);
  if (auto known = schemas_.find(key)) return known;
  const auto look = look_at(key);
  std::lock_guard alone(look->mutex);
  if (auto known = schemas_.find(key)) return known;
  if (look->failed) return *look->failed;
  auto run = run_of(account, target);
  run.action = engines::onnx::Request::Action::describe;
  const auto ran = pool_.run(std::move(run), hangup);
  if (!ran) {
    // That this caller left says nothing about the model.
    if (ran.error().reason() != Reason::cancelled) look->failed = ran.error();
    return ran.error();
  }
  auto schema = std::make_shared<const Schema>(TOLL_TRY(engines::onnx::parse_schema(ran->answer)));
  schemas_.keep(key, schema);
  return schema;
}

Result<Answer> Inference::run(Call call, const Settle& settle) {
  const auto schema = TOLL_TRY(describe(call.place->account(), call.target, call.hangup));
  if (auto fit = check_call(*schema, call.inputs, call.outputs, {options_.input_bytes, most_tensors}); !fit)
    return std::move(fit).error();
  const NewBill wanted{call.place->account(), price_of(call.target.repo_id), call.target.label(), lease()};
  Bill bill{{}, wanted.price, false};
  if (wanted.price.micros > 0) bill = TOLL_TRY(db_.write([&](sql::Tx& tx) { return bills_.open(tx, wanted); }));
  try {
    auto answer = carry_out(call, *schema, bill, settle);
    if (!answer) give_back(bill);
    return answer;
  } catch (...) {
    give_back(bill);
    throw;
  }
}

Result<Answer> Inference::carry_out(Call& call, const Schema& schema, const Bill& bill, const Settle& settle) {
  auto run = run_of(call.place->account(), call.target);
  run.inputs = std::move(call.inputs);
  run.outputs = call.outputs.empty() ? names_of(schema.outputs) : std::move(call.outputs);
  if (options_.pool.batch > 1) run.rows = rows_of(schema, run.inputs);
  auto ran = TOLL_TRY(pool_.run(std::move(run), call.hangup));
  Answer answer{bill.id, std::move(call.target), bill.price, std::move(ran.outputs)};
  if (auto room = call.place->hold(room_of(answer.outputs)); !room) return std::move(room).error();
  if (bill.held || settle) {
    const auto commit = settle ? settle(answer) : Commit();
    auto paid = db_.write([&](sql::Tx& tx) -> Result<void> {
      if (auto settled = bills_.settle(tx, bill); !settled) return settled;
      return commit ? commit(tx) : Result<void>();
    });
    if (!paid) return std::move(paid).error();
  }
  return answer;
}

// When the database cannot be reached the row stays, and its lease ends.
void Inference::give_back(const Bill& bill) {
  if (!bill.held) return;
  try {
    db_.write([&](sql::Tx& tx) { return bills_.release(tx, bill), true; });
  } catch (const std::exception& error) {
    log::error("inference.release_failed", {{"call", bill.id}, {"cause", error.what()}});
  }
}

metering::Credits Inference::price_of(std::string_view repo_id) const {
  const auto own = options_.prices.find(std::string(repo_id));
  return own == options_.prices.end() ? options_.price : own->second;
}

Micros Inference::lease() const {
  const int runs = options_.pool.batch > 1 ? runs_in_a_lease : 2;
  return 2 * options_.pool.patience + options_.timeout * (runs + 1) + std::chrono::seconds(60);
}

std::shared_ptr<const Schema> Inference::Schemas::find(const std::string& key) {
  std::lock_guard lock(mutex_);
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->second;
}

void Inference::Schemas::keep(const std::string& key, std::shared_ptr<const Schema> schema) {
  std::lock_guard lock(mutex_);
  if (by_key_.contains(key)) return;
  entries_.emplace_front(key, std::move(schema));
  by_key_[key] = entries_.begin();
  if (entries_.size() <= most_schemas) return;
  by_key_.erase(entries_.back().first);
  entries_.pop_back();
}

}  // namespace toll::inference
