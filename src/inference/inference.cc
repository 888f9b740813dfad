#include "inference/inference.h"

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

Inference::Inference(sql::Database& db, const blob::Store& store, const models::ModelServing& serving,
                     const metering::Ledger& ledger, Random& random, Options options)
    : db_(db),
      files_(store, {.kept_bytes = options.kept_bytes, .patience = options.timeout}),
      serving_(serving),
      ledger_(ledger),
      random_(random),
      options_(std::move(options)),
      places_(options_.places),
      pool_(options_.pool) {}

Result<std::shared_ptr<Place>> Inference::enter(AccountId account) {
  return places_.take(account);
}

Result<Target> Inference::resolve(sql::Tx& tx, const models::Viewer& viewer, std::string_view repo_id,
                                  std::string_view version, std::string_view file) const {
  return target_of(*TOLL_TRY(serving_.resolve_shared(tx, viewer, repo_id, version)), file);
}

Result<Target> Inference::recorded(sql::Tx& tx, std::string_view repo_id, std::string_view version,
                                   std::string_view digest, std::string_view file) const {
  return target_of(TOLL_TRY(serving_.recorded(tx, repo_id, version, digest)), file);
}

Run Inference::run_of(AccountId account, const Target& target) {
  Run run;
  run.account = account;
  run.model = key_of(target);
  run.sha256 = target.file_sha256();
  run.open = [this, digest = target.file.digest]() -> Result<std::shared_ptr<const blob::Reader>> {
    auto file = files_.open(digest);
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

Result<std::shared_ptr<Purse>> Inference::purse_for(const Call& call, metering::Credits price) {
  if (price.micros == 0) return std::shared_ptr<Purse>();
  const auto account = call.place->account();
  const auto balance =
      call.balance ? *call.balance : db_.read([&](sql::Tx& tx) { return ledger_.balance(tx, account); });
  return purses_.take(account, price, balance);
}

Result<Answer> Inference::run(Call call, const Settle& settle) {
  const auto account = call.place->account();
  const auto schema = TOLL_TRY(describe(account, call.target, call.hangup));
  if (auto fit = check_call(*schema, call.inputs, call.outputs, {options_.input_bytes, most_tensors}); !fit)
    return std::move(fit).error();
  const auto price = call.prepaid ? metering::Credits{} : price_of(call.target.repo_id);
  const auto purse = TOLL_TRY(purse_for(call, price));
  auto run = run_of(account, call.target);
  run.inputs = std::move(call.inputs);
  run.outputs = call.outputs.empty() ? names_of(schema->outputs) : std::move(call.outputs);
  if (options_.pool.batch > 1) run.rows = rows_of(*schema, run.inputs);
  const auto began = std::chrono::steady_clock::now();
  auto ran = TOLL_TRY(pool_.run(std::move(run), call.hangup));
  Answer answer{purse ? random_.uuid4() : std::string(), std::move(call.target), price, std::move(ran.outputs)};
  if (auto room = call.place->hold(room_of(answer.outputs)); !room) return std::move(room).error();
  if (auto paid = pay(answer, account, purse, settle); !paid) {
    // Work for nothing counts as a run that failed: who spends the credits elsewhere meanwhile comes behind the others.
    if (paid.error().reason() == Reason::insufficient_credits)
      pool_.let_wait(account, std::chrono::steady_clock::now() - began);
    return std::move(paid).error();
  }
  return answer;
}

Result<void> Inference::pay(const Answer& answer, AccountId account, const std::shared_ptr<Purse>& purse,
                            const Settle& settle) {
  if (!purse && !settle) return {};
  const auto commit = settle ? settle(answer) : Commit();
  const auto what = "Inference: " + answer.target.label();
  return db_.write([&](sql::Tx& tx) -> Result<void> {
    if (purse) {
      if (auto paid = ledger_.spend(tx, account, answer.price, what, answer.id); !paid) return paid;
      // At once: whoever reads the new balance is not to find the price kept aside as well.
      tx.after_commit([purse] { purse->give_back(); });
    }
    return commit ? commit(tx) : Result<void>();
  });
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
