// Search in the library.
#pragma once

#include "surfaces/tunes/endpoints/playlists.h"

namespace toll::tunes {

// The lists that were asked for; an absent one was not.
struct SearchAnswer {
  std::optional<Page<TrackView>> tracks;
  std::optional<Page<PlaylistView>> playlists;
};

struct Search : Endpoint {
  struct Request {
    std::string q;
    std::optional<std::string> type;
    std::optional<std::int64_t> limit;
    std::optional<Cursor<3>> after;  // which list, score, time
  };
  using Response = SearchAnswer;
  static constexpr Route route{Method::get, "/search"};
  static constexpr std::string_view id = "tunes.search", summary = "Find tracks and playlists";
  static constexpr std::string_view description =
      "Every word must be the beginning of a word in a name, an artist, an album or a genre, whatever case and "
      "accents; best first. "
      "artist:, album:, genre:, year:1999-2003 and isrc: look in one field; text with spaces goes into double quotes. "
      "Filters are for "
      "tracks: with one of them no playlist is found. The answer to `after` holds only the list that the cursor "
      "belongs to.";
  static constexpr std::string_view scope = "read:tracks";
  static void check(const Call&, const Request& in, api::Checks& checks);
  static Result<Response> handle(Call& call, const Request& in);
};

}  // namespace toll::tunes

namespace toll::json {

template <>
struct Schema<tunes::SearchAnswer> {
  using V = tunes::SearchAnswer;
  static constexpr std::string_view name = "SearchAnswer";
  static constexpr auto fields =
      std::tuple{field(&V::tracks, "tracks", "When type names track.", {.omit_null = true}),
                 field(&V::playlists, "playlists", "When type names playlist.", {.omit_null = true})};
};

template <>
struct Schema<tunes::Search::Request> {
  using R = tunes::Search::Request;
  static constexpr std::string_view name = "Search";
  static constexpr auto fields = std::tuple{
      field(&R::q, "q", "What to look for.", {.in = In::query, .min = 1, .max = 250}),
      field(&R::type, "type", "track, playlist or both with a comma; track unless said otherwise.",
            {.in = In::query, .example = "track,playlist"}),
      field(&R::limit, "limit", "Hits a page; 20 unless said otherwise.", {.in = In::query, .min = 1, .max = 100}),
      field(&R::after, "after", "Where the page before ended.", {.in = In::query})};
};

}  // namespace toll::json
