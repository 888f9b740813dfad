#include "workflows/definitions.h"

#include <boost/json/serialize.hpp>

#include <stdexcept>

#include "workflows/check.h"

namespace toll::workflows {

namespace {

constexpr std::size_t most_cached = 256;

// A document that was checked when it was written.
Definition stored(const std::string& document) {
  auto value = json::parse(document);
  if (!value || !value->is_object()) throw std::runtime_error("a stored workflow is no JSON object");
  Problems problems;
  return read_definition(value->get_object(), problems);
}

constexpr std::string_view columns =
    "SELECT w.id, w.organisation_id, w.revision, w.created_at, w.updated_at, r.document FROM workflows w "
    "JOIN workflow_revisions r ON r.workflow_id = w.id AND r.revision = w.revision ";

Workflow workflow_of(const sql::Row& row) {
  return {WorkflowId(row.text(0)),
          OrganisationId(row.text(1)),
          stored(row.text(5)),
          row.integer(2),
          row.time(3),
          row.time(4)};
}

std::string like(std::string_view search) {
  std::string out = "%";
  for (const char c : search) {
    if (c == '%' || c == '_' || c == '\\') out += '\\';
    out += c;
  }
  return out + "%";
}

}  // namespace

Definitions::Definitions(const Catalogue& catalogue, const Secrets& secrets, const Clock& clock, Random& random,
                         Options options)
    : catalogue_(catalogue), secrets_(secrets), clock_(clock), random_(random), options_(options) {}

void Definitions::check_caps(const Limits& limits, Problems& problems) const {
  const auto cap = [&](const char* name, std::int64_t value, std::int64_t most) {
    if (value > most)
      problems.add("max_value", Path{std::string("limits"), std::string(name)},
                   "Ensure this value is less than or equal to " + std::to_string(most) + ".");
  };
  cap("max_file_mb", limits.max_file_mb, options_.caps.max_file_mb);
  cap("max_files", limits.max_files, options_.caps.max_files);
  cap("timeout_s", limits.timeout_s, options_.caps.timeout_s);
}

Result<Definition> Definitions::read(sql::Tx& tx, const Owner& owner, const json::Object& document) const {
  Problems problems;
  if (boost::json::serialize(document).size() > most_document_bytes) {
    problems.add("max_length", {}, "A workflow has at most 256 KiB.");
    return std::move(problems).result().error();
  }
  auto definition = read_definition(document, problems);
  // Limits that nobody wrote are not to be beyond the operator's.
  if (!document.contains("limits")) {
    auto& limits = definition.limits;
    limits = {std::min(limits.max_file_mb, options_.caps.max_file_mb),
              std::min(limits.max_files, options_.caps.max_files), std::min(limits.timeout_s, options_.caps.timeout_s)};
  }
  check_caps(definition.limits, problems);
  check_definition(definition, {catalogue_, secrets_, tx, owner.organisation, owner.payer}, problems);
  if (auto checked = std::move(problems).result(); !checked) return std::move(checked).error();
  return definition;
}

Result<void> Definitions::validate(sql::Tx& tx, const Owner& owner, const json::Object& document) const {
  if (auto definition = read(tx, owner, document); !definition) return std::move(definition).error();
  return {};
}

Result<Workflow> Definitions::create(sql::Tx& tx, const Owner& owner, const json::Object& document) const {
  auto definition = TOLL_TRY(read(tx, owner, document));
  const auto now = clock_.now();
  Workflow workflow{WorkflowId(random_.uuid4()), owner.organisation, std::move(definition), 1, now, now};
  tx.exec(
      "INSERT INTO workflows (id, organisation_id, name, type, revision, created_at, updated_at) "
      "VALUES ($1, $2, $3, $4, 1, $5, $5)",
      workflow.id, workflow.organisation, workflow.definition.name, to_string(workflow.definition.type), now);
  tx.exec("INSERT INTO workflow_revisions (workflow_id, revision, document, created_at) VALUES ($1, 1, $2, $3)",
          workflow.id, boost::json::serialize(write_definition(workflow.definition)), now);
  const auto count = tx.one("SELECT count(*) FROM workflows WHERE organisation_id = $1", owner.organisation);
  if (count->integer(0) > static_cast<std::int64_t>(options_.most))
    return Fault(Reason::limit_reached).with("limit", std::to_string(options_.most)).with("things", "workflows");
  return workflow;
}

Result<Workflow> Definitions::get(sql::Tx& tx, const OrganisationId& organisation, const WorkflowId& id) const {
  const auto row = tx.one(std::string(columns) + "WHERE w.id = $1 AND w.organisation_id = $2", id, organisation);
  if (!row) return Reason::workflow_not_found;
  return workflow_of(*row);
}

WorkflowPage Definitions::list(sql::Tx& tx, const OrganisationId& organisation, const Listing& which) const {
  const std::string where =
      "WHERE w.organisation_id = $1 AND ($2 = '' OR w.type = $2) AND ($3 = '' OR lower(w.name) LIKE lower($3) ESCAPE "
      "'\\') ";
  const auto type = which.type ? to_string(*which.type) : std::string_view();
  const auto search = which.search && !which.search->empty() ? like(*which.search) : std::string();
  WorkflowPage page;
  page.count = tx.one("SELECT count(*) FROM workflows w " + where, organisation, type, search)->integer(0);
  for (const auto& row :
       tx.query(std::string(columns) + where + "ORDER BY w.created_at DESC, w.id DESC LIMIT $4 OFFSET $5", organisation,
                type, search, which.limit, which.offset))
    page.workflows.push_back(workflow_of(row));
  return page;
}

Result<Workflow> Definitions::save(sql::Tx& tx, Workflow workflow, Definition definition) const {
  workflow.definition = std::move(definition);
  workflow.updated_at = clock_.now();
  const auto row = tx.one(
      "UPDATE workflows SET revision = revision + 1, name = $2, type = $3, updated_at = $4 WHERE id = $1 RETURNING "
      "revision",
      workflow.id, workflow.definition.name, to_string(workflow.definition.type), workflow.updated_at);
  if (!row) return Reason::workflow_not_found;
  workflow.revision = row->integer(0);
  tx.exec("INSERT INTO workflow_revisions (workflow_id, revision, document, created_at) VALUES ($1, $2, $3, $4)",
          workflow.id, workflow.revision, boost::json::serialize(write_definition(workflow.definition)),
          workflow.updated_at);
  return workflow;
}

Result<Workflow> Definitions::replace(sql::Tx& tx, const Owner& owner, const WorkflowId& id,
                                      const json::Object& document) const {
  auto workflow = TOLL_TRY(get(tx, owner.organisation, id));
  auto definition = TOLL_TRY(read(tx, owner, document));
  return save(tx, std::move(workflow), std::move(definition));
}

Result<Workflow> Definitions::patch(sql::Tx& tx, const Owner& owner, const WorkflowId& id,
                                    const json::Object& changes) const {
  auto workflow = TOLL_TRY(get(tx, owner.organisation, id));
  auto document = write_definition(workflow.definition);
  for (const auto& [name, value] : changes)
    if (document.contains(name)) document[name] = value;
  auto definition = TOLL_TRY(read(tx, owner, document));
  return save(tx, std::move(workflow), std::move(definition));
}

Result<void> Definitions::remove(sql::Tx& tx, const OrganisationId& organisation, const WorkflowId& id) const {
  if (tx.exec("DELETE FROM workflows WHERE id = $1 AND organisation_id = $2", id, organisation) == 0)
    return Reason::workflow_not_found;
  for (const auto& in_use : in_use_)
    if (in_use(tx, id)) return Reason::workflow_in_use;
  return {};
}

void Definitions::remove_all(sql::Tx& tx, const OrganisationId& organisation) const {
  tx.exec("DELETE FROM workflows WHERE organisation_id = $1", organisation);
}

Result<std::shared_ptr<const Definition>> Definitions::revision(sql::Tx& tx, const WorkflowId& id,
                                                                std::int64_t revision) const {
  const std::pair key(id.value(), revision);
  {
    std::lock_guard lock(mutex_);
    if (const auto found = cache_.find(key); found != cache_.end()) return found->second;
  }
  const auto row =
      tx.one("SELECT document FROM workflow_revisions WHERE workflow_id = $1 AND revision = $2", id, revision);
  if (!row) return Reason::workflow_not_found;
  auto definition = std::make_shared<const Definition>(stored(row->text(0)));
  std::lock_guard lock(mutex_);
  if (cache_.size() >= most_cached) cache_.erase(cache_.begin());
  cache_[key] = definition;
  return definition;
}

std::size_t Definitions::purge(sql::Tx& tx, std::size_t limit) const {
  const auto rows = tx.query(
      "SELECT r.workflow_id, r.revision FROM workflow_revisions r WHERE "
      "NOT EXISTS (SELECT 1 FROM workflows w WHERE w.id = r.workflow_id AND w.revision = r.revision) AND "
      "NOT EXISTS (SELECT 1 FROM executions e WHERE e.workflow_id = r.workflow_id AND e.revision = r.revision) LIMIT "
      "$1",
      limit);
  for (const auto& row : rows)
    tx.exec("DELETE FROM workflow_revisions WHERE workflow_id = $1 AND revision = $2", row.text(0), row.integer(1));
  return rows.size();
}

std::string iso_millis(Time time) {
  auto text = iso_micros(time);
  return text.erase(text.size() - 4, 3);
}

json::Object write_workflow(const Workflow& workflow) {
  json::Object out{{"id", workflow.id.value()}};
  for (auto& [name, value] : write_definition(workflow.definition)) out[name] = value;
  out["revision"] = workflow.revision;
  out["created_at"] = iso_millis(workflow.created_at);
  out["updated_at"] = iso_millis(workflow.updated_at);
  return out;
}

}  // namespace toll::workflows
