// The deployments of an organisation: made, found, changed. Everything runs in the caller's transaction.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "deployments/deployment.h"
#include "identity/audit.h"
#include "sql/database.h"

namespace toll::deployments {

struct Listing {
  std::optional<WorkflowId> workflow;
  std::optional<std::string> api_name;  // exactly
  std::optional<std::string> search;    // in the display name, without case
  std::size_t offset = 0, limit = 50;
};

struct Page {
  std::vector<Deployment> deployments;  // newest first
  std::int64_t count = 0;               // of all pages
};

// Thread-safe. A deployment of another organisation is absent. Every change writes its audit row.
class Deployments {
 public:
  Deployments(const Clock& clock, Random& random) : clock_(clock), random_(random) {}

  // Settings have passed the checks of their fields, and the workflow is the organisation's. Faults: invalid_request
  // (the name is taken), limit_reached.
  Result<Deployment> create(sql::Tx& tx, const OrganisationId& organisation, const Settings& settings,
                            const identity::Actor& by) const;
  std::optional<Deployment> find(sql::Tx& tx, const OrganisationId& organisation, const DeploymentId& id) const;
  std::optional<Deployment> find_by_name(sql::Tx& tx, const OrganisationId& organisation,
                                         std::string_view api_name) const;
  Page list(sql::Tx& tx, const OrganisationId& organisation, const Listing& which) const;
  // Active ones of all organisations that the account belongs to, by name; at most `limit` from `offset` on.
  std::vector<Deployment> active_of(sql::Tx& tx, AccountId account, std::size_t offset, std::size_t limit) const;
  // The same of one organisation.
  std::vector<Deployment> active_in(sql::Tx& tx, const OrganisationId& organisation, std::size_t offset,
                                    std::size_t limit) const;
  // `change` gets the settings as they are now. Faults: not_found, invalid_request (the name is taken), those of
  // `change`.
  Result<Deployment> update(sql::Tx& tx, const OrganisationId& organisation, const DeploymentId& id,
                            const std::function<Result<void>(Settings&)>& change, const identity::Actor& by) const;
  // Its calls and counts go with it. Keys and executions are others' to end. Faults: not_found.
  Result<void> remove(sql::Tx& tx, const OrganisationId& organisation, const DeploymentId& id,
                      const identity::Actor& by) const;
  // Of a call that was accepted.
  void note_run(sql::Tx& tx, const DeploymentId& id) const;
  bool uses(sql::Tx& tx, const WorkflowId& workflow) const;

 private:
  Result<void> name_is_free(sql::Tx& tx, const OrganisationId& organisation, const DeploymentId& own,
                            std::string_view api_name) const;

  const Clock& clock_;
  Random& random_;
};

}  // namespace toll::deployments
