// Search in the names of an account's tracks and playlists: every word of the query is the beginning of a word there,
// whatever case and accents.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "library/playlists.h"
#include "library/track.h"
#include "sql/database.h"

namespace toll::library {

// A query, understood. Words are folded (words.h).
struct Query {
  std::vector<std::string> words;  // in any field
  std::vector<std::string> artist, album, genre;
  std::optional<std::int64_t> year_from, year_to;
  std::optional<std::string> isrc;  // normal form
  bool only_words() const { return artist.empty() && album.empty() && genre.empty() && !year_from && !isrc; }
  bool empty() const { return words.empty() && only_words(); }
};

//   daft punk artist:"daft punk" album:discovery genre:house year:1999-2003 isrc:GBDUW0000059
// A filter takes the word, or the text in double quotes, that follows its colon. Faults: invalid_request with the
// reason as argument "why" (a year that is none, a filter without a value, too many words).
Result<Query> parse_query(std::string_view text);

// Where a list of hits goes on. The score of a hit depends on it and the query alone, so hits that come or go do not
// move it.
struct AfterHit {
  std::int64_t score = 0;
  Time created_at;
  std::string id;
};

template <class T>
struct Hits {
  std::vector<T> items;
  std::int64_t total = 0;
  std::optional<AfterHit> next;
};

// Best first: the whole name, then its beginning, then words of the name, of artists, of the album, of genres; whole
// words before beginnings; newest first among equals.
Hits<Track> search_tracks(sql::Tx& tx, AccountId account, const Query& query, std::size_t limit,
                          const std::optional<AfterHit>& after);
// A query with filters finds no playlists: they have no artist, album, genre or year.
Hits<Playlist> search_playlists(sql::Tx& tx, AccountId account, const Query& query, std::size_t limit,
                                const std::optional<AfterHit>& after);

}  // namespace toll::library
