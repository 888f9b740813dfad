#include "surfaces/deployments/deployment_body.h"

#include <boost/json/serialize.hpp>

#include <algorithm>

#include "base/text.h"
#include "identity/address_rules.h"

namespace toll::deployed {

namespace {

constexpr std::size_t longest_rule = 64, most_parameter_bytes = 64 * 1024;
constexpr std::int64_t longest_key_days = 3650;

bool plain_name(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '_';
  });
}

// "<b", "</b", "<!--": what a browser would take for markup.
bool has_markup(std::string_view text) {
  for (auto at = text.find('<'); at != text.npos; at = text.find('<', at + 1)) {
    const char next = at + 1 < text.size() ? text[at + 1] : ' ';
    if ((next >= 'a' && next <= 'z') || (next >= 'A' && next <= 'Z') || next == '/' || next == '!' || next == '?')
      return true;
  }
  return false;
}

std::optional<std::vector<std::string>> addresses(Fields& fields) {
  auto list = fields.texts("allowed_ips", deployments::most_allowed_ips, longest_rule);
  if (!list) return std::nullopt;
  bool fine = true;
  for (std::size_t i = 0; i < list->size(); ++i)
    if (const auto why = identity::address_rule_problem((*list)[i])) {
      fields.refuse_at({std::string("allowed_ips"), static_cast<std::int64_t>(i)}, "invalid",
                       "\"" + (*list)[i] + "\" " + *why + ".");
      fine = false;
    }
  return fine ? list : std::nullopt;
}

void read_workflow(Call& call, Fields& fields, deployments::Settings& out,
                   std::optional<workflows::Type>& of_workflow) {
  const auto text = fields.text("workflow", 1, 64);
  if (!text) return;
  const auto id = uuid(*text);
  if (!id) return fields.refuse("workflow", "invalid", "Must be a valid UUID.");
  const auto found = call.house.workflows.get(call.tx(), membership(call).id, workflows::WorkflowId(*id));
  if (!found) return fields.refuse("workflow", "does_not_exist", "Invalid pk \"" + *id + "\" - object does not exist.");
  out.workflow = workflows::WorkflowId(*id);
  of_workflow = found->definition.type;
}

void read_type(Fields& fields, const std::optional<workflows::Type>& otherwise, deployments::Settings& out) {
  const auto text = fields.text("deployment_type", 1, 64);
  if (!text) {
    if (otherwise) out.type = *otherwise;
    return;
  }
  if (const auto type = workflows::type_from(*text))
    out.type = *type;
  else
    fields.refuse("deployment_type", "invalid_choice", "\"" + *text + "\" is not a valid choice.");
}

void read_limits(Call& call, Fields& fields, deployments::Settings& out) {
  const auto given = fields.object("limits");
  if (!given) return;
  const auto& caps = call.house.workflows.caps();
  auto one = [&](std::string_view name, std::int64_t most, std::optional<std::int64_t>& into) {
    const auto* value = given->if_contains(name);
    into.reset();
    if (!value || value->is_null()) return;
    std::string code, sentence;
    if (!value->is_int64())
      fields.refuse_at({std::string("limits"), std::string(name)}, "invalid", "A valid integer is required.");
    else if (value->get_int64() < 1)
      fields.refuse_at({std::string("limits"), std::string(name)}, "min_value",
                       "Ensure this value is greater than or equal to 1.");
    else if (value->get_int64() > most)
      fields.refuse_at({std::string("limits"), std::string(name)}, "max_value",
                       "Ensure this value is less than or equal to " + std::to_string(most) + ".");
    else
      into = value->get_int64();
  };
  one("max_file_mb", caps.max_file_mb, out.limits.max_file_mb);
  one("max_files", caps.max_files, out.limits.max_files);
  one("timeout_s", caps.timeout_s, out.limits.timeout_s);
}

void read_name(Fields& fields, bool fresh, deployments::Settings& out) {
  if (fresh) fields.require("api_name");
  const auto name = fields.text("api_name", 1, 64);
  if (!name) return;
  if (plain_name(*name))
    out.api_name = *name;
  else
    fields.refuse("api_name", "invalid", "Only letters, digits, hyphens and underscores are allowed.");
}

void read_texts(Fields& fields, bool fresh, deployments::Settings& out) {
  if (const auto name = fields.text("display_name", 0, 64)) out.display_name = *name;
  if (fresh && out.display_name.empty()) out.display_name = out.api_name;
  if (const auto text = fields.text("description", 0, 255)) out.description = *text;
  for (const auto& [name, text] :
       {std::pair("display_name", &out.display_name), std::pair("description", &out.description)})
    if (has_markup(*text)) fields.refuse(name, "invalid", "HTML tags are not allowed.");
}

}  // namespace

Result<void> read_deployment(Call& call, const json::Object& body, bool fresh, deployments::Settings& out) {
  Fields fields(body);
  read_name(fields, fresh, out);
  if (fresh) fields.require("workflow");
  std::optional<workflows::Type> of_workflow;
  read_workflow(call, fields, out, of_workflow);
  read_type(fields, fresh ? of_workflow : std::nullopt, out);
  read_texts(fields, fresh, out);
  if (const auto active = fields.boolean("is_active")) out.active = *active;
  if (const auto rate = fields.integer("rate_limit_per_minute", deployments::least_rate, deployments::most_rate))
    out.rate_limit = *rate;
  if (auto list = addresses(fields)) out.allowed_ips = std::move(*list);
  if (const auto enough = fields.boolean("allow_path_key")) out.allow_path_key = *enough;
  read_limits(call, fields, out);
  if (auto parameters = fields.object("parameters")) {
    if (boost::json::serialize(*parameters).size() > most_parameter_bytes)
      fields.refuse("parameters", "max_length", "Ensure this field has no more than 64 KiB.");
    out.parameters = std::move(*parameters);
  }
  if (const auto ttl = fields.integer("result_ttl_s", deployments::shortest_ttl, deployments::longest_ttl))
    out.result_ttl_s = *ttl;
  if (const auto again = fields.boolean("compat_reread")) out.compat_reread = *again;
  if (fresh) {
    identity::OrganisationKeySettings key;
    read_key(fields, "key_name", false, call.now, key);
  }
  return std::move(fields).done();
}

void read_key(Fields& fields, std::string_view name_field, bool with_addresses, Time now,
              identity::OrganisationKeySettings& out) {
  if (const auto name = fields.text(name_field, 1, identity::max_organisation_key_name)) out.name = *name;
  const auto days = fields.integer("expires_in_days", 1, longest_key_days);
  const auto at = fields.time("expires_at");
  if (days && at) fields.refuse("expires_at", "invalid", "Give expires_at or expires_in_days, not both.");
  if (days) out.expires_at = now + std::chrono::hours(24) * *days;
  if (at) out.expires_at = at;
  if (fields.null("expires_at")) out.expires_at.reset();
  if (with_addresses)
    if (auto list = addresses(fields)) out.allowed_ips = std::move(*list);
}

}  // namespace toll::deployed
