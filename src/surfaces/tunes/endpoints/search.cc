#include "surfaces/tunes/endpoints/search.h"

#include "api/gate.h"
#include "library/search.h"

namespace toll::tunes {

namespace {

constexpr std::int64_t hits_a_page = 20;
constexpr std::int64_t track_list = 0, playlist_list = 1;  // in cursors
constexpr std::string_view playlist_scope = "read:playlists";

struct Types {
  bool track = false, playlist = false;
};
std::optional<Types> types_of(const std::optional<std::string>& text) {
  Types out;
  std::string_view rest = text ? std::string_view(*text) : "track";
  for (;;) {
    const auto comma = rest.find(',');
    const auto word = rest.substr(0, comma);
    if (word == "track")
      out.track = true;
    else if (word == "playlist")
      out.playlist = true;
    else
      return std::nullopt;
    if (comma == rest.npos) return out;
    rest.remove_prefix(comma + 1);
  }
}

std::optional<library::AfterHit> after_hit(const std::optional<Cursor<3>>& cursor) {
  if (!cursor) return std::nullopt;
  return library::AfterHit{cursor->numbers[1], from_micros(cursor->numbers[2]), cursor->id};
}

std::optional<Cursor<3>> next_hit(std::int64_t list, const std::optional<library::AfterHit>& next) {
  if (!next) return std::nullopt;
  return Cursor<3>{{list, next->score, to_micros(next->created_at)}, next->id};
}

}  // namespace

void Search::check(const Call&, const Request& in, api::Checks& checks) {
  const auto types = types_of(in.type);
  if (!types) checks.refuse("type", *in.type, "must be track, playlist or both", Problem::rejected, Place::query);
  if (const auto query = library::parse_query(in.q); !query && !in.q.empty())
    checks.refuse("q", in.q, std::string(query.error().argument("why")), Problem::rejected, Place::query);
  if (!in.after || !types) return;
  const auto list = in.after->numbers[0];
  if ((list != track_list || !types->track) && (list != playlist_list || !types->playlist))
    checks.refuse("after", *in.after, "is not a cursor of this list", Problem::rejected, Place::query);
}

Result<SearchAnswer> Search::handle(Call& call, const Request& in) {
  auto types = *types_of(in.type);
  if (types.playlist)
    if (auto may = api::authorize_scope(*call.who, playlist_scope); !may) return std::move(may).error();
  if (in.after) {
    types.track = in.after->numbers[0] == track_list;
    types.playlist = !types.track;
  }
  const auto query = library::parse_query(in.q).value();
  const auto limit = in.limit.value_or(hits_a_page);
  SearchAnswer out;
  if (types.track) {
    auto hits =
        library::search_tracks(call.tx(), call.account(), query, static_cast<std::size_t>(limit), after_hit(in.after));
    out.tracks = page(call, views(std::move(hits.items)), limit, hits.total, next_hit(track_list, hits.next));
  }
  if (types.playlist) {
    auto hits = library::search_playlists(call.tx(), call.account(), query, static_cast<std::size_t>(limit),
                                          after_hit(in.after));
    std::vector<PlaylistView> items;
    for (auto& playlist : hits.items) items.push_back(view(call, std::move(playlist)));
    out.playlists = page(call, std::move(items), limit, hits.total, next_hit(playlist_list, hits.next));
  }
  return out;
}

}  // namespace toll::tunes
