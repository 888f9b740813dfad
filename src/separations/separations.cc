#include "separations/separations.h"

#include <algorithm>

#include "models/serving.h"
#include "separations/file_names.h"

namespace toll::separations {

namespace {
constexpr std::string_view job_description = "Audio separation job";
constexpr std::string_view upload_name = "upload";

void note_serving(sql::Tx& tx, const JobId& id, const models::Serving& serving) {
  tx.exec("UPDATE separations SET served_repo = $2, served_version = $3, served_digest = $4 WHERE job_id = $1", id,
          serving.repo_id, serving.version, serving.digest);
}
}  // namespace

std::vector<const objects::Object*> Separation::wavs() const {
  std::vector<const objects::Object*> out;
  for (const auto& file : files)
    if (file.name.ends_with(".wav")) out.push_back(&file);
  return out;
}

std::optional<std::string> Separation::command() const {
  if (!served_by) return std::nullopt;
  if (model == "spleeter" || served_by->starts_with("spleeter@"))
    return "spleeter separate -p spleeter:2stems -o . " + shell_quoted(filename);
  std::string out = "demucs -n " + model;
  if (two_stem) out += " --two-stems " + *two_stem;
  return out + " " + shell_quoted(filename);
}

Separations::Separations(jobs::Queue& queue, const objects::Objects& objects, const blob::Store& store,
                         objects::Sweeper& sweeper, const Clock& clock, Random& random, Options options)
    : queue_(queue),
      objects_(objects),
      store_(store),
      sweeper_(sweeper),
      clock_(clock),
      random_(random),
      options_(std::move(options)),
      trained_(clock, store, options_.can_run_trained) {}

Result<Separation> Separations::submit(sql::Tx& tx, const NewSeparation& order) {
  const auto& part = order.part;
  const JobId id = part ? part->id : JobId(random_.uuid4());
  const auto own = trained_.installed(tx, order.choice.model->name), for_voice = trained_.installed(tx, voice_model);
  const auto model = Models::with(*order.choice.model, own, for_voice);
  if (!model.ready) return Fault(Reason::model_not_ready).with("model", model.name);
  auto job = queue_.submit(tx, {id, order.account, std::string(part ? part_kind_name : kind_name),
                               part ? metering::Credits{} : model.cost, std::string(job_description)});
  if (!job) return std::move(job).error();
  tx.exec(
      "INSERT INTO separations (job_id, account_id, filename, model, stem_count, two_stem) VALUES ($1, $2, $3, $4, $5, "
      "$6)",
      id, order.account, order.filename, model.name, order.choice.stem_count, order.choice.two_stem);
  if (const auto* trained = Models::serving(order.choice, own, for_voice)) note_serving(tx, id, trained->serving);
  const objects::NewObject upload{order.account, std::string(upload_role), id.value(), std::string(upload_name)};
  auto kept = part ? objects_.attach_copy(tx, part->stored, upload) : objects_.attach(tx, *order.upload, upload);
  if (!kept) return std::move(kept).error();
  return Separation{
      std::move(*job), order.filename, model.name, order.choice.stem_count, order.choice.two_stem, {}, false, {}, {}};
}

std::optional<Separation> Separations::complete_with_row(sql::Tx& tx, std::optional<jobs::Job> job) const {
  if (!job) return std::nullopt;
  auto row = tx.one(
      "SELECT filename, model, stem_count, two_stem, served_by, archived, files_deleted_at FROM separations WHERE "
      "job_id = $1",
      job->id);
  if (!row) return std::nullopt;
  Separation out{std::move(*job),
                 row->text(0),
                 row->text(1),
                 static_cast<int>(row->integer(2)),
                 row->maybe_text(3),
                 row->maybe_text(4),
                 row->boolean(5),
                 row->maybe_time(6),
                 {}};
  if (out.job.state == jobs::State::completed && !out.files_deleted_at) {
    out.files = objects_.list(tx, out.job.id.value(), stem_role);
    std::ranges::sort(out.files, {}, &objects::Object::name);
  }
  return out;
}

std::optional<Separation> Separations::find(sql::Tx& tx, const JobId& id) const {
  return complete_with_row(tx, queue_.find(tx, id));
}

Result<Separation> Separations::get(sql::Tx& tx, AccountId account, const JobId& id) const {
  auto found = complete_with_row(tx, queue_.find(tx, account, id));
  if (!found) return Reason::job_not_found;
  return std::move(*found);
}

Result<Separation> Separations::finished(sql::Tx& tx, AccountId account, const JobId& id) const {
  auto found = get(tx, account, id);
  if (!found) return found;
  if (found->job.state != jobs::State::completed)
    return Fault(Reason::job_not_completed).with("status", std::string(to_string(found->job.state)));
  if (found->files_deleted_at) return Reason::job_files_gone;
  return found;
}

Result<std::vector<Separation>> Separations::list(sql::Tx& tx, const Listing& which) const {
  jobs::ListJobs wanted{which.account, which.status, {}, which.limit, std::string(kind_name)};
  if (which.before) {
    auto before = which.account ? queue_.find(tx, *which.account, *which.before) : queue_.find(tx, *which.before);
    if (!before) return Reason::job_not_found;
    wanted.before = before->sequence;
  }
  std::vector<Separation> out;
  for (auto& job : queue_.list(tx, wanted))
    if (auto one = complete_with_row(tx, std::move(job))) out.push_back(std::move(*one));
  return out;
}

Result<Separation> Separations::cancel(sql::Tx& tx, AccountId account, const JobId& id) {
  TOLL_TRY(get(tx, account, id));  // jobs of other kinds are not its own
  auto job = queue_.cancel(tx, account, id);
  if (!job) return std::move(job).error();
  return *complete_with_row(tx, std::move(*job));
}

Result<Separation> Separations::retry(sql::Tx& tx, AccountId account, const JobId& id) {
  TOLL_TRY(get(tx, account, id));
  auto job = queue_.retry(tx, account, id);
  if (!job && job.error().reason() != Reason::insufficient_credits) return std::move(job).error();
  // A job without its upload cannot run again, whatever the balance: the fault undoes the new hold.
  const auto upload = objects_.find(tx, id.value(), upload_role);
  if (!upload || !store_.exists(upload->digest)) return Reason::job_upload_gone;
  if (!job) return std::move(job).error();
  return *complete_with_row(tx, std::move(*job));
}

void Separations::drop_files(sql::Tx& tx, const JobId& id) {
  objects_.detach_owner(tx, id.value());
  tx.after_commit([this] { sweeper_.wake(); });
}

Result<void> Separations::remove(sql::Tx& tx, AccountId account, const JobId& id) {
  if (!queue_.find(tx, account, id)) return Reason::job_not_found;
  return remove_any(tx, id);
}

Result<void> Separations::remove_any(sql::Tx& tx, const JobId& id) {
  if (auto removed = queue_.remove(tx, id); !removed) return removed;
  tx.exec("DELETE FROM separations WHERE job_id = $1", id);
  drop_files(tx, id);
  return {};
}

Result<void> Separations::archive(sql::Tx& tx, const JobId& id) {
  auto job = queue_.find(tx, id);
  if (!job) return Reason::job_not_found;
  if (jobs::is_open(job->state))
    if (auto cancelled = queue_.cancel(tx, id); !cancelled && cancelled.error().reason() != Reason::job_not_cancellable)
      return std::move(cancelled).error();
  tx.exec("UPDATE separations SET archived = 1, files_deleted_at = coalesce(files_deleted_at, $2) WHERE job_id = $1",
          id, clock_.now());
  drop_files(tx, id);
  return {};
}

void Separations::remove_account(sql::Tx& tx, AccountId account) {
  for (const auto& row : tx.query("SELECT job_id FROM separations WHERE account_id = $1", account)) {
    // A row without a job would be a broken invariant; the account goes all the same.
    if (!remove_any(tx, JobId(row.text(0)))) tx.exec("DELETE FROM separations WHERE job_id = $1", row.text(0));
  }
}

std::size_t Separations::expire(sql::Tx& tx, std::size_t limit) {
  if (options_.retention.count() == 0) return 0;
  const auto cutoff = clock_.now() - options_.retention;
  const auto ended = tx.query(
      "SELECT s.job_id FROM separations s JOIN jobs j ON j.id = s.job_id "
      "WHERE s.files_deleted_at IS NULL AND j.completed_at < $1 AND j.state IN ('completed', 'failed', 'cancelled') "
      "LIMIT $2",
      cutoff, limit);
  for (const auto& row : ended) {
    const JobId id(row.text(0));
    tx.exec("UPDATE separations SET files_deleted_at = $2 WHERE job_id = $1", id, clock_.now());
    drop_files(tx, id);
  }
  return ended.size();
}

void Separations::started(sql::Tx& tx, const JobId& id) const {
  const auto trained = served(tx, id);
  if (!trained) return;  // the run fails, and says so
  const std::string served_by = *trained ? (*trained)->served_by : std::string(builtin_name);
  tx.exec("UPDATE separations SET served_by = $2 WHERE job_id = $1", id, served_by);
  if (*trained) return;
  const models::Catalogue catalogue(clock_);
  const models::ModelServing registry(clock_, catalogue, store_);
  const auto serving = registry.resolve(tx, models::Viewer::the_operator(), models::builtin_repo);
  if (serving) note_serving(tx, id, *serving);
}

Result<std::optional<Trained>> Separations::served(sql::Tx& tx, const JobId& id) const {
  const auto row = tx.one("SELECT served_repo, served_version, served_digest FROM separations WHERE job_id = $1", id);
  const auto repo = row ? row->maybe_text(0) : std::nullopt;
  if (!repo || *repo == models::builtin_repo) return std::optional<Trained>();
  return std::optional(
      TOLL_TRY(trained_.recorded(tx, *repo, row->maybe_text(1).value_or(""), row->maybe_text(2).value_or(""))));
}

}  // namespace toll::separations
