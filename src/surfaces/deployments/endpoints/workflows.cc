#include "surfaces/deployments/endpoints/workflows.h"

#include "base/text.h"
#include "surfaces/deployments/answers.h"
#include "surfaces/deployments/dialect.h"
#include "surfaces/deployments/fields.h"
#include "surfaces/deployments/result.h"

namespace toll::deployed {

namespace {

workflows::Owner owner(const Call& call) {
  return {membership(call).id, membership(call).payer};
}

Result<workflows::WorkflowId> workflow_id(std::string_view text) {
  const auto plain = uuid(text);
  if (!plain) return Reason::workflow_not_found;
  return workflows::WorkflowId(*plain);
}

Result<workflows::Execution> execution_of_organisation(Call& call, std::string_view id) {
  const auto plain = uuid(id);
  if (!plain) return Reason::execution_not_found;
  return call.house.executions.find(call.tx(), membership(call).id, workflows::ExecutionId(*plain));
}

std::string_view role_name(workflows::Role role) {
  switch (role) {
    case workflows::Role::source:
      return "source";
    case workflows::Role::work:
      return "work";
    case workflows::Role::sink:
      return "sink";
    case workflows::Role::leaf:
      return "leaf";
  }
  return "work";
}

json::Object step_json(Call& call, const workflows::StepKind& kind) {
  const auto& about = kind.about();
  const json::Object nothing;
  const auto why = kind.unavailable(nothing);
  json::Object out{{"name", about.name},
                   {"summary", about.summary},
                   {"role", role_name(about.role)},
                   {"with", about.with},
                   {"outputs", json::Array(about.outputs.begin(), about.outputs.end())},
                   {"available", !why.has_value()},
                   {"unavailable_reason", nullptr},
                   {"metered", about.metered},
                   {"price_micro", 0}};
  if (why)
    out["unavailable_reason"] = *why;
  else
    out["price_micro"] = kind.price({call.tx(), membership(call).id, membership(call).payer, nothing}).micros;
  return out;
}

}  // namespace

Result<json::Value> CreateWorkflow::handle(Call& call, const Request& in) {
  const auto body = TOLL_TRY(object_of(in.body));
  return json::Value(workflows::write_workflow(TOLL_TRY(call.house.workflows.create(call.tx(), owner(call), body))));
}

Result<json::Value> ListWorkflows::handle(Call& call, const Request&) {
  const auto which = TOLL_TRY(paging(call));
  workflows::Listing listing;
  listing.offset = which.offset();
  listing.limit = which.limit();
  if (const auto type = query(call, "type"); !type.empty()) listing.type = workflows::type_from(type);
  if (const auto text = query(call, "search"); !text.empty()) listing.search = text;
  const auto found = call.house.workflows.list(call.tx(), membership(call).id, listing);
  std::vector<json::Value> results;
  for (const auto& one : found.workflows) results.emplace_back(workflows::write_workflow(one));
  return json::Value(page_json(TOLL_TRY(page(call, which, found.count, std::move(results)))));
}

Result<json::Value> GetWorkflow::handle(Call& call, const Request& in) {
  const auto id = TOLL_TRY(workflow_id(in.id));
  return json::Value(workflows::write_workflow(TOLL_TRY(call.house.workflows.get(call.tx(), membership(call).id, id))));
}

Result<json::Value> PutWorkflow::handle(Call& call, const Request& in) {
  const auto id = TOLL_TRY(workflow_id(in.id));
  const auto body = TOLL_TRY(object_of(in.body));
  return json::Value(
      workflows::write_workflow(TOLL_TRY(call.house.workflows.replace(call.tx(), owner(call), id, body))));
}

Result<json::Value> PatchWorkflow::handle(Call& call, const Request& in) {
  const auto id = TOLL_TRY(workflow_id(in.id));
  const auto body = TOLL_TRY(object_of(in.body));
  return json::Value(workflows::write_workflow(TOLL_TRY(call.house.workflows.patch(call.tx(), owner(call), id, body))));
}

Result<http::Response> DeleteWorkflow::handle(Call& call, const Request& in) {
  TOLL_TRY(call.house.workflows.remove(call.tx(), membership(call).id, TOLL_TRY(workflow_id(in.id))));
  return no_content();
}

Result<json::Value> ValidateWorkflow::handle(Call& call, const Request& in) {
  const auto body = TOLL_TRY(object_of(in.body));
  const auto valid = call.house.workflows.validate(call.tx(), owner(call), body);
  if (valid) return json::Value(json::Object{{"valid", true}, {"errors", json::Array()}});
  if (valid.error().reason() != Reason::invalid_request) return valid.error();
  return json::Value(json::Object{{"valid", false}, {"errors", envelope(valid.error()).at("errors")}});
}

Result<json::Value> ListSteps::handle(Call& call, const Request&) {
  json::Array out;
  for (const auto* kind : call.house.workflows.catalogue().all()) out.push_back(step_json(call, *kind));
  return json::Value(std::move(out));
}

Result<json::Value> ListSecrets::handle(Call& call, const Request&) {
  const auto which = TOLL_TRY(paging(call));
  const auto names = call.house.secrets.names(call.tx(), membership(call).id);
  std::vector<json::Value> results;
  for (auto i = which.offset(); i < names.size() && results.size() < which.limit(); ++i)
    results.emplace_back(json::Object{{"name", names[i]}});
  return json::Value(
      page_json(TOLL_TRY(page(call, which, static_cast<std::int64_t>(names.size()), std::move(results)))));
}

Result<http::Response> PutSecret::handle(Call& call, const Request& in) {
  const auto body = TOLL_TRY(object_of(in.body));
  Fields fields(body);
  fields.require("value");
  const auto value = fields.text("value", 1, workflows::Secrets::most_bytes);
  TOLL_TRY(std::move(fields).done());
  TOLL_TRY(call.house.secrets.put(call.tx(), membership(call).id, in.name, *value));
  identity::audit(call.tx(), call.now, call.actor(),
                  {"secret.put", "organisation:" + membership(call).id.value(), in.name});
  return no_content();
}

Result<http::Response> DeleteSecret::handle(Call& call, const Request& in) {
  TOLL_TRY(call.house.secrets.remove(call.tx(), membership(call).id, in.name));
  identity::audit(call.tx(), call.now, call.actor(),
                  {"secret.delete", "organisation:" + membership(call).id.value(), in.name});
  return no_content();
}

Result<json::Value> ListExecutions::handle(Call& call, const Request&) {
  const auto which = TOLL_TRY(paging(call));
  workflows::ListExecutions listing;
  listing.organisation = membership(call).id;
  listing.offset = which.offset();
  listing.limit = which.limit();
  if (const auto id = query(call, "deployment"); !id.empty()) listing.deployment = workflows::DeploymentId(lower(id));
  bool none = false;
  if (const auto status = query(call, "status"); !status.empty()) {
    listing.state = workflows::state_from(status);
    none = !listing.state.has_value();
  }
  const auto found = none ? workflows::ExecutionPage() : call.house.executions.list(call.tx(), listing);
  std::vector<json::Value> results;
  for (const auto& one : found.executions) results.emplace_back(history_json(one));
  return json::Value(page_json(TOLL_TRY(page(call, which, found.count, std::move(results)))));
}

Result<json::Value> GetExecution::handle(Call& call, const Request& in) {
  const auto execution = TOLL_TRY(execution_of_organisation(call, in.id));
  const auto items = call.house.executions.items(call.tx(), execution);
  if (!items) return json::Value(history_json(execution, {}));
  return json::Value(history_json(execution, *items));
}

Result<http::Response> StopExecution::handle(Call& call, const Request& in) {
  const auto before = TOLL_TRY(execution_of_organisation(call, in.id));
  const auto after = TOLL_TRY(call.house.executions.cancel(call.tx(), before));
  return json_answer(before.state == workflows::State::stopped ? 200 : 202, history_json(after));
}

}  // namespace toll::deployed
