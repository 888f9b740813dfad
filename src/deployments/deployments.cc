#include "deployments/deployments.h"

#include <fmt/format.h>
#include <boost/json/serialize.hpp>

#include "base/text.h"
#include "identity/names.h"
#include "identity/scopes.h"

namespace toll::deployments {

namespace {

constexpr std::string_view select =
    "SELECT d.id, d.organisation_id, o.owner_id, d.api_name, d.display_name, d.description, d.workflow_id, "
    "d.deployment_type, d.is_active, d.rate_limit, d.allowed_ips, d.allow_path_key, d.max_file_mb, d.max_files, "
    "d.timeout_s, d.parameters, d.result_ttl_s, d.compat_reread, d.run_count, d.last_run_at, d.created_at, "
    "d.updated_at FROM deployments d JOIN organisations o ON o.id = d.organisation_id ";

std::string selecting(std::string_view rest) {
  return std::string(select).append(rest);
}

Deployment deployment_of(const sql::Row& row) {
  Deployment out;
  out.id = DeploymentId(row.text(0));
  out.organisation = OrganisationId(row.text(1));
  out.payer = AccountId(row.integer(2));
  auto& settings = out.settings;
  settings.api_name = row.text(3);
  settings.display_name = row.text(4);
  settings.description = row.text(5);
  settings.workflow = WorkflowId(row.text(6));
  settings.type = workflows::type_from(row.text(7)).value_or(workflows::Type::api);
  settings.active = row.boolean(8);
  settings.rate_limit = row.integer(9);
  settings.allowed_ips = identity::split_scopes(row.text(10));
  settings.allow_path_key = row.boolean(11);
  settings.limits = {row.maybe_integer(12), row.maybe_integer(13), row.maybe_integer(14)};
  settings.parameters = json::parse(row.text(15)).value().as_object();
  settings.result_ttl_s = row.integer(16);
  settings.compat_reread = row.boolean(17);
  out.run_count = row.integer(18);
  out.last_run_at = row.maybe_time(19);
  out.created_at = row.time(20);
  out.updated_at = row.time(21);
  return out;
}

std::vector<Deployment> all_of(const std::vector<sql::Row>& rows) {
  std::vector<Deployment> out;
  for (const auto& row : rows) out.push_back(deployment_of(row));
  return out;
}

std::string object_name(const DeploymentId& id) {
  return "deployment:" + id.value();
}

Fault name_taken() {
  FieldProblem problem;
  problem.path = {std::string("api_name")};
  problem.message = "This API name is already in use. Please select a different name.";
  problem.code = "unique";
  return Fault(Reason::invalid_request).at({std::move(problem)});
}

}  // namespace

Result<void> Deployments::name_is_free(sql::Tx& tx, const OrganisationId& organisation, const DeploymentId& own,
                                       std::string_view api_name) const {
  // Who takes a name in the same organisation at the same time waits here.
  tx.exec("UPDATE organisations SET name = name WHERE id = $1", organisation);
  const auto other = tx.one("SELECT id FROM deployments WHERE organisation_id = $1 AND api_name = $2 AND id <> $3",
                            organisation, api_name, own);
  if (other) return name_taken();
  return {};
}

Result<Deployment> Deployments::create(sql::Tx& tx, const OrganisationId& organisation, const Settings& settings,
                                       const identity::Actor& by) const {
  TOLL_TRY(name_is_free(tx, organisation, {}, settings.api_name));
  const auto count = tx.one("SELECT count(*) FROM deployments WHERE organisation_id = $1", organisation)->integer(0);
  if (count >= static_cast<std::int64_t>(most_deployments))
    return Fault(Reason::limit_reached).with("limit", std::to_string(most_deployments)).with("things", "deployments");
  const DeploymentId id(random_.uuid4());
  const auto now = clock_.now();
  tx.exec(
      "INSERT INTO deployments (id, organisation_id, api_name, display_name, description, workflow_id, "
      "deployment_type, is_active, rate_limit, allowed_ips, allow_path_key, max_file_mb, max_files, timeout_s, "
      "parameters, result_ttl_s, compat_reread, created_at, updated_at) "
      "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $18)",
      id, organisation, settings.api_name, settings.display_name, settings.description, settings.workflow,
      workflows::to_string(settings.type), settings.active, settings.rate_limit,
      identity::join_scopes(settings.allowed_ips), settings.allow_path_key, settings.limits.max_file_mb,
      settings.limits.max_files, settings.limits.timeout_s, boost::json::serialize(settings.parameters),
      settings.result_ttl_s, settings.compat_reread, now);
  identity::audit(tx, now, by, {"deployment.create", object_name(id), "organisation " + organisation.value()});
  return find(tx, organisation, id).value();
}

std::optional<Deployment> Deployments::find(sql::Tx& tx, const OrganisationId& organisation,
                                            const DeploymentId& id) const {
  if (!identity::is_uuid(id.value())) return std::nullopt;
  static const auto one = selecting("WHERE d.organisation_id = $1 AND d.id = $2");
  const auto row = tx.one(one, organisation, id);
  if (!row) return std::nullopt;
  return deployment_of(*row);
}

std::optional<Deployment> Deployments::find_by_name(sql::Tx& tx, const OrganisationId& organisation,
                                                    std::string_view api_name) const {
  static const auto one = selecting("WHERE d.organisation_id = $1 AND d.api_name = $2");
  const auto row = tx.one(one, organisation, api_name);
  if (!row) return std::nullopt;
  return deployment_of(*row);
}

Page Deployments::list(sql::Tx& tx, const OrganisationId& organisation, const Listing& which) const {
  static const std::string filter =
      "WHERE d.organisation_id = $1 AND ($2 = '' OR d.workflow_id = $2) AND ($3 = '' OR d.api_name = $3) AND "
      "($4 = '' OR lower(d.display_name) LIKE '%' || $4 || '%' ESCAPE '\\') ";
  static const auto count = "SELECT count(*) FROM deployments d " + filter;
  static const auto page = selecting(filter) + "ORDER BY d.created_at DESC, d.id DESC LIMIT $5 OFFSET $6";
  const auto workflow = which.workflow ? which.workflow->value() : std::string();
  const auto name = which.api_name.value_or("");
  std::string search;
  for (const char c : lower(which.search.value_or(""))) {
    if (c == '%' || c == '_' || c == '\\') search += '\\';
    search += c;
  }
  Page out;
  out.count = tx.one(count, organisation, workflow, name, search)->integer(0);
  out.deployments = all_of(tx.query(page, organisation, workflow, name, search, which.limit, which.offset));
  return out;
}

std::vector<Deployment> Deployments::active_of(sql::Tx& tx, AccountId account, std::size_t offset,
                                               std::size_t limit) const {
  static const auto all = selecting(
      "JOIN organisation_members m ON m.organisation_id = d.organisation_id WHERE m.account_id = $1 AND d.is_active = "
      "1 ORDER BY d.api_name, d.id LIMIT $2 OFFSET $3");
  return all_of(tx.query(all, account, limit, offset));
}

std::vector<Deployment> Deployments::active_in(sql::Tx& tx, const OrganisationId& organisation, std::size_t offset,
                                               std::size_t limit) const {
  static const auto all =
      selecting("WHERE d.organisation_id = $1 AND d.is_active = 1 ORDER BY d.api_name, d.id LIMIT $2 OFFSET $3");
  return all_of(tx.query(all, organisation, limit, offset));
}

Result<Deployment> Deployments::update(sql::Tx& tx, const OrganisationId& organisation, const DeploymentId& id,
                                       const std::function<Result<void>(Settings&)>& change,
                                       const identity::Actor& by) const {
  tx.exec("UPDATE deployments SET updated_at = updated_at WHERE id = $1", id);
  auto known = find(tx, organisation, id);
  if (!known) return Reason::not_found;
  auto& settings = known->settings;
  TOLL_TRY(change(settings));
  TOLL_TRY(name_is_free(tx, organisation, id, settings.api_name));
  tx.exec(
      "UPDATE deployments SET api_name = $2, display_name = $3, description = $4, workflow_id = $5, "
      "deployment_type = $6, is_active = $7, rate_limit = $8, allowed_ips = $9, allow_path_key = $10, "
      "max_file_mb = $11, max_files = $12, timeout_s = $13, parameters = $14, result_ttl_s = $15, "
      "compat_reread = $16, updated_at = $17 WHERE id = $1",
      id, settings.api_name, settings.display_name, settings.description, settings.workflow,
      workflows::to_string(settings.type), settings.active, settings.rate_limit,
      identity::join_scopes(settings.allowed_ips), settings.allow_path_key, settings.limits.max_file_mb,
      settings.limits.max_files, settings.limits.timeout_s, boost::json::serialize(settings.parameters),
      settings.result_ttl_s, settings.compat_reread, clock_.now());
  identity::audit(tx, clock_.now(), by, {"deployment.update", object_name(id), ""});
  return find(tx, organisation, id).value();
}

Result<void> Deployments::remove(sql::Tx& tx, const OrganisationId& organisation, const DeploymentId& id,
                                 const identity::Actor& by) const {
  if (tx.exec("DELETE FROM deployments WHERE organisation_id = $1 AND id = $2", organisation, id) == 0)
    return Reason::not_found;
  identity::audit(tx, clock_.now(), by, {"deployment.delete", object_name(id), "organisation " + organisation.value()});
  return {};
}

void Deployments::note_run(sql::Tx& tx, const DeploymentId& id) const {
  tx.exec("UPDATE deployments SET run_count = run_count + 1, last_run_at = $2 WHERE id = $1", id, clock_.now());
}

bool Deployments::uses(sql::Tx& tx, const WorkflowId& workflow) const {
  return tx.one("SELECT 1 FROM deployments WHERE workflow_id = $1 LIMIT 1", workflow).has_value();
}

}  // namespace toll::deployments
