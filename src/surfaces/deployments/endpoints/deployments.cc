#include "surfaces/deployments/endpoints/deployments.h"

#include <fmt/format.h>

#include "base/text.h"
#include "deployments/usage.h"
#include "surfaces/deployments/answers.h"
#include "surfaces/deployments/deployment_body.h"

namespace toll::deployed {

namespace {

using deployments::Deployment;

constexpr std::size_t last_runs = 5;

std::string workflow_name(Call& call, const Deployment& deployment) {
  const auto workflow = call.house.workflows.get(call.tx(), deployment.organisation, deployment.settings.workflow);
  return workflow ? workflow->definition.name : std::string();
}

Surroundings around(Call& call, const Deployment& deployment) {
  Surroundings out{workflow_name(call, deployment), {}};
  const auto runs = call.house.executions.list(
      call.tx(), {.organisation = {}, .deployment = deployment.id, .state = {}, .offset = 0, .limit = last_runs});
  for (const auto& run : runs.executions) out.last_runs.push_back(run.state);
  return out;
}

DeploymentView shown(Call& call, const Deployment& deployment) {
  return view(deployment, around(call, deployment));
}

std::optional<std::int64_t> parse_date(std::string_view text) {
  const auto time = parse_time(std::string(text) + "T00:00:00Z");
  if (!time || text.size() != 10) return std::nullopt;
  return deployments::day_of(*time);
}

std::string date(std::int64_t day) {
  return iso(from_micros(day * 86'400 * 1'000'000)).substr(0, 10);
}

struct Period {
  std::int64_t first = 0, last = 0;
};

Result<Period> period(const Call& call) {
  const auto today = deployments::day_of(call.now);
  const auto days = query(call, "days"), from = query(call, "from"), to = query(call, "to");
  const json::Object nothing;
  Fields fields(nothing);
  Period out{today - 29, today};
  if (!days.empty()) {
    const auto count = parse_int(days);
    if (!count)
      fields.refuse("days", "invalid", "A valid integer is required.");
    else if (*count < 1)
      fields.refuse("days", "min_value", "Ensure this value is greater than or equal to 1.");
    else if (*count > deployments::longest_period)
      fields.refuse("days", "max_value", "Ensure this value is less than or equal to 365.");
    else
      out.first = today - *count + 1;
  }
  auto read = [&](std::string_view name, const std::string& text, std::int64_t& into) {
    if (text.empty()) return;
    const auto day = parse_date(text);
    if (day)
      into = *day;
    else
      fields.refuse(name, "invalid", "Date has wrong format. Use YYYY-MM-DD.");
  };
  read("to", to, out.last);
  if (!to.empty() && from.empty() && days.empty()) out.first = out.last - 29;
  read("from", from, out.first);
  if (fields.ok() && (out.first > out.last || out.last - out.first >= deployments::longest_period))
    fields.refuse("from", "invalid", "The period must have 1 to 365 days.");
  TOLL_TRY(std::move(fields).done());
  return out;
}

json::Value millis(const std::optional<Micros>& time) {
  if (!time) return nullptr;
  return static_cast<double>(time->count()) / 1000;
}

struct Times {
  json::Value p50, p95, p99;
};

Times times_of(const std::optional<deployments::Percentiles>& times) {
  if (!times) return {};
  return {millis(times->p50), millis(times->p95), millis(times->p99)};
}

json::Object tokens_of(const deployments::Usage& usage) {
  json::Array models;
  for (const auto& one : usage.models)
    models.push_back(json::Object{{"model", one.model},
                                  {"calls", one.calls},
                                  {"prompt", one.prompt},
                                  {"completion", one.completion},
                                  {"total", one.prompt + one.completion}});
  const auto& total = usage.total;
  return {{"prompt", total.prompt_tokens},
          {"completion", total.completion_tokens},
          {"total", total.prompt_tokens + total.completion_tokens},
          {"by_model", std::move(models)}};
}

json::Object day_json(const deployments::DayUsage& day) {
  const auto times = times_of(day.times);
  return {{"date", date(day.day)},
          {"requests", day.requests},
          {"errors", day.errors},
          {"error_rate", day.error_rate()},
          {"prompt_tokens", day.prompt_tokens},
          {"completion_tokens", day.completion_tokens},
          {"p50", times.p50},
          {"p95", times.p95},
          {"p99", times.p99}};
}

json::Value usage_json(const Deployment& deployment, const Period& period, const deployments::Usage& usage) {
  const auto& total = usage.total;
  const auto times = times_of(total.times);
  json::Array daily;
  for (const auto& day : usage.days) daily.push_back(day_json(day));
  return json::Object{{"deployment", deployment.id.value()},
                      {"period_start", date(period.first)},
                      {"period_end", date(period.last)},
                      {"requests", total.requests},
                      {"rejected", total.rejected},
                      {"throttled", total.throttled},
                      {"executions", total.completed + total.errors + total.stopped},
                      {"completed", total.completed},
                      {"errors", total.errors},
                      {"stopped", total.stopped},
                      {"error_rate", total.error_rate()},
                      {"tokens", tokens_of(usage)},
                      {"execution_time_ms", json::Object{{"mean", millis(usage.mean)},
                                                         {"p50", times.p50},
                                                         {"p95", times.p95},
                                                         {"p99", times.p99},
                                                         {"max", millis(usage.max)}}},
                      {"cost_micro", usage.cost_micro},
                      {"daily", std::move(daily)}};
}

}  // namespace

Result<Deployment> deployment_of(Call& call, std::string_view id) {
  const auto plain = uuid(id);
  auto found = plain ? call.house.deployments.find(call.tx(), membership(call).id, workflows::DeploymentId(*plain))
                     : std::nullopt;
  if (!found) return Reason::not_found;
  return std::move(*found);
}

Result<CreateDeployment::Response> CreateDeployment::handle(Call& call, const Request& in) {
  const auto body = TOLL_TRY(object_of(in.body));
  deployments::Settings settings;
  TOLL_TRY(read_deployment(call, body, true, settings));
  identity::OrganisationKeySettings key;
  key.name = settings.api_name;
  Fields fields(body);
  read_key(fields, "key_name", false, call.now, key);
  const auto& member = membership(call);
  const auto made = TOLL_TRY(call.house.deployments.create(call.tx(), member.id, settings, call.actor()));
  const auto fresh = TOLL_TRY(
      call.house.keys.create(call.tx(), {member.id.value(), member.payer, made.id.value()}, key, call.actor()));
  return Response{shown(call, made), fresh.key.id.value(), fresh.secret};
}

Result<ListDeployments::Response> ListDeployments::handle(Call& call, const Request&) {
  const auto which = TOLL_TRY(paging(call));
  deployments::Listing listing;
  listing.offset = which.offset();
  listing.limit = which.limit();
  if (const auto workflow = query(call, "workflow"); !workflow.empty())
    listing.workflow = workflows::WorkflowId(lower(workflow));
  if (const auto name = query(call, "api_name"); !name.empty()) listing.api_name = name;
  if (const auto text = query(call, "search"); !text.empty()) listing.search = text;
  const auto found = call.house.deployments.list(call.tx(), membership(call).id, listing);
  std::vector<DeploymentView> results;
  for (const auto& one : found.deployments) results.push_back(shown(call, one));
  return page(call, which, found.count, std::move(results));
}

Result<GetDeployment::Response> GetDeployment::handle(Call& call, const Request& in) {
  return shown(call, TOLL_TRY(deployment_of(call, in.id)));
}

Result<PutDeployment::Response> PutDeployment::handle(Call& call, const Request& in) {
  const auto known = TOLL_TRY(deployment_of(call, in.id));
  const auto body = TOLL_TRY(object_of(in.body));
  const auto change = [&](deployments::Settings& out) { return read_deployment(call, body, false, out); };
  const auto changed =
      TOLL_TRY(call.house.deployments.update(call.tx(), membership(call).id, known.id, change, call.actor()));
  return shown(call, changed);
}

Result<http::Response> DeleteDeployment::handle(Call& call, const Request& in) {
  const auto known = TOLL_TRY(deployment_of(call, in.id));
  call.house.executions.cancel_all(call.tx(), known.id);
  call.house.keys.remove_of_deployment(call.tx(), membership(call).id.value(), known.id.value(), call.actor());
  TOLL_TRY(call.house.deployments.remove(call.tx(), membership(call).id, known.id, call.actor()));
  return no_content();
}

Result<json::Value> GetUsage::handle(Call& call, const Request& in) {
  const auto known = TOLL_TRY(deployment_of(call, in.id));
  const auto which = TOLL_TRY(period(call));
  return usage_json(known, which, deployments::usage_of(call.tx(), known.id, which.first, which.last));
}

}  // namespace toll::deployed
