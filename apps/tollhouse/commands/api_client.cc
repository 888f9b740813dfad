#include "tollhouse/commands/api_client.h"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <exception>
#include <optional>

#include "base/random.h"
#include "http/client.h"

namespace toll::app {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

constexpr std::size_t largest_answer = std::size_t{1} << 30;  // a stem of an hour and a half
constexpr std::chrono::seconds patience{300};

asio::awaitable<void> fetch_into(http::ClientRequest request, std::optional<Result<http::ClientResponse>>& response) {
  response.emplace(co_await http::fetch(std::move(request)));
}

Result<Answer> call(http::ClientRequest request, const std::string& credential) {
  if (!credential.empty()) request.fields.set("Authorization", "Bearer " + credential);
  request.timeout = patience;
  request.max_response = largest_answer;
  asio::io_context io;
  std::optional<Result<http::ClientResponse>> response;
  std::exception_ptr broken;
  asio::co_spawn(io, fetch_into(std::move(request), response), [&](std::exception_ptr error) { broken = error; });
  io.run();
  if (broken) std::rethrow_exception(broken);
  if (!*response) return std::move(*response).error();
  return Answer{(*response)->status, std::move((*response)->body)};
}

std::string form_quoted(std::string_view name) {
  std::string out;
  for (char c : name) out += c == '"' ? "%22" : c == '\r' ? "%0D" : c == '\n' ? "%0A" : std::string(1, c);
  return out;
}

}  // namespace

json::object Answer::json() const {
  boost::system::error_code error;
  auto value = json::parse(body, error);
  return error || !value.is_object() ? json::object{} : std::move(value.as_object());
}

std::string Answer::detail() const {
  auto object = json();
  auto* detail = object.if_contains("detail");
  if (!detail) return fmt::format("the server answered {}", status);
  return fmt::format("the server answered {}: {}", status,
                     detail->is_string() ? std::string(detail->as_string()) : json::serialize(*detail));
}

std::string multipart_body(std::string_view boundary, const std::vector<FormField>& fields, const FormFile& file) {
  std::string body;
  for (const auto& field : fields)
    body += fmt::format("--{}\r\nContent-Disposition: form-data; name=\"{}\"\r\n\r\n{}\r\n", boundary,
                        form_quoted(field.name), field.value);
  body += fmt::format(
      "--{}\r\nContent-Disposition: form-data; name=\"{}\"; filename=\"{}\"\r\nContent-Type: application/octet-stream"
      "\r\n\r\n",
      boundary, form_quoted(file.name), form_quoted(file.filename));
  body += file.content;
  body += fmt::format("\r\n--{}--\r\n", boundary);
  return body;
}

Result<Answer> ApiClient::get(const std::string& path) const {
  http::ClientRequest request;
  request.url = url_ + path;
  return call(std::move(request), credential_);
}

Result<Answer> ApiClient::post(const std::string& path, const json::object& body) const {
  http::ClientRequest request;
  request.method = http::Method::post;
  request.url = url_ + path;
  request.fields.set("Content-Type", "application/json");
  request.body = json::serialize(body);
  return call(std::move(request), credential_);
}

Result<Answer> ApiClient::upload(const std::string& path, const std::vector<FormField>& fields,
                                 const FormFile& file) const {
  auto boundary = "tollhouse-" + SystemRandom().text(32, base62_alphabet);
  http::ClientRequest request;
  request.method = http::Method::post;
  request.url = url_ + path;
  request.fields.set("Content-Type", "multipart/form-data; boundary=" + boundary);
  request.body = multipart_body(boundary, fields, file);
  return call(std::move(request), credential_);
}

}  // namespace toll::app
