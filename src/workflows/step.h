// What a step is: something of the catalogue that is done to each item of an execution.
//
// A kind of step says what it is (About), checks its `with` when a workflow is saved, records at acceptance what must
// not change until the end (pin), and runs. It knows neither the queue nor the ledger: the engine (runner.h) calls
// run() for an item that it holds, and commits the output together with the payment.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/digest.h"
#include "base/ids.h"
#include "base/result.h"
#include "blob/store.h"
#include "json/parse.h"
#include "metering/credits.h"
#include "objects/objects.h"
#include "sql/database.h"
#include "workflows/definition.h"
#include "workflows/ids.h"
#include "workflows/problems.h"

namespace toll::workflows {

// Bytes in the store that an item may be worked with.
struct File {
  std::string name, mime;
  Sha256 digest{};
  std::uint64_t size = 0;
};
// {"name", "content_type", "size", "sha256"}: how a file stands in an output, and what a template leads to.
json::Object file_json(const File& file);

// A file that a step made: bytes of its own, or an object's that is there already.
struct Made {
  std::string name, mime;
  std::shared_ptr<blob::Staged> content;
  std::optional<objects::Object> stored = std::nullopt;
  File file() const;
};

// What a model was used for in a step; summed over its calls.
struct ModelUse {
  std::string model;
  std::int64_t calls = 0, prompt_tokens = 0, completion_tokens = 0, embedding_tokens = 0;
  std::int64_t cost_micro_dollars = 0;
};

struct Output {
  json::Value value;  // what templates and later steps see
  std::vector<Made> files;
  std::vector<ModelUse> models;
  std::int64_t pages = 0, bytes = 0;
  // sink.response: what the caller gets to see of the files that steps before made, with the step's id.
  std::vector<std::pair<std::string, File>> shown;
  // Runs in the transaction that keeps the output; its fault undoes it.
  std::function<Result<void>(sql::Tx&)> with_commit = nullptr;
  metering::Credits price{};  // paid besides what was held: only of steps whose price shows at the end (About::metered)
};

// Why a step failed for an item. The code is one of the engine's list, the detail a sentence for the public.
struct StepFault {
  std::string code;
  std::string detail;
  bool again = false;  // another attempt may do: the network, a crash, 408, 425, 429, 5xx
  std::optional<std::chrono::seconds> retry_after{};
  std::string cause{};             // for the log only
  std::vector<ModelUse> models{};  // what was used all the same
};
using StepResult = std::variant<Output, StepFault>;

// The codes of StepFault.
namespace fault {
inline constexpr std::string_view unsupported_type = "unsupported_type", file_too_large = "file_too_large",
                                  file_unreadable = "file_unreadable", fetch_failed = "fetch_failed",
                                  egress_forbidden = "egress_forbidden", template_error = "template_error",
                                  schema_invalid = "schema_invalid", required_missing = "required_missing",
                                  llm_unavailable = "llm_unavailable", llm_invalid_output = "llm_invalid_output",
                                  engine_failed = "engine_failed", sink_failed = "sink_failed",
                                  deadline_exceeded = "deadline_exceeded", cancelled = "cancelled",
                                  insufficient_credits = "insufficient_credits", worker_lost = "worker_lost";
}
StepFault failed(std::string_view code, std::string detail, std::string cause = {});
// A fault of an engine or a domain below, as a step tells it: worker_lost, overloaded and what cannot be reached may be
// tried again.
StepFault failed(std::string_view code, const Fault& fault);

// What an item is: a file, or a text, or JSON.
struct Item {
  std::string id;  // UUID
  std::int64_t ordinal = 0;
  std::string name, mime;
  std::optional<File> file;         // of kind file
  std::optional<std::string> text;  // of kind text
  std::optional<json::Value> data;  // of kind data
  std::optional<std::string> url;   // still to be fetched by its source
  std::string sha256;               // of the bytes, the text, or the JSON as it was written; empty for a URL
};

// A step before this one that has run for this item.
struct Before {
  std::string id, uses;
  json::Value value;
  std::vector<File> files;
};

// How an execution ended, for the steps that run after that.
struct Ending {
  std::string state;  // "COMPLETED"
  std::optional<std::string> error;
  std::int64_t items = 0, succeeded = 0;
  Time ended_at;
};

// One run of one step for one item. Everything is owned; `store` outlives it.
struct Call {
  ExecutionId execution;
  OrganisationId organisation;
  AccountId payer;
  WorkflowId workflow;
  std::string workflow_name, workflow_type;
  std::string step, uses;
  Item item;
  json::Object with;           // filled in
  json::Object input;          // what the caller sent as input_data
  json::Value pin;             // what pin() recorded; null: nothing
  std::vector<Before> before;  // all that this step needs, nearest first
  std::size_t direct = 0;      // the first so many of them stand in its `needs`
  std::vector<File> files;     // all that this item may be worked with
  std::string token;           // "execution:item:step": the same at every attempt
  int attempt = 1;
  std::optional<Ending> ending;  // of a leaf
  std::uint64_t max_file_bytes = 0;
  Time deadline;
  blob::Store* store = nullptr;

  // The file that a value of `with` names: as templates give it, or by its sha256. Only files of this item.
  std::optional<File> file_of(const json::Value& value) const;
  // What a step without an explicit input reads: the nearest of its kind among the steps before, else the item.
  std::optional<File> nearest_file() const;         // a step's only file, or a member that is one
  std::optional<std::string> nearest_text() const;  // a step's member `text`; the item's text
  // The output of the nearest step that is not a source; else the item's JSON, or its text.
  json::Value nearest_data() const;
  Result<std::shared_ptr<const blob::Reader>> open(const File& file) const;
  // The whole file. Faults: not_found, body_too_large with `limit`.
  Result<std::string> read(const File& file, std::uint64_t most) const;
};

// What goes in or comes out, for `type_mismatch`.
enum class Media : std::uint8_t { any, text, data, audio, image, video, document };
std::string_view to_string(Media media);
// Of a MIME type or pattern ("audio/*").
Media media_of(std::string_view mime);

// source: makes items. work: anything between. sink: an end that shows outside. leaf: runs once after the end of the
// execution, whatever that was; a fault that says `again` is tried again, at most ten times, and changes nothing else.
enum class Role : std::uint8_t { source, work, sink, leaf };

struct About {
  std::string name;     // "text.extract"
  std::string summary;  // one sentence
  Role role = Role::work;
  json::Object with;                 // JSON Schema of `with`; templates may stand wherever a text may
  std::vector<std::string> outputs;  // members of the output that templates may name; empty: any
  std::vector<Media> takes;          // empty: nothing, or anything
  std::vector<Media> gives;          // empty: JSON of its own
  bool secrets = false;              // {"secret": ...} may stand in its credentials and headers
  bool lasting = false;              // takes time or shows outside: its start is written down, and its output at once
  bool metered = false;              // its price shows at the end (tokens)
};

// What a check at save time may look at.
struct Checking {
  sql::Tx& tx;
  OrganisationId organisation;
  AccountId payer;
  const Definition& definition;
  const Step& step;
  Path path;  // of `with`
  Problems& problems;
};

// What pin() may look at.
struct Pinning {
  sql::Tx& tx;
  OrganisationId organisation;
  AccountId payer;
  const json::Object& with;  // as it was saved: templates are not filled in
};

// Items that a connector listed.
struct Listed {
  std::vector<Item> items;
};
using ListResult = std::variant<Listed, StepFault>;

// Thread-safe; lives as long as the catalogue.
class StepKind {
 public:
  virtual ~StepKind() = default;
  virtual const About& about() const = 0;

  // Why this server cannot do it now; nullopt: it can. `with` as it was saved; empty in the catalogue.
  virtual std::optional<std::string> unavailable(const json::Object& with) const;
  // Rules that the JSON Schema of `with` does not say. The schema has been checked.
  virtual void check(Checking& what) const;
  // The media that an item of this source, or the output of this step, is; of `with` as it was saved.
  virtual std::vector<Media> gives(const json::Object& with) const;

  // What one item costs; held at acceptance, captured with the output.
  virtual metering::Credits price(const Pinning& what) const;
  // What must stay the same for all items of the execution, and over restarts; null: nothing.
  virtual Result<json::Value> pin(const Pinning& what) const;

  // Sources whose items are not those of the request: what there is. `item` of the call is the execution's own.
  virtual bool lists() const { return false; }
  virtual ListResult list(const Call& call, std::stop_token stop);

  // Blocking; returns soon after `stop` was requested, with whatever. May be called again for the same token after a
  // crash, or when its output could not be committed. An exception fails the item as engine_failed.
  virtual StepResult run(const Call& call, std::stop_token stop) = 0;
};

}  // namespace toll::workflows
