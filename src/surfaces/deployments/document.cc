#include "surfaces/deployments/document.h"

#include "surfaces/deployments/dialect.h"

namespace toll::deployed {

namespace {

using json::Array;
using json::Object;
using json::Value;

Object ref(std::string_view name) {
  return {{"$ref", "#/components/schemas/" + std::string(name)}};
}

Object json_content(Object schema) {
  return {{"application/json", Object{{"schema", std::move(schema)}}}};
}

Object text_or_null() {
  return {{"type", Array{"string", "null"}}};
}

Object flag(std::string_view what) {
  return {{"type", "boolean"}, {"default", false}, {"description", what}};
}

Object call_properties() {
  return {{"input_data", ref("InputData")},
          {"parameters", Object{{"type", "object"}, {"description", "Reachable by the workflow's templates."}}},
          {"timeout", Object{{"type", "integer"},
                             {"minimum", -1},
                             {"maximum", 300},
                             {"default", -1},
                             {"description", "Seconds to wait for the end; 0 and less answers at once."}}},
          {"include_metadata", flag("Token counts and costs with each item.")},
          {"include_metrics", flag("Times of each step.")},
          {"include_extracted_text", flag("The text that was read out of a document.")},
          {"use_file_history", flag("Takes an earlier result for equal bytes and parameters.")},
          {"tags", Object{{"type", "string"}, {"description", "At most one."}}},
          {"custom_data", Object{{"type", "object"}}}};
}

Object call_body(const Entry& entry) {
  Object call{{"type", "object"}, {"properties", call_properties()}};
  const auto& schema = entry.workflow->definition.input_schema;
  if (schema.contains("required")) call["required"] = Array{"input_data"};
  Object content{{"application/json", Object{{"schema", call}}}};
  if (entry.takes_files) {
    auto properties = call_properties();
    properties["files"] = Object{{"type", "array"},
                                 {"items", Object{{"type", "string"}, {"format", "binary"}}},
                                 {"maxItems", entry.most_files},
                                 {"description", "Each a part of its own."}};
    for (const auto* name : {"input_data", "parameters", "custom_data"})
      properties[name] = Object{{"type", "string"}, {"contentMediaType", "application/json"}};
    content["multipart/form-data"] =
        Object{{"schema", Object{{"type", "object"}, {"properties", std::move(properties)}}}};
  }
  return {{"required", true}, {"content", std::move(content)}};
}

Object item_schema() {
  const Object file{{"type", "object"},
                    {"properties", Object{{"name", Object{{"type", "string"}}},
                                          {"content_type", Object{{"type", "string"}}},
                                          {"size", Object{{"type", "integer"}}},
                                          {"sha256", Object{{"type", "string"}}},
                                          {"url", Object{{"type", "string"}, {"format", "uri"}}}}}};
  const Object result{{"type", Array{"object", "null"}},
                      {"properties", Object{{"output", Object{}},
                                            {"files", Object{{"type", "array"}, {"items", file}}},
                                            {"metadata", Object{{"type", "object"}}},
                                            {"metrics", Object{{"type", "object"}}}}}};
  return {{"type", "object"},
          {"properties", Object{{"file", Object{{"type", "string"}}},
                                {"file_execution_id", Object{{"type", "string"}, {"format", "uuid"}}},
                                {"status", Object{{"type", "string"}, {"enum", Array{"Success", "Failed"}}}},
                                {"result", result},
                                {"error", text_or_null()},
                                {"metadata", Object{{"type", "object"}}}}},
          {"required", Array{"file", "file_execution_id", "status", "result", "error", "metadata"}}};
}

Object execution_schema() {
  const Object id{{"type", "string"}, {"format", "uuid"}};
  const Object status{{"type", "string"}, {"enum", Array{"PENDING", "EXECUTING", "COMPLETED", "ERROR", "STOPPED"}}};
  const Object message{
      {"type", "object"},
      {"properties", Object{{"execution_id", id},
                            {"execution_status", status},
                            {"status_api", Object{{"type", "string"}}},
                            {"error", text_or_null()},
                            {"result", Object{{"type", Array{"array", "null"}}, {"items", ref("Item")}}}}},
      {"required", Array{"execution_id", "execution_status", "status_api", "error", "result"}}};
  return {{"type", "object"},
          {"properties", Object{{"execution_id", id}, {"status", status}, {"message", message}}},
          {"required", Array{"execution_id", "status", "message"}},
          {"examples", Array{Object{{"execution_id", "4f1c0e5e-6a0a-4c39-9a54-0d5f3f0b7f11"},
                                    {"status", "PENDING"},
                                    {"message", Object{{"execution_id", "4f1c0e5e-6a0a-4c39-9a54-0d5f3f0b7f11"},
                                                       {"execution_status", "PENDING"},
                                                       {"status_api",
                                                        "/deployment/{api_key}/status/4f1c0e5e-6a0a-4c39-9a54-"
                                                        "0d5f3f0b7f11/"
                                                        "?execution_id=4f1c0e5e-6a0a-4c39-9a54-0d5f3f0b7f11"},
                                                       {"error", nullptr},
                                                       {"result", nullptr}}}}}}};
}

Object rate_headers() {
  auto header = [](std::string_view what, std::string_view type) {
    return Object{{"description", what}, {"schema", Object{{"type", type}}}};
  };
  return {{"X-RateLimit-Limit", header("Execute calls in any 60 seconds.", "integer")},
          {"X-RateLimit-Remaining", header("Calls that are left.", "integer")},
          {"X-RateLimit-Reset", header("When the oldest call that counts leaves the window.", "string")}};
}

Object answer(std::string_view what, std::string_view schema) {
  return {{"description", what}, {"content", json_content(ref(schema))}};
}

void add_errors(Object& responses, std::initializer_list<std::pair<std::string_view, std::string_view>> errors) {
  for (const auto& [status, what] : errors) responses[status] = answer(what, "Error");
}

Object operation(std::string_view id, std::string_view summary, Object responses) {
  return {{"operationId", id}, {"summary", summary}, {"responses", std::move(responses)}};
}

Object execute_operation(const Entry& entry) {
  auto accepted = answer("Accepted.", "Execution"), ended = answer("The end, where it was waited for.", "Execution");
  accepted["headers"] = rate_headers();
  ended["headers"] = rate_headers();
  Object responses{{"200", std::move(ended)}, {"202", std::move(accepted)}};
  add_errors(responses, {{"400", "The call is not valid: every problem with its path."},
                         {"401", "No or a bad key."},
                         {"402", "Not enough credits."},
                         {"403", "Not from this address."},
                         {"404", "The deployment is switched off."},
                         {"413", "A file or the body is too large."},
                         {"415", "A body of another type."}});
  auto throttled = answer("Too many calls in 60 seconds.", "Error");
  throttled["headers"] = Object{{"Retry-After", Object{{"schema", Object{{"type", "integer"}}}}}};
  responses["429"] = std::move(throttled);
  auto out = operation("execute", "Run the workflow", std::move(responses));
  out["requestBody"] = call_body(entry);
  return out;
}

Object read_operation(std::string_view id, std::string_view summary, bool waits) {
  Object responses{{"200", answer("The execution.", "Execution")}};
  if (waits) responses["202"] = answer("It is not at its end.", "Execution");
  add_errors(responses, {{"401", "No or a bad key."}, {"404", "There is no such execution of this deployment."}});
  if (id == "result") add_errors(responses, {{"410", "The result has expired."}});
  if (id == "cancel") add_errors(responses, {{"409", "It has ended already."}});
  return operation(id, summary, std::move(responses));
}

Object parameter(std::string_view name, std::string_view what) {
  return {{"name", name},
          {"in", "path"},
          {"required", true},
          {"description", what},
          {"schema", Object{{"type", "string"}}}};
}

Object path_of(std::string_view method, Object operation, bool of_execution) {
  Array parameters{parameter("api_key", "A key of this deployment; the same as the bearer.")};
  if (of_execution) parameters.push_back(parameter("execution_id", "The execution's id."));
  return {{"parameters", std::move(parameters)}, {method, std::move(operation)}};
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

}  // namespace

Object document_of(const Entry& entry, const std::string& server_url) {
  const auto& settings = entry.deployment.settings;
  const auto& schema = entry.workflow->definition.input_schema;
  Object info{{"title", settings.display_name.empty() ? settings.api_name : settings.display_name},
              {"version", std::to_string(entry.workflow->revision)}};
  if (!settings.description.empty()) info["description"] = settings.description;
  const Object paths{{"/deployment/{api_key}/", path_of("post", execute_operation(entry), false)},
                     {"/deployment/{api_key}/status/{execution_id}/",
                      path_of("get", read_operation("status", "How an execution is going", false), true)},
                     {"/deployment/{api_key}/result/{execution_id}/",
                      path_of("get", read_operation("result", "The result of an execution", true), true)},
                     {"/deployment/{api_key}/cancel/{execution_id}/",
                      path_of("post", read_operation("cancel", "Cancel an execution", true), true)}};
  const Object components{{"securitySchemes", Object{{"bearerAuth", Object{{"type", "http"}, {"scheme", "bearer"}}}}},
                          {"schemas", Object{{"InputData", schema.empty() ? Object{{"type", "object"}} : schema},
                                             {"Execution", execution_schema()},
                                             {"Item", item_schema()},
                                             {"Error", Dialect::fault_schema()}}}};
  return {{"openapi", "3.1.0"},
          {"info", std::move(info)},
          {"servers", Array{Object{{"url", server_url.empty() ? "/" : server_url}}}},
          {"security", Array{Object{{"bearerAuth", Array()}}}},
          {"paths", paths},
          {"components", components}};
}

std::string document_page(const Entry& entry, std::string_view link) {
  const auto& settings = entry.deployment.settings;
  const auto title = escaped(settings.display_name.empty() ? settings.api_name : settings.display_name);
  return "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
         "content=\"width=device-width\"><title>" +
         title + "</title><link rel=\"stylesheet\" href=\"/docs/assets/swagger-ui.css\"></head><body><h1>" + title +
         "</h1><p><a href=\"" + std::string(link) +
         "\">openapi.json</a></p><div "
         "id=\"ui\"></div><script src=\"/docs/assets/swagger-ui-bundle.js\"></script><script "
         "src=\"/docs/deployment.js\"></script></body></html>";
}

std::string_view document_script() {
  return R"js((function () {
  const parts = location.pathname.split('/').filter(Boolean);
  const key = parts[1];
  const document_url = '/deployment/' + key + '/openapi.json';
  const ui = SwaggerUIBundle({
    url: document_url,
    dom_id: '#ui',
    validatorUrl: null,
    requestInterceptor: (request) => {
      request.url = request.url.replace('%7Bapi_key%7D', key).replace('{api_key}', key);
      return request;
    },
    onComplete: () => ui.preauthorizeApiKey('bearerAuth', decodeURIComponent(key)),
  });
})();
)js";
}

}  // namespace toll::deployed
