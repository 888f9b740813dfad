// source.s3, sink.s3: any server of the S3 protocol that the user names, with SigV4 over the client for outgoing calls.
#include <fmt/format.h>

#include <boost/json/serialize.hpp>

#include "base/text.h"
#include "blob/s3/xml.h"
#include "blob/sigv4.h"
#include "workflows/steps/files.h"
#include "workflows/steps/outside.h"
#include "workflows/steps/schema_words.h"

namespace toll::workflows::steps {

namespace {

namespace sigv4 = blob::sigv4;

constexpr std::size_t most_listing = 8 << 20;

json::Object bucket_schema() {
  return {{"endpoint", a_text("The server: https://s3.example.org.", 2000)},
          {"region", {{"type", "string"}, {"maxLength", 64}, {"default", "us-east-1"}}},
          {"bucket", {{"type", "string"}, {"pattern", "^[A-Za-z0-9][A-Za-z0-9._-]{1,62}$"}}},
          {"access_key", a_secret("Its key.")},
          {"secret_key", a_secret("And the secret of it.")}};
}

std::string endpoint_of(const json::Object& with) {
  auto out = text_in(with, "endpoint");
  while (out.ends_with('/')) out.pop_back();
  return out;
}

void check_endpoint(Checking& what, const egress::Client& client) {
  const auto url = text_in(what.step.with, "endpoint");
  if (!url.empty() && url.find("{{") == url.npos && !client.guard().may_name(url))
    what.problems.add("egress_forbidden", what.path / "endpoint", "This server does not call that address.");
}

// A signed request of path style; `payload` is the hash of the body.
egress::Request signed_request(const json::Object& with, std::string method, const std::string& key,
                               const sigv4::Pairs& query, const std::string& payload, Time now) {
  const auto endpoint = endpoint_of(with);
  const auto scheme = endpoint.find("://");
  const auto path = "/" + text_in(with, "bucket") + (key.empty() ? "" : "/" + key);
  sigv4::Message message{
      method, path, query, {{"host", scheme == endpoint.npos ? endpoint : endpoint.substr(scheme + 3)}}, payload};
  egress::Request out{.method = std::move(method)};
  for (auto& field : sigv4::sign_headers({text_in(with, "access_key"), text_in(with, "secret_key")},
                                         {text_in(with, "region", "us-east-1")}, message, now))
    if (!equal_ignoring_case(field.first, "host")) out.headers.push_back(std::move(field));
  const auto text = sigv4::encode_query(query);
  out.url = endpoint + sigv4::encode_path(path) + (text.empty() ? "" : "?" + text);
  // A signature is for one address.
  out.redirects = 0;
  return out;
}

StepFault answered(const egress::Response& answer, std::string_view code) {
  const auto why = blob::s3::element(answer.body, "Code");
  auto out = failed(code,
                    fmt::format("The store answered {}{}{}.", answer.status, why ? " " : "",
                                why ? blob::s3::plain(*why).substr(0, 60) : ""),
                    answer.body.substr(0, 500));
  out.again = egress::is_passing(answer.status);
  out.retry_after = answer.retry_after();
  return out;
}

class SourceS3 final : public StepKind {
 public:
  SourceS3(const egress::Client& client, const Clock& clock, DetectType detect)
      : client_(client), clock_(clock), detect_(std::move(detect)) {
    about_.name = "source.s3";
    about_.summary = "Objects of an S3 bucket: one item each.";
    about_.role = Role::source;
    auto properties = bucket_schema();
    properties["prefix"] =
        json::Object{{"type", "string"}, {"maxLength", 1024}, {"description", "Keys that begin so; all by default."}};
    properties["max_files"] = an_integer("More are left out.", 1, 10'000, 100);
    about_.with = an_object(std::move(properties), {"endpoint", "bucket", "access_key", "secret_key"});
    about_.outputs = {"name", "mime", "size", "sha256", "text", "data"};
    about_.gives = {Media::any};
    about_.secrets = true;
    about_.lasting = true;
  }
  const About& about() const override { return about_; }
  bool lists() const override { return true; }
  void check(Checking& what) const override { check_endpoint(what, client_); }

  ListResult list(const Call& call, std::stop_token stop) override {
    const auto most = static_cast<std::size_t>(integer_in(call.with, "max_files", 100));
    Listed out;
    for (std::string next;;) {
      sigv4::Pairs query{{"list-type", "2"},
                         {"max-keys", std::to_string(std::min<std::size_t>(most - out.items.size(), 1000))}};
      if (!next.empty()) query.emplace_back("continuation-token", next);
      if (const auto prefix = text_in(call.with, "prefix"); !prefix.empty()) query.emplace_back("prefix", prefix);
      auto request = signed_request(call.with, "GET", "", query, std::string(sigv4::empty_payload), clock_.now());
      request.max_response = most_listing;
      auto answer = client_.send(request, stop);
      if (!answer) return fetch_fault(answer.error(), most_listing);
      if (!answer->ok()) return answered(*answer, fault::fetch_failed);
      add(out, answer->body, most);
      const auto token = blob::s3::element(answer->body, "NextContinuationToken");
      next = token ? blob::s3::plain(*token) : "";
      if (next.empty() || out.items.size() >= most) return out;
    }
  }

  StepResult run(const Call& call, std::stop_token stop) override {
    const auto key = call.item.url.value_or("");
    auto request = signed_request(call.with, "GET", key, {}, std::string(sigv4::empty_payload), clock_.now());
    request.max_response = call.max_file_bytes;
    Incoming incoming(*call.store, call.max_file_bytes);
    auto answer = client_.fetch(
        request, [&](std::string_view bytes) { return incoming.write(bytes); }, stop);
    if (auto ended = incoming.why_it_ended()) return std::move(*ended);
    if (!answer) return fetch_fault(answer.error(), call.max_file_bytes);
    if (!answer->ok()) return answered(*answer, fault::fetch_failed);
    return incoming.finish(call.item.name, detect_);
  }

 private:
  // What ends in a slash stands for a folder.
  static void add(Listed& out, std::string_view listing, std::size_t most) {
    for (const auto object : blob::s3::elements(listing, "Contents")) {
      const auto key = blob::s3::element(object, "Key");
      if (!key || key->ends_with('/') || out.items.size() >= most) continue;
      Item item;
      item.url = blob::s3::plain(*key);
      item.name = name_of_path(
          percent_encode(item.url->substr(item.url->rfind('/') == item.url->npos ? 0 : item.url->rfind('/') + 1)));
      out.items.push_back(std::move(item));
    }
  }

  About about_;
  const egress::Client& client_;
  const Clock& clock_;
  DetectType detect_;
};

// The digest of a file is its name in the store: it is signed without reading the file twice.
class SinkS3 final : public StepKind {
 public:
  SinkS3(const egress::Client& client, const Clock& clock) : client_(client), clock_(clock) {
    about_.name = "sink.s3";
    about_.summary = "An object in an S3 bucket.";
    about_.role = Role::sink;
    auto properties = bucket_schema();
    properties["path"] = a_text("The key; what is there is replaced.", 1024);
    properties["value"] =
        json::Object{{"description", "What is written: a text as it is, else JSON; the nearest output by default."}};
    properties["file"] = json::Object{{"description", "A file of this item instead."}};
    about_.with = an_object(std::move(properties), {"endpoint", "bucket", "access_key", "secret_key", "path"});
    about_.outputs = {"path"};
    about_.secrets = true;
    about_.lasting = true;
  }
  const About& about() const override { return about_; }

  void check(Checking& what) const override {
    check_endpoint(what, client_);
    if (what.step.with.contains("value") && what.step.with.contains("file"))
      what.problems.add("invalid", what.path / "file", "Only one of value and file can be written.");
  }

  StepResult run(const Call& call, std::stop_token stop) override {
    const auto key = text_in(call.with, "path");
    if (key.empty() || key.starts_with('/')) return failed(fault::sink_failed, "The path is no key.");
    auto answer = call.with.contains("file") ? send_file(call, key, stop) : send_value(call, key, stop);
    if (auto* fault = std::get_if<StepFault>(&answer)) return std::move(*fault);
    const auto& response = std::get<egress::Response>(answer);
    if (!response.ok()) return answered(response, fault::sink_failed);
    Output out;
    out.value = json::Object{{"path", key}};
    return out;
  }

 private:
  using Sent = std::variant<egress::Response, StepFault>;

  Sent send(const egress::Request& request, const std::stop_token& stop) const {
    auto answer = client_.send(request, stop);
    if (answer) return std::move(*answer);
    auto fault = fetch_fault(answer.error(), request.max_response);
    if (fault.code == fault::fetch_failed) fault.code = fault::sink_failed;
    return fault;
  }

  Sent send_value(const Call& call, const std::string& key, const std::stop_token& stop) const {
    const auto* given = call.with.if_contains("value");
    const auto value = given ? *given : call.nearest_data();
    const auto body = value.is_string() ? std::string(value.get_string()) : boost::json::serialize(value);
    auto request = signed_request(call.with, "PUT", key, {}, hex(sha256(body)), clock_.now());
    request.headers.emplace_back("Content-Type", value.is_string() ? "text/plain; charset=utf-8" : "application/json");
    request.body = body;
    return send(request, stop);
  }

  Sent send_file(const Call& call, const std::string& key, const std::stop_token& stop) const {
    const auto file = call.file_of(call.with.at("file"));
    if (!file) return failed(fault::sink_failed, "There is no such file among this item's.");
    auto bytes = call.open(*file);
    if (!bytes) return failed(fault::file_unreadable, "The file is not there any more.", bytes.error().describe());
    auto request = signed_request(call.with, "PUT", key, {}, hex(file->digest), clock_.now());
    request.headers.emplace_back("Content-Type", file->mime);
    request.length = file->size;
    request.give = [reader = *bytes, at = std::uint64_t{0}](char* out, std::size_t room) mutable {
      const auto got = reader->read_at(at, std::as_writable_bytes(std::span(out, room)));
      at += got;
      return static_cast<std::ptrdiff_t>(got);
    };
    return send(request, stop);
  }

  About about_;
  const egress::Client& client_;
  const Clock& clock_;
};

}  // namespace

std::unique_ptr<StepKind> make_source_s3(const egress::Client& client, const Clock& clock, DetectType detect) {
  return std::make_unique<SourceS3>(client, clock, std::move(detect));
}
std::unique_ptr<StepKind> make_sink_s3(const egress::Client& client, const Clock& clock) {
  return std::make_unique<SinkS3>(client, clock);
}

}  // namespace toll::workflows::steps
