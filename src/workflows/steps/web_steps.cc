// source.http, sink.http.
#include <fmt/format.h>

#include <boost/json/serialize.hpp>

#include "base/text.h"
#include "workflows/steps/files.h"
#include "workflows/steps/outside.h"
#include "workflows/steps/schema_words.h"

namespace toll::workflows::steps {

namespace {

constexpr std::size_t most_answer = 1 << 20;

std::string base64(std::string_view bytes) {
  auto out = base64url(bytes);
  for (auto& c : out) c = c == '-' ? '+' : c == '_' ? '/' : c;
  out.append((4 - out.size() % 4) % 4, '=');
  return out;
}

// The headers that `with` asks for, with its credentials.
std::vector<std::pair<std::string, std::string>> headers_of(const json::Object& with) {
  std::vector<std::pair<std::string, std::string>> out;
  if (const auto* headers = with.if_contains("headers"))
    for (const auto& field : headers->get_object())
      if (field.value().is_string()) out.emplace_back(field.key(), std::string_view(field.value().get_string()));
  const auto* auth = with.if_contains("auth");
  if (!auth) return out;
  const auto& given = auth->get_object();
  out.emplace_back("Authorization",
                   text_in(given, "type") == "basic"
                       ? "Basic " + base64(text_in(given, "username") + ":" + text_in(given, "password"))
                       : "Bearer " + text_in(given, "token"));
  return out;
}

void check_url(Checking& what, const egress::Client& client, const json::Value& url, Path path) {
  if (!url.is_string()) return;
  const std::string_view text = url.get_string();
  // A template may stand for anything; it is judged when it is called.
  if (text.find("{{") == text.npos && !client.guard().may_name(text))
    what.problems.add("egress_forbidden", std::move(path), "This server does not call that address.");
}

void check_headers(Checking& what) {
  const auto* headers = what.step.with.if_contains("headers");
  if (!headers || !headers->is_object()) return;
  for (const auto& field : headers->get_object())
    if (!egress::may_set_header(field.key()))
      what.problems.add("invalid", what.path / "headers" / std::string(field.key()), "This header cannot be set.");
}

std::vector<std::string> urls_of(const json::Object& with) {
  std::vector<std::string> out;
  if (const auto* url = with.if_contains("url")) out.emplace_back(std::string_view(url->get_string()));
  if (const auto* urls = with.if_contains("urls"))
    for (const auto& url : urls->get_array()) out.emplace_back(std::string_view(url.get_string()));
  return out;
}

std::string name_of_url(std::string_view url) {
  const auto path = url.substr(0, url.find_first_of("?#"));
  const auto host = path.find("://");
  const auto slash = host == path.npos ? path.npos : path.find('/', host + 3);
  return name_of_path(slash == path.npos ? "" : path.substr(slash));
}

class SourceHttp final : public StepKind {
 public:
  SourceHttp(const egress::Client& client, DetectType detect) : client_(client), detect_(std::move(detect)) {
    about_.name = "source.http";
    about_.summary = "Files at URLs: one item each.";
    about_.role = Role::source;
    about_.with =
        an_object({{"url", a_text("One URL.")},
                   {"urls", {{"type", "array"}, {"items", a_text("A URL.")}, {"minItems", 1}, {"maxItems", 32}}},
                   {"headers", headers_schema()},
                   {"auth", auth_schema()}});
    about_.outputs = {"name", "mime", "size", "sha256", "text", "data"};
    about_.gives = {Media::any};
    about_.secrets = true;
    about_.lasting = true;
  }
  const About& about() const override { return about_; }
  bool lists() const override { return true; }

  void check(Checking& what) const override {
    const auto& with = what.step.with;
    if (with.contains("url") == with.contains("urls"))
      what.problems.add("required", what.path / "url", "Exactly one of url and urls is required.");
    check_headers(what);
    if (const auto* url = with.if_contains("url")) check_url(what, client_, *url, what.path / "url");
    if (const auto* urls = with.if_contains("urls"); urls && urls->is_array())
      for (std::size_t i = 0; i < urls->get_array().size(); ++i)
        check_url(what, client_, urls->get_array()[i], what.path / "urls" / i);
  }

  ListResult list(const Call& call, std::stop_token) override {
    Listed out;
    for (auto& url : urls_of(call.with)) {
      Item item;
      item.name = name_of_url(url);
      item.url = std::move(url);
      out.items.push_back(std::move(item));
    }
    return out;
  }

  StepResult run(const Call& call, std::stop_token stop) override {
    return fetch_item(client_, call, headers_of(call.with), detect_, stop);
  }

 private:
  About about_;
  const egress::Client& client_;
  DetectType detect_;
};

class SinkHttp final : public StepKind {
 public:
  explicit SinkHttp(const egress::Client& client) : client_(client) {
    about_.name = "sink.http";
    about_.summary = "A call to a URL with the item's result.";
    about_.role = Role::sink;
    about_.with = an_object({{"url", a_text("Where to.")},
                             {"method", one_of("", json::Array{"POST", "PUT"}, "POST")},
                             {"headers", headers_schema()},
                             {"auth", auth_schema()},
                             {"body", {{"description", "Sent as JSON; the nearest output by default."}}}},
                            {"url"});
    about_.outputs = {"status", "body"};
    about_.secrets = true;
    about_.lasting = true;
  }
  const About& about() const override { return about_; }

  void check(Checking& what) const override {
    check_headers(what);
    if (const auto* url = what.step.with.if_contains("url")) check_url(what, client_, *url, what.path / "url");
  }

  StepResult run(const Call& call, std::stop_token stop) override {
    const auto* body = call.with.if_contains("body");
    egress::Request request{.method = text_in(call.with, "method", "POST"),
                            .url = text_in(call.with, "url"),
                            .headers = headers_of(call.with)};
    request.headers.emplace_back("Content-Type", "application/json");
    request.headers.emplace_back("Idempotency-Key", call.token);
    request.body = boost::json::serialize(body ? *body : call.nearest_data());
    request.max_response = most_answer;
    auto answer = client_.send(request, stop);
    if (!answer) {
      auto fault = fetch_fault(answer.error(), most_answer);
      if (fault.code == fault::fetch_failed || fault.code == fault::file_too_large) fault.code = fault::sink_failed;
      return fault;
    }
    if (!answer->ok()) {
      auto fault = failed(fault::sink_failed, fmt::format("The server answered {}.", answer->status),
                          answer->body.substr(0, 500));
      fault.again = egress::is_passing(answer->status);
      fault.retry_after = answer->retry_after();
      return fault;
    }
    auto parsed = json::parse(answer->body);
    Output out;
    out.value = json::Object{{"status", answer->status},
                             {"body", parsed                     ? std::move(*parsed)
                                      : valid_utf8(answer->body) ? json::Value(answer->body)
                                                                 : json::Value()}};
    return out;
  }

 private:
  About about_;
  const egress::Client& client_;
};

}  // namespace

StepResult fetch_item(const egress::Client& client, const Call& call,
                      std::vector<std::pair<std::string, std::string>> headers, const DetectType& detect,
                      std::stop_token stop) {
  egress::Request request{.url = call.item.url.value_or(""), .headers = std::move(headers)};
  request.max_response = call.max_file_bytes;
  Incoming incoming(*call.store, call.max_file_bytes);
  auto answer = client.fetch(
      request, [&](std::string_view bytes) { return incoming.write(bytes); }, stop);
  // What ended the transfer may have been the store.
  if (!answer && answer.error().reason() == Reason::fetch_failed) {
    if (auto ended = incoming.why_it_ended()) return std::move(*ended);
  }
  if (!answer) return fetch_fault(answer.error(), call.max_file_bytes);
  if (answer->ok()) return incoming.finish(name_of_url(request.url), detect);
  auto fault =
      failed(fault::fetch_failed, fmt::format("The server answered {}.", answer->status), answer->body.substr(0, 500));
  fault.again = egress::is_passing(answer->status);
  fault.retry_after = answer->retry_after();
  return fault;
}

std::unique_ptr<StepKind> make_source_http(const egress::Client& client, DetectType detect) {
  return std::make_unique<SourceHttp>(client, std::move(detect));
}
std::unique_ptr<StepKind> make_sink_http(const egress::Client& client) {
  return std::make_unique<SinkHttp>(client);
}

}  // namespace toll::workflows::steps
