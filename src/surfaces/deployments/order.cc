#include "surfaces/deployments/order.h"

#include <algorithm>

namespace toll::deployed {

namespace {

bool is_tag(std::string_view text) {
  auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return !text.empty() && text.size() <= 255 && letter(text.front()) &&
         std::ranges::all_of(text, [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '_'; });
}

// A form as an object: the last value of a name counts, but of URLs all of them.
json::Object object_of(const api::Form& form) {
  json::Object out;
  json::Array urls;
  for (const auto& [name, value] : form.texts) {
    if (name != "presigned_urls") {
      out[name] = value;
      continue;
    }
    auto list = json::parse(value);
    if (list && list->is_array())
      urls.insert(urls.end(), list->get_array().begin(), list->get_array().end());
    else if (!value.empty())
      urls.emplace_back(value);
  }
  if (!urls.empty()) out["presigned_urls"] = std::move(urls);
  return out;
}

void read_tag(Fields& fields, const json::Object& body, ReadOrder& out) {
  const auto* given = body.if_contains("tags");
  std::string tag;
  if (given && given->is_array()) {
    const auto list = fields.texts("tags", 1, 255);
    if (list && !list->empty()) tag = list->front();
  } else if (const auto text = fields.text("tags", 0, 255)) {
    tag = *text;
  }
  if (tag.find(',') != tag.npos)
    fields.refuse("tags", "invalid", "Only one tag is allowed.");
  else if (!tag.empty() && !is_tag(tag))
    fields.refuse("tags", "invalid", "A tag begins with a letter and has letters, digits, hyphens and underscores.");
  else
    out.tag = std::move(tag);
}

// Files of the original system's API: as many as it takes, and at least one.
void count_files(Fields& fields, const ReadOrder& out, std::size_t beyond, const Demands& demands) {
  const auto count = out.files.size() + out.presigned_urls.size() + beyond;
  const auto most = static_cast<std::size_t>(demands.most_files);
  const bool as_before = demands.compat && demands.takes_files && !out.has_input;
  const auto allowed = as_before ? std::min(most, most_files_of_compat) : most;
  if (!demands.takes_files && count > 0)
    fields.refuse(out.files.empty() && beyond == 0 ? "presigned_urls" : "files", "files_not_accepted",
                  "This workflow takes no files.");
  else if (as_before && count == 0)
    fields.refuse("non_field_errors", "invalid", "You must provide at least one file or presigned URL.");
  else if (count > allowed)
    fields.refuse(
        "non_field_errors", "invalid",
        "You can upload a maximum of " + std::to_string(allowed) + " files in total (uploaded or via presigned URLs).");
}

ReadOrder read_fields(Fields& fields, const json::Object& body) {
  ReadOrder out;
  out.has_input = fields.has("input_data");
  if (auto data = fields.object("input_data")) out.input_data = std::move(*data);
  if (auto parameters = fields.object("parameters")) out.parameters = std::move(*parameters);
  if (auto data = fields.object("custom_data", "custom_data must be a JSON object")) out.custom_data = std::move(*data);
  if (auto urls = fields.texts("presigned_urls", 1000, longest_url)) out.presigned_urls = std::move(*urls);
  out.timeout = fields.integer("timeout", -1, longest_wait).value_or(-1);
  out.include.metadata = fields.boolean("include_metadata").value_or(false);
  out.include.metrics = fields.boolean("include_metrics").value_or(false);
  out.include.text = fields.boolean("include_extracted_text").value_or(false);
  out.use_history = fields.boolean("use_file_history").value_or(false);
  read_tag(fields, body, out);
  for (const auto* name : {"llm_profile_id", "hitl_queue_name", "hitl_packet_id"})
    if (const auto text = fields.text(name, 0, 1000); text && !text->empty())
      fields.refuse(name, "invalid", "This server has no such feature.");
  return out;
}

}  // namespace

Result<ReadOrder> read_order(const json::Object& body, const Demands& demands) {
  Fields fields(body);
  auto out = read_fields(fields, body);
  count_files(fields, out, 0, demands);
  TOLL_TRY(std::move(fields).done());
  return out;
}

Result<ReadOrder> read_order(const api::MixedBody& body, const Demands& demands) {
  if (body.kind == api::MixedBody::Kind::none) return read_order(json::Object(), demands);
  if (body.kind == api::MixedBody::Kind::json) {
    if (!body.json.is_object()) return Reason::malformed_json;
    return read_order(body.json.get_object(), demands);
  }
  const auto object = object_of(body.form);
  Fields fields(object, true);
  auto out = read_fields(fields, object);
  for (const auto& [name, file] : body.form.files) out.files.push_back({file.filename, {}, file.staged});
  count_files(fields, out, body.form.files_beyond, demands);
  TOLL_TRY(std::move(fields).done());
  return out;
}

workflows::Order order_of(const deployments::Deployment& deployment, ReadOrder&& read) {
  workflows::Order out;
  out.organisation = deployment.organisation;
  out.deployment = deployment.id;
  out.payer = deployment.payer;
  out.workflow = deployment.settings.workflow;
  out.limits = deployment.settings.limits;
  out.result_ttl_s = deployment.settings.result_ttl_s;
  out.input_data = std::move(read.input_data);
  out.parameters = deployment.settings.parameters;
  for (auto& [name, value] : read.parameters) out.parameters[name] = std::move(value);
  out.custom_data = std::move(read.custom_data);
  out.files = std::move(read.files);
  out.tag = std::move(read.tag);
  out.use_history = read.use_history;
  return out;
}

}  // namespace toll::deployed
