#include "surfaces/deployments/fetch.h"

#include <algorithm>

#include "base/text.h"
#include "surfaces/deployments/fields.h"

namespace toll::deployed {

namespace {

constexpr std::chrono::milliseconds most_time{60'000};

struct Parts {
  std::string_view scheme, authority, path;
};

Parts parts_of(std::string_view url) {
  Parts out;
  const auto colon = url.find("://");
  if (colon == url.npos) return out;
  out.scheme = url.substr(0, colon);
  url.remove_prefix(colon + 3);
  out.authority = url.substr(0, url.find_first_of("/?#"));
  url.remove_prefix(out.authority.size());
  out.path = url.substr(0, url.find_first_of("?#"));
  return out;
}

std::string_view host_of(std::string_view authority) {
  if (authority.starts_with('[')) return authority.substr(0, authority.find(']') + 1);
  return authority.substr(0, authority.find(':'));
}

// "eu-west-1"
bool is_region(std::string_view label) {
  return label.find('-') != label.npos && label.back() >= '0' && label.back() <= '9';
}

std::string_view take_last_label(std::string_view& host) {
  const auto dot = host.rfind('.');
  const auto label = dot == host.npos ? host : host.substr(dot + 1);
  host = dot == host.npos ? std::string_view() : host.substr(0, dot);
  return label;
}

// [bucket.]s3[.dualstack][.region], s3-region, s3-accelerate below amazonaws.com: others there are anybody's.
bool is_s3(std::string_view host) {
  constexpr std::string_view domain = ".amazonaws.com";
  if (!host.ends_with(domain)) return false;
  host.remove_suffix(domain.size());
  auto label = take_last_label(host);
  if (label.starts_with("s3-")) return label == "s3-accelerate" || is_region(label.substr(3));
  if (!label.empty() && is_region(label)) label = take_last_label(host);
  if (label == "dualstack") label = take_last_label(host);
  return label == "s3" || label == "s3-accelerate";
}

std::string name_of(std::string_view url) {
  const auto path = parts_of(url).path;
  return percent_decode(path.substr(path.rfind('/') + 1)).value_or("file");
}

Fault refused(std::size_t index, std::string code, std::string sentence) {
  FieldProblem problem;
  problem.path = {std::string("presigned_urls"), static_cast<std::int64_t>(index)};
  problem.code = std::move(code);
  problem.message = std::move(sentence);
  return Fault(Reason::invalid_request).at({std::move(problem)});
}

using Steady = std::chrono::steady_clock;

Result<workflows::Upload> fetch_one(const std::string& url, std::size_t index, const FetchRules& rules,
                                    Steady::time_point deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Steady::now());
  if (left.count() <= 0) return Reason::fetch_timed_out;
  auto writer = TOLL_TRY(rules.store.create());
  Result<void> written;
  std::uint64_t size = 0;
  egress::Request request;
  request.url = url;
  request.redirects = 0;
  request.most_time = left;
  request.max_response = rules.most_bytes;
  auto answer = rules.client.fetch(request, [&](std::string_view bytes) {
    size += bytes.size();
    written = writer->write(as_span(bytes));
    return written.has_value();
  });
  if (!written) return std::move(written).error();
  if (!answer && answer.error().reason() == Reason::egress_forbidden)
    return refused(index, "egress_forbidden", "This server does not call that address.");
  if (!answer) return std::move(answer).error();
  if (!answer->ok())
    return refused(index, "fetch_failed",
                   "The file could not be fetched: its host answered " + std::to_string(answer->status) + ".");
  auto staged = TOLL_TRY(writer->finish());
  return workflows::Upload{name_of(url), answer->header("content-type"),
                           std::shared_ptr<blob::Staged>(std::move(staged))};
}

}  // namespace

bool presigned_host_allowed(std::string_view url, const std::vector<std::string>& hosts, std::string_view own_origin) {
  const auto parts = parts_of(url);
  const auto authority = lower(parts.authority);
  if (authority.empty() || authority.find('@') != authority.npos) return false;
  if (!own_origin.empty() && url.starts_with(std::string(own_origin) + "/objects/")) return true;
  const auto host = std::string(host_of(authority));
  const bool listed =
      std::ranges::any_of(hosts, [&](const auto& one) { return lower(one) == host || lower(one) == authority; });
  if (listed) return equal_ignoring_case(parts.scheme, "https") || equal_ignoring_case(parts.scheme, "http");
  return is_s3(host) && equal_ignoring_case(parts.scheme, "https");
}

Result<std::vector<workflows::Upload>> fetch_presigned(const std::vector<std::string>& urls, const FetchRules& rules) {
  const json::Object nothing;
  Fields fields(nothing);
  for (std::size_t i = 0; i < urls.size(); ++i)
    if (!presigned_host_allowed(urls[i], rules.hosts, rules.own_origin))
      fields.refuse("presigned_urls", "invalid", "Not a presigned URL of a host that this server takes files from.");
  TOLL_TRY(std::move(fields).done());
  const auto deadline = Steady::now() + most_time;
  std::vector<workflows::Upload> out;
  for (std::size_t i = 0; i < urls.size(); ++i) out.push_back(TOLL_TRY(fetch_one(urls[i], i, rules, deadline)));
  return out;
}

}  // namespace toll::deployed
