#include "http/client.h"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>

#include <algorithm>

#include "base/text.h"
#include "http/url.h"

namespace toll::http {

namespace {

namespace beast = boost::beast;
using asio::ip::tcp;
using Deadline = std::chrono::steady_clock::time_point;

constexpr int max_interim = 8;  // 1xx answers before the one that counts
constexpr std::uint32_t max_response_head = 64 << 10;

Fault failed(std::string cause) {
  return Fault(Reason::upstream_failed).because(std::move(cause));
}

// getaddrinfo cannot be interrupted: at the deadline its answer is left behind.
asio::awaitable<Result<std::vector<tcp::endpoint>>> resolve(std::string host, std::string port, Deadline deadline) {
  struct Lookup {
    explicit Lookup(const asio::any_io_executor& executor) : resolver(executor), done(executor) {}
    tcp::resolver resolver;
    asio::steady_timer done;
    std::optional<boost::system::error_code> result;
    std::vector<tcp::endpoint> endpoints;
  };
  auto lookup = std::make_shared<Lookup>(co_await asio::this_coro::executor);
  lookup->done.expires_at(deadline);
  lookup->resolver.async_resolve(host, port,
                                 [lookup](boost::system::error_code ec, tcp::resolver::results_type results) {
                                   lookup->result = ec;
                                   for (const auto& result : results) lookup->endpoints.push_back(result.endpoint());
                                   lookup->done.cancel();
                                 });
  boost::system::error_code ignored;
  co_await lookup->done.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  if (!lookup->result) co_return failed("resolving " + host + " took too long");
  if (*lookup->result) co_return failed("resolving " + host + ": " + lookup->result->message());
  co_return lookup->endpoints;
}

asio::ssl::context& verifying_context() {
  static asio::ssl::context context = [] {
    asio::ssl::context made(asio::ssl::context::tls_client);
    SSL_CTX_set_min_proto_version(made.native_handle(), TLS1_2_VERSION);
    made.set_default_verify_paths();
    made.set_verify_mode(asio::ssl::verify_peer);
    return made;
  }();
  return context;
}

using Outgoing = beast::http::request<beast::http::string_body>;

Outgoing outgoing(ClientRequest& request, const Url& url) {
  Outgoing out(beast::http::string_to_verb(to_string(request.method)), url.target, 11);
  for (const auto& [name, value] : request.fields) out.insert(name, value);
  out.set(beast::http::field::host, url.authority);
  out.set(beast::http::field::connection, "close");
  const bool has_body = !request.body.empty() || request.method == Method::post || request.method == Method::put;
  if (has_body) out.content_length(request.body.size());
  out.body() = std::move(request.body);
  return out;
}

template <class Stream>
asio::awaitable<ClientResponse> exchange(Stream& stream, const Outgoing& out, std::size_t max_response) {
  co_await beast::http::async_write(stream, out, asio::use_awaitable);
  beast::flat_buffer buffer;
  ClientResponse response;
  for (int i = 0; i < max_interim && response.status < 200; ++i) {
    beast::http::response_parser<beast::http::string_body> parser;
    parser.header_limit(max_response_head);
    parser.body_limit(max_response);
    parser.skip(out.method() == beast::http::verb::head);
    co_await beast::http::async_read(stream, buffer, parser, asio::use_awaitable);
    response.status = static_cast<int>(parser.get().result_int());
    for (const auto& field : parser.get()) response.fields.add(field.name_string(), field.value());
    response.body = std::move(parser.get().body());
    if (response.status < 200) response.fields = {};
  }
  co_return response;
}

asio::awaitable<ClientResponse> exchange_over_tls(beast::tcp_stream tcp, const Outgoing& out, std::string host,
                                                  std::size_t max_response) {
  beast::ssl_stream<beast::tcp_stream> stream(std::move(tcp), verifying_context());
  stream.set_verify_callback(asio::ssl::host_name_verification(host));
  boost::system::error_code no_address;
  asio::ip::make_address(host, no_address);
  if (no_address) SSL_set_tlsext_host_name(stream.native_handle(), host.c_str());
  co_await stream.async_handshake(asio::ssl::stream_base::client, asio::use_awaitable);
  co_return co_await exchange(stream, out, max_response);
}

bool sound(const ClientRequest& request) {
  const auto clean = [](std::string_view text) {
    return text.find_first_of(std::string_view("\r\n\0", 3)) == text.npos;
  };
  return request.method != Method::other &&
         std::all_of(request.fields.begin(), request.fields.end(),
                     [&](const auto& field) { return clean(field.first) && clean(field.second); });
}

}  // namespace

asio::awaitable<Result<ClientResponse>> fetch(ClientRequest request) {
  const auto url = parse_url(request.url);
  if (!url) co_return failed("not a URL to fetch: " + request.url);
  if (!sound(request)) co_return failed("a field or the method cannot be sent");
  const auto deadline = std::chrono::steady_clock::now() + request.timeout;
  auto endpoints = co_await resolve(url->host, url->port, deadline);
  if (!endpoints) co_return std::move(endpoints).error();
  if (request.allows)
    std::erase_if(*endpoints, [&](const auto& endpoint) { return !request.allows(endpoint.address()); });
  if (endpoints->empty()) co_return failed("no allowed address: " + url->host);
  try {
    beast::tcp_stream tcp(co_await asio::this_coro::executor);
    tcp.expires_at(deadline);
    co_await tcp.async_connect(*endpoints, asio::use_awaitable);
    const Outgoing out = outgoing(request, *url);
    if (!url->tls) co_return co_await exchange(tcp, out, request.max_response);
    co_return co_await exchange_over_tls(std::move(tcp), out, url->host, request.max_response);
  } catch (const boost::system::system_error& error) {
    co_return failed(url->authority + ": " + error.what());
  }
}

}  // namespace toll::http
