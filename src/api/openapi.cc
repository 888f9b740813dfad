#include "api/openapi.h"

#include <fmt/format.h>

#include <map>

#include "base/text.h"

namespace toll::api {

namespace {

using json::Array;
using json::Object;
using json::Value;

void pretty(std::string& out, const Value& value, int depth) {
  const std::string pad(static_cast<std::size_t>(depth + 1) * 2, ' ');
  if (value.is_object() && !value.get_object().empty()) {
    out += "{\n";
    bool first = true;
    for (const auto& [name, member] : value.get_object()) {
      out += first ? "" : ",\n";
      first = false;
      out += pad;
      json::append_string(out, name);
      out += ": ";
      pretty(out, member, depth + 1);
    }
    out += "\n" + pad.substr(2) + "}";
  } else if (value.is_array() && !value.get_array().empty()) {
    out += "[\n";
    for (std::size_t i = 0; i < value.get_array().size(); ++i) {
      out += (i ? ",\n" : "") + pad;
      pretty(out, value.get_array()[i], depth + 1);
    }
    out += "\n" + pad.substr(2) + "]";
  } else {
    out += boost::json::serialize(value);
  }
}

// OpenAPI has no place that spans segments; the name says it.
std::string openapi_path(std::string_view path) {
  std::string out(path);
  if (auto dots = out.find("...}"); dots != out.npos) out.erase(dots, 3);
  return out;
}

std::string_view access_name(Access access) {
  switch (access) {
    case Access::open:
      return "open";
    case Access::either:
      return "either";
    case Access::session:
      return "session";
    case Access::admin:
      return "admin";
    case Access::page:
      return "page";
  }
  return "open";
}

// What every operation can answer, besides its own reasons.
std::vector<Reason> all_reasons(const About& about) {
  std::vector<Reason> out = about.reasons;
  if (about.access != Access::open)
    out.insert(out.end(), {Reason::no_credentials, Reason::bad_key, Reason::bad_session, Reason::account_disabled});
  if (about.access == Access::admin) out.push_back(Reason::admin_required);
  if (about.idempotent)
    out.insert(out.end(), {Reason::bad_idempotency_key, Reason::idempotency_running, Reason::idempotency_mismatch});
  if (about.body || !about.parameters.empty()) out.push_back(Reason::invalid_request);
  if (about.multipart) out.push_back(Reason::malformed_multipart);
  out.push_back(Reason::internal);
  return out;
}

// Status -> texts, as the surface really answers them.
std::map<int, std::vector<std::string>> faults_of(const DialectTable& dialect, const About& about) {
  std::map<int, std::vector<std::string>> out;
  for (auto reason : all_reasons(about)) {
    const auto status = dialect.fault(Fault(reason), about.access).status;
    const auto& row = dialect.row(reason);
    auto& texts = out[status];
    std::string text(row.text);
    if (!row.code.empty()) text = std::string(row.code) + ": " + text;
    if (std::find(texts.begin(), texts.end(), text) == texts.end()) texts.push_back(std::move(text));
  }
  return out;
}

std::string joined(const std::vector<std::string>& texts) {
  std::string out;
  for (const auto& text : texts) out += (out.empty() ? "" : "; ") + text;
  return out;
}

Object operation_object(const DialectTable& dialect, const About& about) {
  Object out{{"operationId", about.id}, {"summary", about.summary}, {"tags", Array{dialect.name}}};
  if (!about.description.empty()) out["description"] = about.description;
  Array security;
  if (about.access != Access::open)
    for (const auto& [name, scheme] : dialect.security_schemes()) security.push_back(Object{{name, Array{}}});
  out["security"] = std::move(security);
  Array parameters;
  for (const auto& p : about.parameters)
    parameters.push_back(Object{{"name", p.name},
                                {"in", p.in == json::In::path ? "path" : "query"},
                                {"required", p.required || p.in == json::In::path},
                                {"schema", p.schema}});
  if (about.idempotent)
    parameters.push_back(Object{{"name", "Idempotency-Key"},
                                {"in", "header"},
                                {"required", false},
                                {"schema", Object{{"type", "string"}, {"minLength", 1}, {"maxLength", 255}}}});
  if (!parameters.empty()) out["parameters"] = std::move(parameters);
  if (about.body) {
    Object content;
    if (about.multipart) {
      content["multipart/form-data"] = Object{{"schema", *about.body}};
    } else if (about.raw) {
      content["application/octet-stream"] = Object{{"schema", *about.body}};
    } else {
      content["application/json"] = Object{{"schema", *about.body}};
      if (about.whole)
        content["application/octet-stream"] = Object{{"schema", Object{{"type", "string"}, {"format", "binary"}}}};
      if (about.form) content["multipart/form-data"] = Object{{"schema", *about.form}};
      if (about.takes_forms) content["application/x-www-form-urlencoded"] = Object{{"schema", *about.body}};
    }
    out["requestBody"] = Object{{"required", true}, {"content", std::move(content)}};
  }
  Object responses;
  Object success{{"description", "Success"}};
  success["content"] = Object{{about.answers, Object{{"schema", about.answer ? *about.answer : Object{}}}}};
  responses[std::to_string(about.status)] = std::move(success);
  for (const auto& [status, texts] : faults_of(dialect, about))
    responses[std::to_string(status)] = Object{
        {"description", joined(texts)},
        {"content",
         Object{{"application/json", Object{{"schema", Object{{"$ref", "#/components/schemas/" +
                                                                           std::string(dialect.name) + "Fault"}}}}}}}};
  out["responses"] = std::move(responses);
  out["x-tollhouse-access"] = access_name(about.access);
  if (!about.scope.empty()) out["x-tollhouse-scope"] = about.scope;
  return out;
}

}  // namespace

std::string openapi(std::span<const SurfaceDescription> surfaces, const OpenApiInfo& info) {
  Object paths, schemas, schemes;
  Array tags;
  for (const auto& surface : surfaces) {
    tags.push_back(Object{{"name", surface.dialect.name}, {"description", surface.dialect.title}});
    for (const auto& [name, scheme] : surface.dialect.security_schemes()) schemes[name] = scheme;
    for (const auto& [name, schema] : surface.definitions) schemas[name] = schema;
    schemas[std::string(surface.dialect.name) + "Fault"] = surface.dialect.fault_schema();
    for (const auto& about : surface.operations) {
      auto& item = paths[openapi_path(about.path)];
      if (!item.is_object()) item.emplace_object();
      item.get_object()[lower(http::to_string(about.method))] = operation_object(surface.dialect, about);
    }
  }
  Object document{{"openapi", "3.1.0"},
                  {"info", Object{{"title", info.title}, {"version", info.version}}},
                  {"servers", Array{Object{{"url", info.server_url}}}},
                  {"tags", std::move(tags)},
                  {"paths", std::move(paths)},
                  {"components", Object{{"schemas", std::move(schemas)}, {"securitySchemes", std::move(schemes)}}}};
  std::string out;
  pretty(out, document, 0);
  return out + "\n";
}

std::string escape_html(std::string_view text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string reference_page(const SurfaceDescription& surface, std::string_view title,
                           std::string_view introduction_html) {
  std::string out = fmt::format(
      "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width\">"
      "<title>{0}</title><style>body{{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 "
      "1rem;color:#1b1f24}}"
      "code,pre{{font:14px ui-monospace,monospace;background:#f3f4f6;padding:.1em "
      ".3em;border-radius:4px}}pre{{padding:.8em;overflow:auto}}"
      "table{{border-collapse:collapse;width:100%}}td,th{{border:1px solid #d8dce2;padding:.3em "
      ".6em;text-align:left;vertical-align:top}}"
      "section{{border-top:1px solid "
      "#d8dce2;margin-top:1.5rem}}.m{{font-weight:700}}</style></head><body><h1>{0}</h1>{1}",
      escape_html(title), introduction_html);
  out += "<h2>Endpoints</h2><table><tr><th>Method</th><th>Endpoint</th><th>Description</th></tr>";
  for (const auto& about : surface.operations)
    out += fmt::format("<tr><td class=\"m\">{}</td><td><a href=\"#{}\"><code>{}</code></a></td><td>{}</td></tr>",
                       http::to_string(about.method), about.id, escape_html(openapi_path(about.path)),
                       escape_html(about.summary));
  out += "</table>";
  for (const auto& about : surface.operations) {
    out += fmt::format(
        "<section id=\"{}\"><h3><span class=\"m\">{}</span> <code>{}</code></h3><p>{}</p><p>{}</p><p>Access: {}. "
        "Answer: {} <code>{}</code>.</p>",
        about.id, http::to_string(about.method), escape_html(openapi_path(about.path)), escape_html(about.summary),
        escape_html(about.description), access_name(about.access), about.status, escape_html(about.answers));
    if (!about.parameters.empty() || about.body) {
      out += "<table><tr><th>Parameter</th><th>In</th><th>Schema</th></tr>";
      for (const auto& p : about.parameters)
        out += fmt::format("<tr><td><code>{}</code></td><td>{}</td><td><code>{}</code></td></tr>", p.name,
                           p.in == json::In::path ? "path" : "query", escape_html(boost::json::serialize(p.schema)));
      if (about.body) {
        const Object* shape = &*about.body;
        if (auto* reference = shape->if_contains("$ref"))
          shape = &surface.definitions
                       .at(std::string_view(reference->get_string())
                               .substr(std::string_view("#/components/schemas/").size()))
                       .get_object();
        if (auto* properties = shape->if_contains("properties"))
          for (const auto& [name, schema] : properties->get_object())
            out +=
                fmt::format("<tr><td><code>{}</code></td><td>{}</td><td><code>{}</code></td></tr>", escape_html(name),
                            about.multipart ? "form"
                            : about.raw     ? "bytes"
                                            : "body",
                            escape_html(boost::json::serialize(schema)));
        else
          out += fmt::format("<tr><td></td><td>body</td><td><code>{}</code></td></tr>",
                             escape_html(boost::json::serialize(*shape)));
      }
      out += "</table>";
    }
    out += "<p>Errors:</p><ul>";
    for (const auto& [status, texts] : faults_of(surface.dialect, about))
      for (const auto& text : texts) out += fmt::format("<li><code>{}</code> {}</li>", status, escape_html(text));
    out += "</ul></section>";
  }
  return out + "</body></html>\n";
}

}  // namespace toll::api
