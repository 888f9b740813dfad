#include "library/tracks.h"

#include <algorithm>
#include <deque>
#include <unordered_map>

#include "base/text.h"
#include "library/index.h"
#include "library/rows.h"
#include "library/rules.h"
#include "library/words.h"

namespace toll::library {

namespace {

constexpr std::string_view audio_name = "audio";

// Names twice, in any case, count once.
std::vector<Artist> artists_of(AccountId account, const std::vector<std::string>& names) {
  std::vector<Artist> out;
  for (const auto& name : names) {
    auto id = artist_id(account, name);
    if (std::ranges::find(out, id, &Artist::id) == out.end()) out.push_back({std::move(id), std::string(trim(name))});
  }
  return out;
}

std::vector<std::string> without_repeats(const std::vector<std::string>& texts) {
  std::vector<std::string> out;
  for (const auto& text : texts)
    if (std::ranges::find(out, text) == out.end()) out.push_back(text);
  return out;
}

std::optional<std::int64_t> year_of(const Album& album) {
  if (!album.release_date) return std::nullopt;
  return parse_int(std::string_view(*album.release_date).substr(0, 4));
}

std::string pack_artists(const std::vector<Artist>& artists) {
  std::vector<std::string> parts;
  for (const auto& artist : artists) {
    parts.push_back(artist.id);
    parts.push_back(artist.name);
  }
  return packed(parts);
}

std::string caseless_artists(const std::vector<Artist>& artists) {
  std::vector<std::string> parts;
  for (const auto& artist : artists) parts.push_back(caseless(artist.name));
  return packed(parts);
}

void link(sql::Tx& tx, AccountId account, std::int64_t track, const std::vector<Artist>& artists,
          const std::vector<std::string>& genres) {
  for (const auto& artist : artists)
    tx.exec("INSERT INTO track_artists (account_id, artist_id, track) VALUES ($1, $2, $3)", account, artist.id, track);
  for (const auto& genre : genres)
    tx.exec("INSERT INTO track_genres (account_id, genre, track) VALUES ($1, $2, $3)", account, genre, track);
}

void unlink(sql::Tx& tx, std::int64_t track) {
  tx.exec("DELETE FROM track_artists WHERE track = $1", track);
  tx.exec("DELETE FROM track_genres WHERE track = $1", track);
}

// A pattern for LIKE ... ESCAPE '!' that finds the text anywhere.
std::string anywhere(std::string_view text) {
  std::string out = "%";
  for (char c : text) {
    if (c == '%' || c == '_' || c == '!') out += '!';
    out += c;
  }
  return out + "%";
}

// Conditions over tracks t, with their parameters.
class Where {
 public:
  Where(AccountId account, const TrackFilter& filter) {
    add("t.account_id = ", account);
    if (filter.artist) {
      texts_.push_back(anywhere(caseless(*filter.artist)));
      add("t.artists_caseless LIKE ", texts_.back());
      sql_ += " ESCAPE '!'";
    }
    if (filter.genre) {
      // The account's number again: the index begins with it.
      sql_ += " AND t.sequence IN (SELECT g.track FROM track_genres g WHERE g.account_id = $1";
      add("g.genre = ", *filter.genre);
      sql_ += ")";
    }
    if (filter.isrc) {
      texts_.push_back(normal_isrc(*filter.isrc));
      add("t.isrc = ", texts_.back());
    }
    if (filter.has_audio) sql_ += *filter.has_audio ? " AND t.audio_type IS NOT NULL" : " AND t.audio_type IS NULL";
  }
  Where(const Where&) = delete;

  void add(std::string_view condition, sql::Value value) {
    if (!sql_.empty()) sql_ += " AND ";
    sql_.append(condition).append(place(value));
  }
  std::string place(sql::Value value) {
    values_.push_back(value);
    return "$" + std::to_string(values_.size());
  }
  void raw(std::string_view sql) { sql_ += sql; }
  const std::string& sql() const { return sql_; }
  const std::vector<sql::Value>& values() const { return values_; }

 private:
  std::string sql_;
  std::vector<sql::Value> values_;
  std::deque<std::string> texts_;  // what the values look at
};

}  // namespace

Result<Track> Tracks::create(sql::Tx& tx, AccountId account, const TrackFields& fields,
                             const std::optional<NewAudio>& audio) const {
  const TrackId id(random_.uuid4());
  const auto now = clock_.now();
  const auto artists = artists_of(account, fields.artists);
  const auto genres = without_repeats(fields.genres);
  const auto row = tx.one(
      "INSERT INTO tracks (id, account_id, name, artists, artists_caseless, album_name, album_release_date, "
      "album_images, release_year, duration_ms, explicit_lyrics, genres, isrc, ean, upc, track_number, disc_number, "
      "metadata, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, "
      "$16, $17, $18, $19, $19) RETURNING sequence",
      id, account, fields.name, pack_artists(artists), caseless_artists(artists), fields.album.name,
      fields.album.release_date, packed(fields.album.images), year_of(fields.album), fields.duration_ms,
      fields.explicit_lyrics, packed(genres), fields.external_ids.isrc, fields.external_ids.ean,
      fields.external_ids.upc, fields.track_number, fields.disc_number, fields.metadata, now);
  link(tx, account, row->integer(0), artists, genres);
  index_track(tx, account, row->integer(0), fields);
  if (audio)
    if (auto attached = attach(tx, account, id, *audio); !attached) return std::move(attached).error();
  return get(tx, account, id);
}

Result<Track> Tracks::get(sql::Tx& tx, AccountId account, const TrackId& id) const {
  static const std::string sql =
      "SELECT " + std::string(track_columns) + " FROM tracks t WHERE t.id = $1 AND t.account_id = $2";
  const auto row = tx.one(sql, id, account);
  if (!row) return Reason::track_not_found;
  return read_track(*row);
}

TrackPage Tracks::list(sql::Tx& tx, AccountId account, const TrackFilter& filter, std::size_t limit,
                       const std::optional<After>& after) const {
  Where where(account, filter);
  TrackPage page;
  page.total = tx.query_with("SELECT count(*) FROM tracks t WHERE " + where.sql(), where.values()).front().integer(0);
  if (after) {
    const auto time = where.place(after->created_at), id = where.place(after->id);
    where.raw(" AND (t.created_at, t.id) < (" + time + ", " + id + ")");
  }
  const auto rows = tx.query_with("SELECT " + std::string(track_columns) + " FROM tracks t WHERE " + where.sql() +
                                      " ORDER BY t.created_at DESC, t.id DESC LIMIT " + where.place(limit + 1),
                                  where.values());
  for (const auto& row : rows) {
    if (page.tracks.size() == limit) {
      page.next = After{page.tracks.back().created_at, page.tracks.back().id.value()};
      break;
    }
    page.tracks.push_back(read_track(row));
  }
  return page;
}

std::vector<std::optional<Track>> Tracks::find(sql::Tx& tx, AccountId account, std::span<const TrackId> ids) const {
  std::vector<std::string> wanted;
  for (const auto& id : ids) wanted.push_back(id.value());
  const auto rows = tx.query("SELECT " + std::string(track_columns) +
                                 " FROM tracks t WHERE t.account_id = $1 AND t.id IN (SELECT e.value FROM " +
                                 elements(tx.engine(), "$2") + ")",
                             account, as_list(tx.engine(), wanted));
  std::unordered_map<std::string, Track> found;
  for (const auto& row : rows) {
    auto track = read_track(row);
    auto id = track.id.value();
    found.emplace(std::move(id), std::move(track));
  }
  std::vector<std::optional<Track>> out;
  for (const auto& id : ids) {
    const auto it = found.find(id.value());
    out.push_back(it == found.end() ? std::nullopt : std::optional<Track>(it->second));
  }
  return out;
}

Result<Track> Tracks::update(sql::Tx& tx, AccountId account, const TrackId& id,
                             const std::function<void(TrackFields&)>& change) const {
  // Locked where writers run side by side: two changes of different fields keep both.
  const auto held = tx.one("SELECT " + std::string(track_columns) +
                               " FROM tracks t WHERE t.id = $1 AND t.account_id = $2" + for_update(tx.engine()),
                           id, account);
  if (!held) return Reason::track_not_found;
  const auto before = read_track(*held);
  auto fields = before.fields();
  change(fields);
  if (before.audio) fields.duration_ms = before.duration_ms;
  const auto artists = artists_of(account, fields.artists);
  const auto genres = without_repeats(fields.genres);
  const auto row = tx.one(
      "UPDATE tracks SET name = $3, artists = $4, artists_caseless = $5, album_name = $6, album_release_date = $7, "
      "album_images = $8, release_year = $9, duration_ms = $10, explicit_lyrics = $11, genres = $12, isrc = $13, "
      "ean = $14, upc = $15, track_number = $16, disc_number = $17, metadata = $18, updated_at = $19 "
      "WHERE id = $1 AND account_id = $2 RETURNING sequence",
      id, account, fields.name, pack_artists(artists), caseless_artists(artists), fields.album.name,
      fields.album.release_date, packed(fields.album.images), year_of(fields.album), fields.duration_ms,
      fields.explicit_lyrics, packed(genres), fields.external_ids.isrc, fields.external_ids.ean,
      fields.external_ids.upc, fields.track_number, fields.disc_number, fields.metadata, clock_.now());
  unlink(tx, row->integer(0));
  link(tx, account, row->integer(0), artists, genres);
  index_track(tx, account, row->integer(0), fields);
  return get(tx, account, id);
}

Result<void> Tracks::remove(sql::Tx& tx, AccountId account, const TrackId& id) const {
  const auto row =
      tx.one("SELECT sequence FROM tracks WHERE id = $1 AND account_id = $2" + for_update(tx.engine()), id, account);
  if (!row) return Reason::track_not_found;
  const auto sequence = row->integer(0);
  // The playlists first: a lock on each, before its entries move.
  tx.exec(
      "UPDATE playlists SET total = total - 1, snapshot_id = $2, updated_at = $3 "
      "WHERE sequence IN (SELECT playlist FROM playlist_entries WHERE track = $1)",
      sequence, random_.uuid4(), clock_.now());
  tx.exec(
      "UPDATE playlist_entries SET position = position - 1 "
      "WHERE playlist IN (SELECT playlist FROM playlist_entries WHERE track = $1) "
      "AND position > (SELECT gone.position FROM playlist_entries gone WHERE gone.track = $1 AND gone.playlist = "
      "playlist_entries.playlist)",
      sequence);
  tx.exec("DELETE FROM playlist_entries WHERE track = $1", sequence);
  drop_track_from_index(tx, sequence);
  drop_audio(tx, id);
  tx.exec("DELETE FROM tracks WHERE sequence = $1", sequence);
  return {};
}

Result<Track> Tracks::set_audio(sql::Tx& tx, AccountId account, const TrackId& id, const NewAudio& audio) const {
  if (auto found = get(tx, account, id); !found) return found;
  drop_audio(tx, id);
  if (auto attached = attach(tx, account, id, audio); !attached) return std::move(attached).error();
  return get(tx, account, id);
}

Result<void> Tracks::attach(sql::Tx& tx, AccountId account, const TrackId& id, const NewAudio& audio) const {
  const objects::NewObject object{account, std::string(audio_role), id.value(), std::string(audio_name)};
  auto kept = audio.staged ? objects_.attach(tx, *audio.staged, object)
                           : objects_.attach_copy(tx, audio.received.value(), object);
  if (!kept) return std::move(kept).error();
  const auto changed = tx.exec(
      "UPDATE tracks SET audio_type = $3, audio_size = $4, audio_sha256 = $5, audio_sample_rate = $6, audio_channels = "
      "$7, audio_uploaded_at = $8, duration_ms = $9, features_status = 'none', updated_at = $8 "
      "WHERE id = $1 AND account_id = $2",
      id, account, audio.recording.content_type, kept->size, hex(kept->digest), audio.recording.sample_rate,
      audio.recording.channels, clock_.now(), audio.recording.duration_ms());
  if (changed == 0) return Reason::track_not_found;
  return {};
}

void Tracks::drop_audio(sql::Tx& tx, const TrackId& id) const {
  if (objects_.detach_owner(tx, id.value(), audio_role) > 0) tx.after_commit([this] { sweeper_.wake(); });
}

std::string Tracks::audio_file_name(const Track& track) {
  std::string name;
  for (char c : utf8_prefix(track.name, 120)) name += static_cast<unsigned char>(c) < 0x20 || c == '/' ? ' ' : c;
  return name.append(probe::extension_of(track.audio ? track.audio->content_type : ""));
}

Summary Tracks::summary(sql::Tx& tx, AccountId account) const {
  const auto row = tx.one(
      "SELECT (SELECT count(*) FROM tracks WHERE account_id = $1), (SELECT count(DISTINCT artist_id) FROM "
      "track_artists WHERE account_id = $1), (SELECT count(DISTINCT genre) FROM track_genres WHERE account_id = $1)",
      account);
  return {row->integer(0), row->integer(1), row->integer(2)};
}

void Tracks::remove_account(sql::Tx& tx, AccountId account) const {
  for (const auto& row : tx.query("SELECT id FROM tracks WHERE account_id = $1 AND audio_type IS NOT NULL", account))
    drop_audio(tx, TrackId(row.text(0)));
  drop_account_from_index(tx, account);
  tx.exec("DELETE FROM playlists WHERE account_id = $1", account);
  tx.exec("DELETE FROM tracks WHERE account_id = $1", account);
}

}  // namespace toll::library
