#include "library/index.h"

#include "library/words.h"

namespace toll::library {

namespace {

std::string folded_all(const std::vector<std::string>& texts) {
  std::string out;
  for (const auto& text : texts) {
    if (!out.empty()) out += ' ';
    out += folded(text);
  }
  return out;
}

// The words of `text` as the inside of a tsvector, each with its weight: 'bjork':1A 'joga':2A
void add_lexemes(std::string& out, std::string_view text, char weight, int& position) {
  constexpr int last_position = 16383;  // that a tsvector can hold
  while (!text.empty()) {
    const auto word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    if (word.empty()) continue;
    if (position < last_position) ++position;
    out.append(" '").append(word).append("':").append(std::to_string(position)) += weight;
  }
}

struct Fielded {
  std::string_view text;
  char weight;
};
std::string document(AccountId account, std::initializer_list<Fielded> fields) {
  std::string out = "'@" + account_word(account) + "':1D";
  int position = 1;
  for (const auto& field : fields) add_lexemes(out, field.text, field.weight, position);
  return out;
}

}  // namespace

std::string account_word(AccountId account) {
  return "account" + std::to_string(account.value());
}

void drop_track_from_index(sql::Tx& tx, std::int64_t sequence) {
  tx.exec("DELETE FROM tracks_search WHERE rowid = $1", sequence);
}
void drop_playlist_from_index(sql::Tx& tx, std::int64_t sequence) {
  tx.exec("DELETE FROM playlists_search WHERE rowid = $1", sequence);
}
void drop_account_from_index(sql::Tx& tx, AccountId account) {
  tx.exec("DELETE FROM tracks_search WHERE rowid IN (SELECT sequence FROM tracks WHERE account_id = $1)", account);
  tx.exec("DELETE FROM playlists_search WHERE rowid IN (SELECT sequence FROM playlists WHERE account_id = $1)",
          account);
}

void index_track(sql::Tx& tx, AccountId account, std::int64_t sequence, const TrackFields& fields) {
  drop_track_from_index(tx, sequence);
  const auto name = folded(fields.name), artists = folded_all(fields.artists),
             album = folded(fields.album.name.value_or("")), genres = folded_all(fields.genres);
  if (tx.engine() == sql::Engine::sqlite)
    tx.exec("INSERT INTO tracks_search (rowid, account, name, artists, album, genres) VALUES ($1, $2, $3, $4, $5, $6)",
            sequence, account_word(account), name, artists, album, genres);
  else
    tx.exec(
        "INSERT INTO tracks_search (rowid, name, artists, album, genres, document) VALUES ($1, $2, $3, $4, $5, "
        "CAST($6 AS TEXT)::tsvector)",
        sequence, name, artists, album, genres,
        document(account, {{name, 'A'}, {artists, 'B'}, {album, 'C'}, {genres, 'D'}}));
}

void index_playlist(sql::Tx& tx, AccountId account, std::int64_t sequence, const PlaylistFields& fields) {
  drop_playlist_from_index(tx, sequence);
  const auto name = folded(fields.name), description = folded(fields.description.value_or(""));
  if (tx.engine() == sql::Engine::sqlite)
    tx.exec("INSERT INTO playlists_search (rowid, account, name, description) VALUES ($1, $2, $3, $4)", sequence,
            account_word(account), name, description);
  else
    tx.exec(
        "INSERT INTO playlists_search (rowid, name, description, document) VALUES ($1, $2, $3, CAST($4 AS "
        "TEXT)::tsvector)",
        sequence, name, description, document(account, {{name, 'A'}, {description, 'B'}}));
}

}  // namespace toll::library
