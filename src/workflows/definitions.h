// The workflows of an organisation: made, changed, checked. Every change is a revision; old ones are kept for as long
// as an execution refers to them.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "sql/database.h"
#include "workflows/catalogue.h"
#include "workflows/definition.h"
#include "workflows/ids.h"
#include "workflows/secrets.h"

namespace toll::workflows {

struct Workflow {
  WorkflowId id;
  OrganisationId organisation;
  Definition definition;
  std::int64_t revision = 1;
  Time created_at, updated_at;
};

// For whom a workflow is written: whose secrets it may name, and whose models it may run.
struct Owner {
  OrganisationId organisation;
  AccountId payer;
};

struct Listing {
  std::optional<Type> type;
  std::optional<std::string> search;  // in the name, without case
  std::size_t offset = 0, limit = 50;
};

struct WorkflowPage {
  std::vector<Workflow> workflows;  // newest first
  std::int64_t count = 0;           // of all pages
};

// Thread-safe; everything runs in the caller's transaction. A workflow of another organisation is absent.
class Definitions {
 public:
  struct Options {
    Limits caps{4096, 1000, 86'400};  // the operator's: no workflow may allow more
    std::size_t most = 1000;          // workflows of an organisation
  };
  // Whether somebody else's row refers to a workflow, so that it must stay.
  using InUse = std::function<bool(sql::Tx&, const WorkflowId&)>;

  Definitions(const Catalogue& catalogue, const Secrets& secrets, const Clock& clock, Random& random, Options options);
  // Before any request; several may ask.
  void asks(InUse in_use) { in_use_.push_back(std::move(in_use)); }

  // All problems of the document together: Fault invalid_request; each has a code and a path.
  Result<void> validate(sql::Tx& tx, const Owner& owner, const json::Object& document) const;
  // Faults: those of validate(), limit_reached.
  Result<Workflow> create(sql::Tx& tx, const Owner& owner, const json::Object& document) const;
  // Faults, here and below: workflow_not_found.
  Result<Workflow> get(sql::Tx& tx, const OrganisationId& organisation, const WorkflowId& id) const;
  WorkflowPage list(sql::Tx& tx, const OrganisationId& organisation, const Listing& which) const;
  // The document takes the old one's place, whole. Faults: those of validate().
  Result<Workflow> replace(sql::Tx& tx, const Owner& owner, const WorkflowId& id, const json::Object& document) const;
  // The members given take the place of the old ones. Faults: those of validate().
  Result<Workflow> patch(sql::Tx& tx, const Owner& owner, const WorkflowId& id, const json::Object& changes) const;
  // Executions that run keep their revision. Faults: workflow_in_use.
  Result<void> remove(sql::Tx& tx, const OrganisationId& organisation, const WorkflowId& id) const;
  void remove_all(sql::Tx& tx, const OrganisationId& organisation) const;

  // For executions: the definition as it was. Faults: workflow_not_found.
  Result<std::shared_ptr<const Definition>> revision(sql::Tx& tx, const WorkflowId& id, std::int64_t revision) const;
  // Deletes revisions of deleted or changed workflows that no execution refers to; how many, at most `limit`.
  std::size_t purge(sql::Tx& tx, std::size_t limit = 500) const;

  const Catalogue& catalogue() const { return catalogue_; }
  const Secrets& secrets() const { return secrets_; }
  const Limits& caps() const { return options_.caps; }

 private:
  Result<Definition> read(sql::Tx& tx, const Owner& owner, const json::Object& document) const;
  Result<Workflow> save(sql::Tx& tx, Workflow workflow, Definition definition) const;
  void check_caps(const Limits& limits, Problems& problems) const;

  const Catalogue& catalogue_;
  const Secrets& secrets_;
  const Clock& clock_;
  Random& random_;
  const Options options_;
  std::vector<InUse> in_use_;
  // The last revisions that executions asked for.
  mutable std::mutex mutex_;
  mutable std::map<std::pair<std::string, std::int64_t>, std::shared_ptr<const Definition>> cache_;
};

// The document with what the server adds: id, name, description, type, input_schema, steps, limits, revision,
// created_at, updated_at (RFC 3339 with milliseconds).
json::Object write_workflow(const Workflow& workflow);
// "2026-01-31T12:00:00.000Z"
std::string iso_millis(Time time);

}  // namespace toll::workflows
