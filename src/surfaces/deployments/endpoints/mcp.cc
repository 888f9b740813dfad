#include "surfaces/deployments/endpoints/mcp.h"

#include <algorithm>
#include <map>

#include "base/text.h"
#include "surfaces/deployments/dialect.h"
#include "surfaces/deployments/page.h"
#include "surfaces/deployments/tools.h"

namespace toll::deployed {

namespace {

using deployments::Deployment;
using json::Array;
using json::Object;

constexpr std::size_t page_of_tools = 100, most_tools = 10'000;
constexpr int invalid_params = -32602;

enum class Scope { documented, compat, account };

// From admit() on; of a deployment's endpoint `entry` is that deployment.
struct McpEntry : Entry {
  Scope scope = Scope::documented;
  ToolCall tool;
};

McpEntry& mcp_entry(Call& call) {
  return static_cast<McpEntry&>(entry(call));
}

mcp::Server server_of(const Call& call) {
  return {call.house.version,
          "Tools run workflows that are deployed on this server. Read readMeFirst where it is listed."};
}

// Browsers say where a page comes from: only our own and the operator's may call.
Result<void> origin_allowed(const Call& call) {
  const auto origin = call.request.fields.find("Origin");
  if (!origin || *origin == origin_of(call.request, call.house.public_url) ||
      std::ranges::find(call.house.origins, *origin) != call.house.origins.end())
    return {};
  return Reason::role_required;
}

Result<void> admit_deployment(Call& call, Scope scope) {
  TOLL_TRY(scope == Scope::documented ? admit_documented(call, Use::read) : admit_compat(call, Use::read));
  TOLL_TRY(origin_allowed(call));
  auto grown = std::make_shared<McpEntry>();
  static_cast<Entry&>(*grown) = entry(call);
  grown->scope = scope;
  TOLL_TRY(find_workflow(call, *grown));
  call.kept = std::shared_ptr<Entry>(std::move(grown));
  return {};
}

// f in a transaction of its own, as call.tx().
template <class F>
auto in_write(Call& call, F f) {
  return call.house.db.write([&](sql::Tx& tx) {
    call.transaction = &tx;
    auto out = f();
    call.transaction = nullptr;
    return out;
  });
}
template <class F>
auto in_read(Call& call, F f) {
  return call.house.db.read([&](sql::Tx& tx) {
    call.transaction = &tx;
    auto out = f();
    call.transaction = nullptr;
    return out;
  });
}

void fail_tool(ToolCall& tool, const Fault& fault) {
  tool.result = mcp::tool_result(envelope(fault), true);
  tool.failed = true;
}

// A deployment that the account may use, under the name of its tool.
struct Named {
  std::string name;
  Deployment deployment;
  bool may_run = true;
};

std::vector<Named> named_tools(Call& call) {
  std::vector<Deployment> all;
  std::map<std::string, bool> runs;
  if (call.who->by_session()) {
    all = call.house.deployments.active_of(call.tx(), call.account(), 0, most_tools);
    for (const auto& one : call.house.organisations.of(call.tx(), call.account()))
      runs[one.id] = one.role != OrganisationRole::viewer;
  } else {
    all = call.house.deployments.active_in(call.tx(), workflows::OrganisationId(call.who->organisation), 0, most_tools);
    runs[call.who->organisation] = true;
  }
  std::map<std::string, int> names{{std::string(tools::get_status), 1},
                                   {std::string(tools::get_result), 1},
                                   {std::string(tools::cancel_execution), 1}};
  for (const auto& one : all) ++names[one.settings.api_name];
  std::vector<Named> out;
  for (auto& one : all) {
    auto name = one.settings.api_name;
    if (names[name] > 1) name += "_" + one.organisation.value().substr(0, 8);
    const bool may_run = runs[one.organisation.value()];
    out.push_back({std::move(name), std::move(one), may_run});
  }
  return out;
}

Result<Object> list_of_account(Call& call, const Object& params) {
  const auto* cursor = params.if_contains("cursor");
  std::size_t from = 0;
  if (cursor && !cursor->is_null()) {
    const auto text = cursor->is_string() ? from_base64url(cursor->get_string()) : std::nullopt;
    const auto at = text ? parse_int(*text) : std::nullopt;
    if (!at || *at < 0) return Reason::bad_cursor;
    from = static_cast<std::size_t>(*at);
  }
  const auto all = named_tools(call);
  auto rest = tools::of_executions();
  Array page;
  for (auto i = from; i < all.size() + rest.size() && page.size() < page_of_tools; ++i) {
    if (i >= all.size()) {
      page.push_back(rest[i - all.size()]);
      continue;
    }
    Entry one;
    one.deployment = all[i].deployment;
    TOLL_TRY(find_workflow(call, one));
    page.push_back(tools::run_tool(one, all[i].name));
  }
  Object out{{"tools", page}};
  if (from + page.size() < all.size() + rest.size()) out["nextCursor"] = base64url(std::to_string(from + page.size()));
  return out;
}

Result<workflows::Execution> find_execution(Call& call, const Object& arguments) {
  Fields fields(arguments);
  fields.require("execution_id");
  const auto text = fields.text("execution_id", 1, 64);
  TOLL_TRY(std::move(fields).done());
  auto& known = mcp_entry(call);
  if (known.scope != Scope::account) return execution_of(call, known.deployment, *text);
  const auto id = uuid(*text);
  if (!id) return Reason::execution_not_found;
  std::vector<std::string> organisations{call.who->organisation};
  if (call.who->by_session()) {
    organisations.clear();
    for (const auto& one : call.house.organisations.of(call.tx(), call.account())) organisations.push_back(one.id);
  }
  for (const auto& one : organisations)
    if (auto found = call.house.executions.find(call.tx(), workflows::OrganisationId(one), workflows::ExecutionId(*id)))
      return found;
  return Reason::execution_not_found;
}

// Whether the caller may change what the organisation runs.
bool may_run(Call& call, const workflows::OrganisationId& organisation) {
  if (!call.who->by_session()) return true;
  const auto found = call.house.organisations.find(call.tx(), organisation.value(), call.account());
  return found && found->role != OrganisationRole::viewer;
}

// The key stands in no result: the address of an execution is that of the compatible API.
std::string status_address(Call& call, const workflows::Execution& execution) {
  const auto deployment = call.house.deployments.find(call.tx(), execution.organisation, execution.deployment);
  return "/deployment/api/" + execution.organisation.value() + "/" +
         (deployment ? deployment->settings.api_name : std::string("-")) + "/?execution_id=" + execution.id.value();
}

Object execution_json(Call& call, const workflows::Execution& execution, const Include& include) {
  return response_json(execution, status_address(call, execution), result_of(call, execution, include));
}

Include include_of(const Object& arguments) {
  Fields fields(arguments);
  return {fields.boolean("include_metadata").value_or(false), fields.boolean("include_metrics").value_or(false),
          fields.boolean("include_extracted_text").value_or(false)};
}

Result<Object> read_execution(Call& call, std::string_view name, const Object& arguments) {
  const auto execution = TOLL_TRY(find_execution(call, arguments));
  if (name == tools::get_result && execution.ended() && execution.expired(call.now)) return Reason::result_expired;
  return execution_json(call, execution, include_of(arguments));
}

Result<Object> cancel(Call& call, const Object& arguments) {
  const auto execution = TOLL_TRY(find_execution(call, arguments));
  if (mcp_entry(call).scope == Scope::account && !may_run(call, execution.organisation)) return Reason::role_required;
  const auto after = TOLL_TRY(call.house.executions.cancel(call.tx(), execution));
  return execution_json(call, after, {});
}

// Counts, checks and accepts a run, each in a transaction of its own.
Result<void> start_run(Call& call, std::string_view name, const Object& arguments) {
  auto& tool = mcp_entry(call).tool;
  const auto& target = *tool.target;
  // What was counted stays, whether it refuses or not.
  Result<void> counted;
  in_write(call, [&] { return counted = count_run(call, target.deployment), true; });
  TOLL_TRY(std::move(counted));
  auto refuse = [&](const Fault& fault) {
    if (Dialect::row(fault.reason()).status < 500)
      in_write(call, [&] { return call.house.calls.rejected(call.tx(), target.deployment.id), true; });
    return fault;
  };
  auto body = tools::call_of(name, arguments);
  if (!body) return refuse(body.error());
  auto order = read_order(*body, {false, target.takes_files, target.most_files});
  if (!order) return refuse(order.error());
  if (name == tools::extract_document && !target.takes_files) {
    Fields fields(arguments);
    fields.refuse("document_urls", "files_not_accepted", "This workflow takes no files.");
    return refuse(std::move(fields).done().error());
  }
  tool.run.order = std::move(*order);
  if (auto ready = prepare_run(call.house, target, tool.run); !ready) return refuse(ready.error());
  auto accepted = in_write(call, [&] { return accept_run(call, target, tool.run); });
  if (!accepted) return refuse(accepted.error());
  return {};
}

Result<void> choose_target(Call& call, std::string_view name, bool& known) {
  auto& own = mcp_entry(call);
  known = true;
  if (own.scope != Scope::account) {
    known = name == tools::extract_document || (name == tools::execute_workflow && own.scope == Scope::documented);
    if (known) own.tool.target = static_cast<const Entry&>(own);
    return {};
  }
  return in_read(call, [&]() -> Result<void> {
    const auto all = named_tools(call);
    const auto found = std::ranges::find(all, name, &Named::name);
    known = found != all.end();
    if (!known) return {};
    if (!found->may_run) return Reason::role_required;
    TOLL_TRY(may_come(call, found->deployment));
    Entry target;
    target.deployment = found->deployment;
    TOLL_TRY(find_workflow(call, target));
    own.tool.target = std::move(target);
    return {};
  });
}

// The result of a tool that runs nothing; nullopt: there is no such tool.
std::optional<Result<Object>> quick_tool(Call& call, std::string_view name, const Object& arguments) {
  const auto& own = mcp_entry(call);
  const bool of_account = own.scope == Scope::account;
  if (!of_account && name == tools::read_me_first) return Result<Object>(tools::introduction(own));
  if (!of_account && name == tools::get_api_info) return Result<Object>(tools::information(own));
  if (name == tools::get_status || (name == tools::get_result && own.scope != Scope::compat))
    return in_read(call, [&] { return read_execution(call, name, arguments); });
  if (name == tools::cancel_execution && own.scope != Scope::compat)
    return in_write(call, [&] { return cancel(call, arguments); });
  return std::nullopt;
}

void call_tool(Call& call) {
  auto& tool = mcp_entry(call).tool;
  auto& message = tool.message;
  const auto* named = message.params.if_contains("name");
  const auto* given = message.params.if_contains("arguments");
  const bool shaped = named && named->is_string() && (!given || given->is_object() || given->is_null());
  if (!shaped)
    return void(message.answer = mcp::fail(message, invalid_params, "tools/call takes a name and arguments"));
  const std::string name(named->get_string());
  const auto arguments = given && given->is_object() ? given->get_object() : Object();
  if (auto quick = quick_tool(call, name, arguments)) {
    if (!*quick) return fail_tool(tool, quick->error());
    return void(tool.result = mcp::tool_result(std::move(**quick), false));
  }
  bool known = false;
  if (auto chosen = choose_target(call, name, known); !chosen) return fail_tool(tool, chosen.error());
  if (!known) return void(message.answer = mcp::fail(message, invalid_params, "Unknown tool: " + name));
  if (auto started = start_run(call, name, arguments); !started) fail_tool(tool, started.error());
}

Result<void> prepare_message(Call& call, const api::WholeBody& body) {
  auto& tool = mcp_entry(call).tool;
  tool.message = mcp::read(call.request, *body.bytes, server_of(call));
  if (!tool.message.answer && tool.message.method == "tools/call") call_tool(call);
  return {};
}

http::Response list_answer(Call& call) {
  auto& own = mcp_entry(call);
  const auto& message = own.tool.message;
  if (own.scope != Scope::account)
    return mcp::finish(message, server_of(call), {{"tools", tools::of_deployment(own, own.scope == Scope::documented)}},
                       true);
  auto list = list_of_account(call, message.params);
  if (!list) return mcp::fail(message, invalid_params, "The cursor is not one of ours");
  return mcp::finish(message, server_of(call), std::move(*list), true);
}

http::Response answer(Call& call) {
  auto& tool = mcp_entry(call).tool;
  const auto& message = tool.message;
  if (message.answer) return *message.answer;
  if (message.method == "tools/list") return list_answer(call);
  if (tool.result) return mcp::finish(message, server_of(call), *tool.result);
  return mcp::finish(message, server_of(call),
                     mcp::tool_result(execution_json(call, *tool.run.execution, tool.run.order.include), false));
}

// A run is looked at until it has ended or its time is up.
Result<http::Response> look_and_answer(Call& call) {
  auto& tool = mcp_entry(call).tool;
  if (tool.run.execution) {
    TOLL_TRY(look_again(call, tool.target->deployment, tool.run));
    if (call.linger) return http::Response();
  }
  return answer(call);
}

}  // namespace

Result<void> McpOfKey::admit(Call& call) {
  return admit_deployment(call, Scope::documented);
}
Result<void> McpOfKey::prepare(Call& call, Request& in) {
  return prepare_message(call, in.body);
}
Result<http::Response> McpOfKey::handle(Call& call, const Request&) {
  return look_and_answer(call);
}
Result<http::Response> McpOfKey::conclude(Call& call, const Request&) {
  return look_and_answer(call);
}

Result<void> McpOfName::admit(Call& call) {
  return admit_deployment(call, Scope::compat);
}
Result<void> McpOfName::prepare(Call& call, Request& in) {
  return prepare_message(call, in.body);
}
Result<http::Response> McpOfName::handle(Call& call, const Request&) {
  return look_and_answer(call);
}
Result<http::Response> McpOfName::conclude(Call& call, const Request&) {
  return look_and_answer(call);
}

Result<void> no_deployment_key(const identity::Principal& who) {
  if (!who.deployment.empty()) return Reason::bad_key;
  return {};
}

Result<void> McpOfAccount::admit(Call& call) {
  TOLL_TRY(key_allowed(call));
  TOLL_TRY(origin_allowed(call));
  auto grown = std::make_shared<McpEntry>();
  grown->scope = Scope::account;
  call.kept = std::shared_ptr<Entry>(std::move(grown));
  return {};
}
Result<void> McpOfAccount::prepare(Call& call, Request& in) {
  return prepare_message(call, in.body);
}
Result<http::Response> McpOfAccount::handle(Call& call, const Request&) {
  return look_and_answer(call);
}
Result<http::Response> McpOfAccount::conclude(Call& call, const Request&) {
  return look_and_answer(call);
}

}  // namespace toll::deployed
