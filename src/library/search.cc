#include "library/search.h"

#include <memory>

#include "library/index.h"
#include "library/rows.h"

namespace toll::library {

namespace {

// What both kinds of rows are searched by. Weights are of a word of the query that a word of the column begins with;
// a whole word counts double.
struct Column {
  std::string_view name;
  char label;  // of PostgreSQL's weights
  std::int64_t weight;
};
constexpr Column track_fields[] = {{"name", 'A', 8}, {"artists", 'B', 4}, {"album", 'C', 2}, {"genres", 'D', 1}};
constexpr Column playlist_fields[] = {{"name", 'A', 8}, {"description", 'B', 1}};
constexpr std::int64_t whole_name = 1000, name_begins = 500;

// SQL whose parameters are found while it is written.
class Statement {
 public:
  std::string place(sql::Value value) {
    values_.push_back(value);
    return "$" + std::to_string(values_.size());
  }
  // A text that lives as long as the statement.
  std::string keep(std::string text) {
    texts_.push_back(std::make_unique<std::string>(std::move(text)));
    return place(*texts_.back());
  }
  const std::vector<sql::Value>& values() const { return values_; }

 private:
  std::vector<sql::Value> values_;
  std::vector<std::unique_ptr<std::string>> texts_;
};

// The words consist of letters and digits (words.h), so none needs quoting inside of its quotes.
std::string fts5_match(AccountId account, const Query& query) {
  std::string out = "account : \"" + account_word(account) + "\"";
  auto need = [&](const std::vector<std::string>& words, std::string_view columns) {
    for (const auto& word : words) out.append(" AND ").append(columns).append("\"").append(word).append("\" *");
  };
  need(query.words, "- account : ");
  need(query.artist, "artists : ");
  need(query.album, "album : ");
  need(query.genre, "genres : ");
  return out;
}

std::string tsquery(AccountId account, const Query& query) {
  std::string out = "'@" + account_word(account) + "'";
  auto need = [&](const std::vector<std::string>& words, std::string_view labels) {
    for (const auto& word : words) out.append(" & '").append(word).append("':*").append(labels);
  };
  need(query.words, "");
  need(query.artist, "B");
  need(query.album, "C");
  need(query.genre, "D");
  return out;
}

std::string match(sql::Engine engine, Statement& statement, std::string_view table, AccountId account,
                  const Query& query) {
  if (engine == sql::Engine::sqlite) return std::string(table) + " MATCH " + statement.keep(fts5_match(account, query));
  return "s.document @@ CAST(" + statement.keep(tsquery(account, query)) + " AS tsquery)";
}

// Points that a row s gets: of itself and the query alone, so that other rows cannot move it between two pages.
template <std::size_t N>
std::string score(Statement& statement, const Column (&columns)[N], const Query& query) {
  std::string sql = "0";
  if (!query.words.empty()) {
    std::string all;
    for (const auto& word : query.words) all += (all.empty() ? "" : " ") + word;
    const auto whole = statement.keep(all), begins = statement.keep(all + "%");
    sql += " + CASE WHEN s.name = " + whole + " THEN " + std::to_string(whole_name) + " WHEN s.name LIKE " + begins +
           " THEN " + std::to_string(name_begins) + " ELSE 0 END";
  }
  for (const auto& word : query.words) {
    const auto part = statement.keep("% " + word + "%"), whole = statement.keep("% " + word + " %");
    for (const auto& column : columns) {
      const auto text = "' ' || s." + std::string(column.name) + " || ' '";
      sql += " + CASE WHEN " + text + " LIKE " + whole + " THEN " + std::to_string(2 * column.weight) + " WHEN " +
             text + " LIKE " + part + " THEN " + std::to_string(column.weight) + " ELSE 0 END";
    }
  }
  return sql;
}

// How one kind of thing is searched.
template <class T>
struct Kind {
  std::string_view table, alias, search, columns;
  T (*read)(const sql::Row&, std::size_t);
};
constexpr Kind<Track> tracks_kind{"tracks", "t", "tracks_search", track_columns, read_track};
constexpr Kind<Playlist> playlists_kind{"playlists", "p", "playlists_search", playlist_columns, read_playlist};

template <class T, std::size_t N>
Hits<T> search(sql::Tx& tx, const Kind<T>& kind, const Column (&columns)[N], AccountId account, const Query& query,
               std::size_t limit, const std::optional<AfterHit>& after) {
  const std::string alias(kind.alias);
  auto from_where = [&](Statement& statement) {
    // SQLite takes CROSS JOIN for "in this order": its guess would ask the index about every row of the account.
    const auto* join = tx.engine() == sql::Engine::sqlite ? " s CROSS JOIN " : " s JOIN ";
    std::string sql = " FROM " + std::string(kind.search) + join + std::string(kind.table) + " " + alias + " ON " +
                      alias + ".sequence = s.rowid WHERE " + alias + ".account_id = " + statement.place(account) +
                      " AND " + match(tx.engine(), statement, kind.search, account, query);
    if (query.year_from)
      sql +=
          " AND t.release_year BETWEEN " + statement.place(query.year_from) + " AND " + statement.place(query.year_to);
    if (query.isrc) sql += " AND t.isrc = " + statement.place(query.isrc);
    return sql;
  };
  Hits<T> out;
  {
    Statement statement;
    const auto sql = "SELECT count(*)" + from_where(statement);
    out.total = tx.query_with(sql, statement.values()).front().integer(0);
  }
  Statement statement;
  // The page is chosen by a few columns; only its rows are then read whole.
  const auto hits = "SELECT " + score(statement, columns, query) + " AS score, " + alias + ".sequence AS sequence, " +
                    alias + ".created_at AS created_at, " + alias + ".id AS id" + from_where(statement);
  std::string where;
  if (after) {
    const auto points = statement.place(after->score), time = statement.place(after->created_at),
               id = statement.place(after->id);
    where = " WHERE (h.score, h.created_at, h.id) < (" + points + ", " + time + ", " + id + ")";
  }
  const std::string order = " ORDER BY h.score DESC, h.created_at DESC, h.id DESC";
  const auto sql = "SELECT h.score, " + std::string(kind.columns) + " FROM (SELECT * FROM (" + hits + ") h" + where +
                   order + " LIMIT " + statement.place(limit + 1) + ") h JOIN " + std::string(kind.table) + " " +
                   alias + " ON " + alias + ".sequence = h.sequence" + order;
  std::int64_t last_score = 0;
  for (const auto& row : tx.query_with(sql, statement.values())) {
    if (out.items.size() == limit) {
      out.next = AfterHit{last_score, out.items.back().created_at, out.items.back().id.value()};
      break;
    }
    last_score = row.integer(0);
    out.items.push_back(kind.read(row, 1));
  }
  return out;
}

}  // namespace

Hits<Track> search_tracks(sql::Tx& tx, AccountId account, const Query& query, std::size_t limit,
                          const std::optional<AfterHit>& after) {
  if (query.empty()) return {};
  return search(tx, tracks_kind, track_fields, account, query, limit, after);
}

Hits<Playlist> search_playlists(sql::Tx& tx, AccountId account, const Query& query, std::size_t limit,
                                const std::optional<AfterHit>& after) {
  if (query.empty() || !query.only_words()) return {};
  return search(tx, playlists_kind, playlist_fields, account, query, limit, after);
}

}  // namespace toll::library
