#include "surfaces/deployments/tools.h"

#include <array>

#include "surfaces/deployments/fields.h"

namespace toll::deployed::tools {

namespace {

using json::Array;
using json::Object;

constexpr std::int64_t default_wait = 30;
constexpr std::size_t most_documents = 32;

Object annotations(bool reads, bool destroys = false) {
  if (reads) return {{"readOnlyHint", true}};
  return {{"readOnlyHint", false}, {"idempotentHint", false}, {"destructiveHint", destroys}};
}

Object tool(std::string_view name, std::string_view description, Object properties, Array required, Object hints) {
  Object schema{{"type", "object"}, {"properties", std::move(properties)}};
  if (!required.empty()) schema["required"] = std::move(required);
  return {{"name", name},
          {"description", description},
          {"inputSchema", std::move(schema)},
          {"annotations", std::move(hints)}};
}

Object flag(std::string_view what) {
  return {{"type", "boolean"}, {"default", false}, {"description", what}};
}

void add_flags(Object& properties) {
  properties["include_metadata"] = flag("Token counts and costs with each item.");
  properties["include_metrics"] = flag("Times of each step.");
  properties["include_extracted_text"] = flag("The text that was read out of a document.");
}

Object wait_schema() {
  return {{"type", "integer"},
          {"minimum", -1},
          {"maximum", longest_wait},
          {"default", default_wait},
          {"description", "Seconds to wait for the end; 0 and less answers at once."}};
}

// As it is, but with a name of its own, so that references inside it still lead there.
Object input_schema(const Entry& entry) {
  auto schema = entry.workflow->definition.input_schema;
  if (schema.empty()) return {{"type", "object"}};
  if (!schema.contains("$id")) schema["$id"] = "urn:uuid:" + entry.workflow->id.value();
  return schema;
}

Object execute_tool(const Entry& entry, const std::string& name, const std::string& description) {
  Object properties{{"input_data", input_schema(entry)},
                    {"parameters", Object{{"type", "object"}, {"description", "Of the workflow's templates."}}},
                    {"timeout", wait_schema()}};
  Array required;
  if (entry.workflow->definition.input_schema.contains("required")) required.emplace_back("input_data");
  return tool(name, description, std::move(properties), std::move(required), annotations(false));
}

Object extract_tool() {
  Object properties{{"document_urls", Object{{"type", "array"},
                                             {"items", Object{{"type", "string"}, {"format", "uri"}}},
                                             {"minItems", 1},
                                             {"maxItems", most_documents},
                                             {"description", "Where the documents are: public http(s) addresses."}}},
                    {"timeout", wait_schema()}};
  add_flags(properties);
  properties["tags"] = Object{{"type", "array"}, {"items", Object{{"type", "string"}}}, {"maxItems", 1}};
  properties["llm_profile_id"] =
      Object{{"type", "string"}, {"description", "Not offered by this server: leave it out."}};
  return tool(extract_document, "Run the workflow on documents and give back what it found.", std::move(properties),
              {"document_urls"}, annotations(false));
}

Object execution_tool(std::string_view name, std::string_view description, bool flags, Object hints) {
  Object properties{{"execution_id", Object{{"type", "string"}, {"format", "uuid"}}}};
  if (flags) add_flags(properties);
  return tool(name, description, std::move(properties), {"execution_id"}, std::move(hints));
}

Object status_tool() {
  return execution_tool(get_status, "How an execution is going; with its result once it has ended.", true,
                        annotations(true));
}

std::string title(const Entry& entry) {
  const auto& settings = entry.deployment.settings;
  return settings.display_name.empty() ? settings.api_name : settings.display_name;
}

std::string what_it_does(const Entry& entry) {
  const auto& text = entry.deployment.settings.description;
  return text.empty() ? "Runs the workflow \"" + title(entry) + "\"." : text;
}

}  // namespace

Array of_executions() {
  return {status_tool(),
          execution_tool(get_result, "The result of an execution that has ended, as often as it is asked for.", true,
                         annotations(true)),
          execution_tool(cancel_execution, "Cancel an execution that runs or waits.", false, annotations(false, true))};
}

Array of_deployment(const Entry& entry, bool documented) {
  Array out{tool(read_me_first, "How this API is used. Read this first.", {}, {}, annotations(true)),
            tool(get_api_info, "Name, limits and input of this API.", {}, {}, annotations(true)), extract_tool(),
            status_tool()};
  if (!documented) return out;
  out.push_back(execute_tool(entry, std::string(execute_workflow), what_it_does(entry)));
  for (auto& one : of_executions())
    if (one.get_object().at("name").get_string() != get_status) out.push_back(one);
  return out;
}

Object run_tool(const Entry& entry, const std::string& name) {
  return execute_tool(entry, name, title(entry) + ": " + what_it_does(entry));
}

Object introduction(const Entry& entry) {
  const auto most = std::to_string(entry.deployment.settings.rate_limit);
  return {
      {"api", title(entry)},
      {"about", what_it_does(entry)},
      {"how",
       Array{"getApiInfo says what the API takes and its limits.",
             "extractDocument runs it on documents at public addresses; executeWorkflow, where it is listed, runs it "
             "on input_data.",
             "Both wait up to `timeout` seconds. When the status is PENDING or EXECUTING then, ask getExecutionStatus "
             "with the execution_id every few seconds.",
             "COMPLETED means that at least one item succeeded: look at the status and error of each.",
             "At most " + most + " runs in any 60 seconds."}}};
}

Object information(const Entry& entry) {
  const auto& settings = entry.deployment.settings;
  return {{"api_name", settings.api_name},
          {"display_name", settings.display_name},
          {"description", settings.description},
          {"workflow_name", entry.workflow->definition.name},
          {"deployment_type", workflows::to_string(settings.type)},
          {"takes_files", entry.takes_files},
          {"max_files", entry.most_files},
          {"max_file_mb", entry.most_bytes >> 20},
          {"rate_limit_per_minute", settings.rate_limit},
          {"input_schema", entry.workflow->definition.input_schema}};
}

Result<Object> call_of(std::string_view name, const Object& arguments) {
  Object out;
  Fields fields(arguments);
  for (const auto* member : {"input_data", "parameters", "timeout", "include_metadata", "include_metrics",
                             "include_extracted_text", "tags", "llm_profile_id"})
    if (const auto* value = arguments.if_contains(member)) out[member] = *value;
  if (!out.contains("timeout")) out["timeout"] = default_wait;
  if (name == extract_document) {
    fields.require("document_urls");
    const auto urls = fields.texts("document_urls", most_documents, longest_url);
    if (urls && urls->empty())
      fields.refuse("document_urls", "min_length", "Ensure this field has at least 1 elements.");
    TOLL_TRY(std::move(fields).done());
    out["input_data"] = Object{{"file_urls", Array(urls->begin(), urls->end())}};
  }
  return out;
}

}  // namespace toll::deployed::tools
