#include "surfaces/deployments/endpoints/execute.h"

#include <fmt/format.h>

#include "base/text.h"
#include "surfaces/deployments/answers.h"

namespace toll::deployed {

namespace {

using workflows::Execution;
using workflows::State;

constexpr std::uint64_t least_json_limit = 10ull << 20;
constexpr std::array<std::string_view, 2> file_names{"file", "files[]"};

// Of a run, beside what the caller's entry knows.
struct RunEntry : Entry {
  Run run;
};

// The entry grows the run that it is for.
Run& run_of(Call& call) {
  return static_cast<RunEntry&>(entry(call)).run;
}

std::string documented_status(const Call& call, const Execution& execution) {
  return fmt::format("/deployment/{}/status/{}/?execution_id={}", place(call, 0), execution.id.value(),
                     execution.id.value());
}

std::string compat_status(const Call& call, const Execution& execution) {
  return fmt::format("/deployment/api/{}/{}/?execution_id={}", place(call, 0), place(call, 1), execution.id.value());
}

Result<void> read_and_prepare(Call& call, const api::MixedBody& body, bool compat) {
  auto grown = std::make_shared<RunEntry>();
  static_cast<Entry&>(*grown) = entry(call);
  auto& run = grown->run;
  run.order = TOLL_TRY(read_order(body, {compat, grown->takes_files, grown->most_files}));
  TOLL_TRY(prepare_run(call.house, *grown, run));
  call.kept = std::shared_ptr<Entry>(std::move(grown));
  return {};
}

http::Response documented_answer(Call& call, const Run& run) {
  const auto& execution = *run.execution;
  return json_answer(execution.ended() ? 200 : 202, response_json(execution, documented_status(call, execution),
                                                                  result_of(call, execution, run.order.include)));
}

// Whoever gets the result first has read it; if it cannot be sent, it has not.
bool claim(Call& call, const Execution& execution) {
  if (deployment(call).settings.compat_reread) return true;
  if (!call.house.executions.acknowledge(call.tx(), execution.id)) return false;
  call.served = [&house = call.house, id = execution.id](const http::Handler::Served& how) {
    if (!how.aborted) return;
    house.db.post_write([&house, id](sql::Tx& tx) { return house.executions.give_back(tx, id), true; },
                        [](std::exception_ptr) {});
  };
  return true;
}

http::Response compat_answer(Call& call, const Run& run) {
  const auto& execution = *run.execution;
  call.served = nullptr;  // of an earlier run
  const bool mine = execution.ended() && claim(call, execution);
  return json_answer(execution.state == State::error ? 422 : 200,
                     response_json(execution, compat_status(call, execution),
                                   mine ? result_of(call, execution, run.order.include) : json::Value()));
}

// The id in the query of the compatible path. Faults: invalid_request, execution_not_found.
Result<Execution> execution_of_query(Call& call) {
  const auto text = query(call, "execution_id");
  const json::Object nothing;
  Fields fields(nothing);
  if (text.empty())
    fields.refuse("execution_id", "required", "This field is required.");
  else if (!uuid(text))
    fields.refuse("execution_id", "invalid", "Invalid execution_id '" + text + "'. Must be a valid UUID.");
  TOLL_TRY(std::move(fields).done());
  return execution_of(call, deployment(call), text);
}

http::Response unknown_execution(std::string_view id) {
  const json::Object error{
      {"code", "error"}, {"detail", fmt::format("Execution with ID '{}' does not exist.", id)}, {"attr", nullptr}};
  return json_answer(404, json::Object{{"type", "client_error"}, {"errors", json::Array{error}}});
}

}  // namespace

api::FormLimits RunEndpoint::form_limits(const Call& call) {
  const auto& known = entry(call);
  api::FormLimits limits;
  limits.file_bytes = known.most_bytes;
  limits.file_field = "files";
  limits.most_files = static_cast<std::size_t>(known.most_files);
  limits.more_fields = file_names;
  return limits;
}

std::uint64_t RunEndpoint::body_limit(const Call& call) {
  return std::max(least_json_limit, entry(call).most_bytes / 3 * 4);
}

Result<void> RunEndpoint::take_up(Call& call, std::uint64_t bytes) {
  auto& share = entry(call).body;
  if (!share) share = std::make_shared<Budget::Share>(call.house.bodies);
  // A JSON text of small values takes several times its size once it is read.
  constexpr std::uint64_t read_factor = 4;
  if (!share->grow_to(bytes * read_factor)) return Fault(Reason::overloaded).retry_after(std::chrono::seconds(1));
  return {};
}

Result<void> Execute::prepare(Call& call, Request& in) {
  return read_and_prepare(call, in.body, false);
}

Result<http::Response> Execute::handle(Call& call, const Request&) {
  TOLL_TRY(accept_run(call, entry(call), run_of(call)));
  return documented_answer(call, run_of(call));
}

Result<http::Response> Execute::conclude(Call& call, const Request&) {
  TOLL_TRY(look_again(call, deployment(call), run_of(call)));
  return documented_answer(call, run_of(call));
}

Result<void> ExecuteCompat::prepare(Call& call, Request& in) {
  return read_and_prepare(call, in.body, true);
}

Result<http::Response> ExecuteCompat::handle(Call& call, const Request&) {
  TOLL_TRY(accept_run(call, entry(call), run_of(call)));
  return compat_answer(call, run_of(call));
}

Result<http::Response> ExecuteCompat::conclude(Call& call, const Request&) {
  TOLL_TRY(look_again(call, deployment(call), run_of(call)));
  return compat_answer(call, run_of(call));
}

Result<http::Response> GetStatus::handle(Call& call, const Request& in) {
  const auto include = TOLL_TRY(include_of(call));
  const auto execution = TOLL_TRY(execution_of(call, deployment(call), in.execution_id));
  return json_answer(200,
                     response_json(execution, documented_status(call, execution), result_of(call, execution, include)));
}

Result<http::Response> GetResult::handle(Call& call, const Request& in) {
  const auto include = TOLL_TRY(include_of(call));
  const auto execution = TOLL_TRY(execution_of(call, deployment(call), in.execution_id));
  if (execution.ended() && execution.expired(call.now)) return Reason::result_expired;
  auto response =
      json_answer(execution.ended() ? 200 : 202,
                  response_json(execution, documented_status(call, execution), result_of(call, execution, include)));
  if (!execution.ended()) response.fields.set("Retry-After", "1");
  return response;
}

Result<http::Response> CancelExecution::handle(Call& call, const Request& in) {
  const auto before = TOLL_TRY(execution_of(call, deployment(call), in.execution_id));
  const auto after = TOLL_TRY(call.house.executions.cancel(call.tx(), before));
  return json_answer(before.state == State::stopped ? 200 : 202,
                     response_json(after, documented_status(call, after), result_of(call, after, {})));
}

Result<http::Response> GetCompat::handle(Call& call, const Request&) {
  call.served = nullptr;  // of an earlier run
  const auto include = TOLL_TRY(include_of(call));
  const auto found = execution_of_query(call);
  if (!found && found.error().reason() == Reason::execution_not_found)
    return unknown_execution(query(call, "execution_id"));
  if (!found) return found.error();
  const auto& execution = *found;
  const bool again = deployment(call).settings.compat_reread;
  if (!execution.ended()) return json_answer(422, compat_json(execution, nullptr));
  if (execution.acknowledged_at && !again)
    return json_answer(406, compat_json(execution, "Result already acknowledged"));
  if (execution.expired(call.now)) return Reason::result_expired;
  if (call.request.method != Method::head && !claim(call, execution))
    return json_answer(406, compat_json(execution, "Result already acknowledged"));
  const bool fine = execution.state == State::completed || (again && execution.state == State::error);
  return json_answer(fine ? 200 : 422, compat_json(execution, result_of(call, execution, include)));
}

}  // namespace toll::deployed
