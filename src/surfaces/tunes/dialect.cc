#include "surfaces/tunes/dialect.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <iterator>

#include "api/detail.h"
#include "base/text.h"
#include "metering/credits.h"

namespace toll::tunes {

namespace {

using api::detail::json_text;
using identity::CredentialKind;
using metering::Window;

std::string json_text_or_null(std::string_view text) {
  return text.empty() ? "null" : json_text(text);
}

std::string_view title_of(int status) {
  switch (status) {
    case 400:
      return "Bad Request";
    case 401:
      return "Not authenticated";
    case 402:
      return "Insufficient credits";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 409:
      return "Conflict";
    case 413:
      return "Payload Too Large";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 422:
      return "Validation failed";
    case 429:
      return "Too Many Requests";
    case 503:
      return "Service Unavailable";
    default:
      return "Internal Server Error";
  }
}

constexpr std::string_view type_of(Problem problem) {
  switch (problem) {
    case Problem::missing:
    case Problem::no_body:
      return "missing";
    case Problem::bad_json:
      return "json_invalid";
    case Problem::not_object:
      return "object_type";
    case Problem::not_list:
      return "list_type";
    case Problem::not_string:
      return "string_type";
    case Problem::not_integer:
    case Problem::not_a_number:
      return "int_type";
    case Problem::not_boolean:
      return "bool_type";
    case Problem::not_finite:
      return "number_type";
    case Problem::not_file:
      return "file_type";
    case Problem::bad_email:
    case Problem::rejected:
      break;
  }
  return "value_error";
}

// "scopes.1"; the place where the value has no name.
std::string field_of(const FieldProblem& problem) {
  std::string out;
  for (const auto& step : problem.path) {
    if (!out.empty()) out += '.';
    out += step.index() == 0 ? std::get<0>(step) : std::to_string(std::get<1>(step));
  }
  return out.empty() ? std::string(api::detail::name_of(problem.place)) : out;
}

std::string problem_entry(const FieldProblem& problem) {
  return "{\"loc\":" + api::detail::location(problem) + ",\"msg\":" + json_text(problem.message) +
         ",\"type\":" + json_text(type_of(problem.problem)) + "}";
}

std::string micros_of(std::string_view credits) {
  const auto amount = metering::parse_credits(credits);
  return amount ? std::to_string(amount->micros) : "null";
}

// What some errors say beyond title and sentence.
std::string more_members(const Fault& fault, int status) {
  std::string out;
  if (status == 422) {
    out = ",\"errors\":[";
    for (std::size_t i = 0; i < fault.problems().size(); ++i)
      out += (i ? "," : "") + problem_entry(fault.problems()[i]);
    out += "]";
  }
  if (status == 402)
    out = ",\"required_micro_credits\":" + micros_of(fault.argument("needed")) +
          ",\"balance_micro_credits\":" + micros_of(fault.argument("balance"));
  if (status == 403 && fault.reason() != Reason::ip_not_allowed)
    out = ",\"required_scope\":" + json_text_or_null(fault.argument("scope")) +
          ",\"required_plan\":" + json_text_or_null(fault.argument("plan"));
  return out;
}

// "2025-09-27T10:05:00Z", without an allocation of its own: this is on every counted answer.
class IsoTime {
 public:
  explicit IsoTime(Time time) {
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date(day);
    const auto seconds = std::chrono::floor<std::chrono::seconds>(time - day).count();
    digits(0, 4, static_cast<int>(date.year()));
    digits(5, 2, static_cast<int>(static_cast<unsigned>(date.month())));
    digits(8, 2, static_cast<int>(static_cast<unsigned>(date.day())));
    digits(11, 2, static_cast<int>(seconds / 3600));
    digits(14, 2, static_cast<int>(seconds / 60 % 60));
    digits(17, 2, static_cast<int>(seconds % 60));
  }
  std::string_view text() const { return {text_.data(), text_.size()}; }

 private:
  void digits(std::size_t at, std::size_t width, int value) {
    for (std::size_t i = width; i-- > 0; value /= 10) text_[at + i] = static_cast<char>('0' + value % 10);
  }
  std::array<char, 20> text_{'0', '0', '0', '0', '-', '0', '0', '-', '0', '0',
                             'T', '0', '0', ':', '0', '0', ':', '0', '0', 'Z'};
};

// Text of a few headers, built where it stands: this is on every counted answer, and formatting took a tenth of its
// time.
class Line {
 public:
  Line& add(std::string_view text) {
    const auto count = std::min(text.size(), room());
    std::memcpy(end_, text.data(), count);
    end_ += count;
    return *this;
  }
  Line& add(std::int64_t number) {
    end_ = std::to_chars(end_, std::end(text_), number).ptr;
    return *this;
  }
  std::string_view text() const { return {text_, static_cast<std::size_t>(end_ - text_)}; }

 private:
  std::size_t room() const { return static_cast<std::size_t>(std::end(text_) - end_); }
  char text_[192];
  char* end_ = text_;
};

std::string refusal(const metering::Verdict& verdict) {
  const auto last = verdict.last_to_reset();
  std::string out = fmt::format(R"({{"error":"Rate limit exceeded","window":"{}","reset_at":"{}","rate_limit_info":{{)",
                                to_string(last), IsoTime(verdict.of(last).reset).text());
  std::string_view separator;
  for (auto window : metering::all_windows) {
    if (!verdict.exhausted(window)) continue;
    const auto& part = verdict.of(window);
    out += fmt::format(R"({}"{}":{{"limit":{},"remaining":0,"reset_at":"{}"}})", separator, to_string(window),
                       part.limit, IsoTime(part.reset).text());
    separator = ",";
  }
  return out + "}}";
}

// The kind follows from the value's shape; whatever is neither a key of this surface nor a JWT is a bad key.
Result<identity::Credential> credential_from(std::string_view secret) {
  if (secret.starts_with("tt_")) return identity::Credential{CredentialKind::tunes_key, secret, {}};
  if (std::ranges::count(secret, '.') == 2) return identity::Credential{CredentialKind::session, secret, {}};
  return Reason::bad_key;
}

}  // namespace

Result<identity::Credential> Dialect::credential(const http::Request& request, api::Access) {
  if (const auto header = request.fields.find("Authorization")) {
    // Which of two was meant, a proxy in front may see otherwise.
    if (request.fields.count("Authorization") > 1) return Reason::bad_key;
    const auto space = header->find(' ');
    if (space == header->npos || !equal_ignoring_case(header->substr(0, space), "bearer")) return Reason::wrong_scheme;
    const auto secret = trim(header->substr(space));
    if (secret.empty()) return Reason::wrong_scheme;
    return credential_from(secret);
  }
  const auto key = request.fields.find("X-API-Key");
  if (!key) return Reason::no_credentials;
  if (request.fields.count("X-API-Key") > 1 || !trim(*key).starts_with("tt_")) return Reason::bad_key;
  return credential_from(trim(*key));
}

http::Response Dialect::fault(const Fault& fault, api::Access) {
  const auto& known = row(fault.reason());
  http::Response response;
  response.status = known.status;
  response.fields.add("Content-Type", "application/json");
  if (known.status == 401) response.fields.add("WWW-Authenticate", "Bearer");
  if (known.status == 503) response.fields.set("Retry-After", "1");
  const auto& problems = fault.problems();
  const auto detail = known.status == 422 && !problems.empty()
                          ? field_of(problems.front()) + ": " + problems.front().message
                          : fault.fill(known.text);
  response.body = "{\"error\":" + json_text(known.code.empty() ? title_of(known.status) : known.code) +
                  ",\"detail\":" + json_text(detail) + more_members(fault, known.status) + "}";
  return response;
}

void Dialect::limits(const metering::Verdict& verdict, Time now, http::Response& response) {
  const auto& shown = verdict.of(verdict.shown());
  Line limit, remaining, policy, left;
  limit.add(shown.limit);
  remaining.add(shown.remaining);
  std::string_view separator;
  for (auto window : metering::all_windows) {
    const auto& part = verdict.of(window);
    const auto name = to_string(window);
    policy.add(separator).add("\"").add(name).add("\";q=").add(part.limit);
    policy.add(";w=").add(metering::length_of(window).count());
    left.add(separator).add("\"").add(name).add("\";r=").add(part.remaining);
    left.add(";t=").add(verdict.seconds_left(window, now).count());
    separator = ", ";
  }
  auto& fields = response.fields;
  fields.set("X-RateLimit-Limit", limit.text());
  fields.set("X-RateLimit-Remaining", remaining.text());
  fields.set("X-RateLimit-Reset", IsoTime(shown.reset).text());
  fields.set("RateLimit-Policy", policy.text());
  fields.set("RateLimit", left.text());
  // An address that is not allowed is shown the counts of a key that may be used up.
  if (!verdict.admitted && response.status == 429) response.body = refusal(verdict);
}

json::Object Dialect::security_schemes() {
  return {{"tunesBearer", json::Object{{"type", "http"},
                                       {"scheme", "bearer"},
                                       {"description", "An API key (tt_...) or the JWT of a session."}}},
          {"tunesKey", json::Object{{"type", "apiKey"}, {"in", "header"}, {"name", "X-API-Key"}}}};
}

json::Object Dialect::fault_schema() {
  const json::Object text{{"type", "string"}};
  const json::Object text_or_null{{"type", json::Array{"string", "null"}}};
  json::Object problem{
      {"type", "object"},
      {"properties", json::Object{{"loc", json::Object{{"type", "array"}}}, {"msg", text}, {"type", text}}}};
  return {{"type", "object"},
          {"properties", json::Object{{"error", text},
                                      {"detail", text},
                                      {"errors", json::Object{{"type", "array"}, {"items", problem}}},
                                      {"required_scope", text_or_null},
                                      {"required_plan", text_or_null}}},
          {"required", json::Array{"error"}}};
}

}  // namespace toll::tunes
