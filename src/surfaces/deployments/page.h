// Pages of lists: ?page=2&page_size=50.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "surfaces/deployments/house.h"
#include "surfaces/deployments/wire.h"

namespace toll::deployed {

struct Paging {
  std::int64_t number = 1, size = 50;
  std::size_t offset() const { return static_cast<std::size_t>((number - 1) * size); }
  std::size_t limit() const { return static_cast<std::size_t>(size); }
};

// Of the request's query; what is no number or out of bounds is refused. Faults: invalid_request; not_found for a page
// that no list has.
Result<Paging> paging(const Call& call);
// A value of the query; empty: it is not there.
std::string query(const Call& call, std::string_view name);
// The address of another page of this list.
std::string address_of(const Call& call, const Paging& page);
// Scheme and host as clients reach us: "https://example.com:8443"; empty where nothing tells.
std::string origin_of(const http::Request& request, std::string_view public_url);

// Faults: not_found for a page after the last one.
template <class T>
Result<Page<T>> page(const Call& call, const Paging& which, std::int64_t count, std::vector<T> results) {
  if (which.number > 1 && results.empty()) return Reason::not_found;
  Page<T> out{count, {}, {}, std::move(results)};
  if (which.number * which.size < count) out.next = address_of(call, {which.number + 1, which.size});
  if (which.number > 1) out.previous = address_of(call, {which.number - 1, which.size});
  return out;
}

// The body of a page whose results are JSON already.
json::Object page_json(const Page<json::Value>& page);

}  // namespace toll::deployed
