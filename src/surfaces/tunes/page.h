// Lists that go on: opaque cursors, the Page object, its Link header.
//
//   struct Request { std::int64_t limit = 20; std::optional<Cursor<1>> after; };   // both In::query
//   using Response = Page<TrackView>;
//   ...
//   return page(call, std::move(items), in.limit, total, next ? std::optional(Cursor<1>{{...}, next->id}) :
//   std::nullopt);
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/call.h"
#include "json/schema.h"
#include "surfaces/tunes/house.h"

namespace toll::tunes {

// Where a list goes on: the N numbers it is ordered by, and the id that decides among equals. Opaque on the wire; a
// text that is not one, or of a list with another order, is refused while the request is read.
template <std::size_t N>
struct Cursor {
  std::array<std::int64_t, N> numbers{};
  std::string id;
};

std::string cursor_text(std::span<const std::int64_t> numbers, std::string_view id);
// False: not a cursor with this many numbers.
bool read_cursor(std::string_view text, std::span<std::int64_t> numbers, std::string& id);

struct Cursors {
  std::optional<std::string> after;
};

template <class T>
struct Page {
  std::string href;
  std::vector<T> items;
  std::int64_t limit = 0;
  std::optional<std::string> next;
  Cursors cursors;
  std::int64_t total = 0;
};

// This request's own address: scheme, host and path as the client used them, or the operator's public URL.
std::string href_of(const http::Request& request, std::string_view public_url);
// The same list after the cursor.
std::string next_of(const http::Request& request, std::string_view public_url, std::string_view after);

// `after`: where the next page begins; none on the last one. Adds the Link header to the reply.
template <class T, std::size_t N>
Page<T> page(api::Call<House>& call, std::vector<T> items, std::int64_t limit, std::int64_t total,
             const std::optional<Cursor<N>>& after) {
  Page<T> out{href_of(call.request, call.house.public_url), std::move(items), limit, {}, {}, total};
  if (after) {
    out.cursors.after = cursor_text(after->numbers, after->id);
    out.next = next_of(call.request, call.house.public_url, *out.cursors.after);
    call.reply.set("Link", "<" + *out.next + ">; rel=\"next\"");
  }
  return out;
}

// "TrackPage" of "Track".
template <class T>
struct PageName {
  static constexpr auto text = [] {
    constexpr std::string_view suffix = "Page";
    std::array<char, json::Schema<T>::name.size() + suffix.size()> out{};
    std::size_t at = 0;
    for (char c : json::Schema<T>::name) out[at++] = c;
    for (char c : suffix) out[at++] = c;
    return out;
  }();
};

}  // namespace toll::tunes

namespace toll::json {

template <std::size_t N>
struct Codec<tunes::Cursor<N>> {
  static void read_text(std::string_view text, tunes::Cursor<N>& out, const Rules&, Reading& reading) {
    if (!tunes::read_cursor(text, out.numbers, out.id)) reading.refuse_text("is not a cursor of this list", text);
  }
  static void read(const Value& v, tunes::Cursor<N>& out, const Rules& rules, Reading& reading) {
    if (!v.is_string()) return reading.refuse(Problem::not_string, "must be a string", v);
    read_text(v.get_string(), out, rules, reading);
  }
  static void write(std::string& out, const tunes::Cursor<N>& v, bool) {
    append_string(out, tunes::cursor_text(v.numbers, v.id));
  }
  static Object schema(const Rules&, Definitions&) { return {{"type", "string"}}; }
};

template <>
struct Schema<tunes::Cursors> {
  static constexpr std::string_view name = "Cursors";
  static constexpr auto fields =
      std::tuple{field(&tunes::Cursors::after, "after", "Give it as `after` for the next page; null on the last one.")};
};

template <class T>
struct Schema<tunes::Page<T>> {
  using P = tunes::Page<T>;
  static constexpr std::string_view name{tunes::PageName<T>::text.data(), tunes::PageName<T>::text.size()};
  static constexpr auto fields = std::tuple{field(&P::href, "href", "The address of this page."),
                                            field(&P::items, "items", "Newest first unless the route says otherwise."),
                                            field(&P::limit, "limit", "Items a page at most."),
                                            field(&P::next, "next", "The address of the next page; null on the last."),
                                            field(&P::cursors, "cursors", "Where the list goes on."),
                                            field(&P::total, "total", "Items on all pages.")};
};

}  // namespace toll::json
