// An execution: a workflow of one revision, run over the items of one call. README.md has the states.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "blob/store.h"
#include "json/parse.h"
#include "metering/credits.h"
#include "workflows/definition.h"
#include "workflows/ids.h"
#include "workflows/step.h"

namespace toll::workflows {

enum class State : std::uint8_t { pending, executing, completed, error, stopped };

// "PENDING", as it is stored and as clients know it.
constexpr std::string_view to_string(State state) {
  constexpr std::array<std::string_view, 5> names{"PENDING", "EXECUTING", "COMPLETED", "ERROR", "STOPPED"};
  return names[static_cast<std::size_t>(state)];
}
std::optional<State> state_from(std::string_view name);
constexpr bool is_open(State state) {
  return state == State::pending || state == State::executing;
}

struct Execution {
  ExecutionId id;
  OrganisationId organisation;
  DeploymentId deployment;
  WorkflowId workflow;
  std::int64_t revision = 1;
  AccountId payer;
  State state = State::pending;
  std::string tag;
  std::int64_t timeout_s = 3600;
  std::int64_t items = 0, succeeded = 0;  // a connector's items count once they are listed
  std::optional<std::string> error;       // of ERROR and STOPPED, never empty
  metering::Credits cost;                 // captured until now
  Time created_at;
  std::optional<Time> started_at, ended_at;
  std::optional<Time> expires_at;  // of the result; set at the end
  bool purged = false;             // the result has been deleted
  std::optional<Time> acknowledged_at;

  bool ended() const { return ended_at.has_value(); }
  bool expired(Time now) const { return purged || (expires_at && *expires_at <= now); }
};

enum class ItemState : std::uint8_t { waiting, running, succeeded, failed };
std::string_view to_string(ItemState state);

// A step of an item, as it went.
struct StepRun {
  std::string step;
  std::string status;  // "running", "succeeded", "failed"
  int attempt = 1;
  Time started_at;
  std::optional<Time> ended_at;
  std::optional<std::string> error;
  std::vector<ModelUse> models;
  std::int64_t pages = 0, bytes = 0;
  metering::Credits cost;
  std::int64_t tokens() const;  // of all its models
};

struct ResultFile {
  std::string key;  // in the object store (files.h)
  std::string step;
  File file;
};

struct ItemResult {
  std::int64_t ordinal = 0;
  std::string id;  // UUID: the file execution's
  std::string name, mime, sha256;
  std::int64_t size = 0;
  ItemState state = ItemState::waiting;
  json::Value output;  // of succeeded items
  std::vector<ResultFile> files;
  std::optional<std::string> error;  // "<step>: <code>: <detail>"
  bool from_history = false;
  std::optional<Time> started_at, ended_at;
  std::vector<StepRun> steps;
  json::Value metadata;                       // by step, what was pinned: {"separate": {"model": ...}}; or null
  std::optional<std::string> extracted_text;  // by the last step that read one out of a document
};

// A file of a call, as it came in.
struct Upload {
  std::string name, mime;  // as declared
  std::shared_ptr<blob::Staged> content;
};

// A call of a workflow.
struct Order {
  OrganisationId organisation;
  DeploymentId deployment;
  AccountId payer;
  WorkflowId workflow;
  LimitOverrides limits;
  std::int64_t result_ttl_s = 10'800;
  json::Object input_data, parameters, custom_data;
  std::vector<Upload> files;
  std::string tag;
  bool use_history = false;
};

}  // namespace toll::workflows
