-- Tracks and playlists. A track is one row: its lists (artists with their ids, genres, images) stand in it, separated by U+001F, which no
-- name can hold; track_artists and track_genres repeat them for who looks from the other side.
CREATE TABLE tracks (
  sequence INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  account_id INTEGER NOT NULL,
  name TEXT NOT NULL,
  artists TEXT NOT NULL,
  artists_caseless TEXT NOT NULL,
  album_name TEXT,
  album_release_date TEXT,
  album_images TEXT NOT NULL,
  release_year INTEGER,
  duration_ms INTEGER CONSTRAINT tracks_duration_ms CHECK (duration_ms >= 0),
  explicit_lyrics INTEGER NOT NULL,
  genres TEXT NOT NULL,
  isrc TEXT,
  ean TEXT,
  upc TEXT,
  track_number INTEGER,
  disc_number INTEGER,
  popularity INTEGER NOT NULL DEFAULT 0 CONSTRAINT tracks_popularity CHECK (popularity BETWEEN 0 AND 100),
  metadata TEXT NOT NULL,
  audio_type TEXT,
  audio_size INTEGER,
  audio_sha256 TEXT,
  audio_sample_rate INTEGER,
  audio_channels INTEGER,
  audio_uploaded_at INTEGER,
  features_status TEXT NOT NULL DEFAULT 'none'
    CONSTRAINT tracks_features_status CHECK (features_status IN ('none', 'pending', 'running', 'completed', 'failed')),
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX tracks_id ON tracks (id);
CREATE INDEX tracks_account_id ON tracks (account_id, created_at, id);
CREATE INDEX tracks_isrc ON tracks (account_id, isrc) WHERE isrc IS NOT NULL;

CREATE TABLE track_artists (
  account_id INTEGER NOT NULL,
  artist_id TEXT NOT NULL,
  track INTEGER NOT NULL REFERENCES tracks (sequence) ON DELETE CASCADE,
  PRIMARY KEY (account_id, artist_id, track)
) STRICT, WITHOUT ROWID;
CREATE INDEX track_artists_track ON track_artists (track);

CREATE TABLE track_genres (
  account_id INTEGER NOT NULL,
  genre TEXT NOT NULL,
  track INTEGER NOT NULL REFERENCES tracks (sequence) ON DELETE CASCADE,
  PRIMARY KEY (account_id, genre, track)
) STRICT, WITHOUT ROWID;
CREATE INDEX track_genres_track ON track_genres (track);

CREATE TABLE playlists (
  sequence INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  account_id INTEGER NOT NULL,
  name TEXT NOT NULL,
  description TEXT,
  is_public INTEGER NOT NULL,
  images TEXT NOT NULL,
  metadata TEXT NOT NULL,
  snapshot_id TEXT NOT NULL,
  total INTEGER NOT NULL CONSTRAINT playlists_total CHECK (total >= 0),
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX playlists_id ON playlists (id);
CREATE INDEX playlists_account_id ON playlists (account_id, created_at, id);

-- Positions are 0 to total - 1 whenever a transaction ends. Within one they may meet, so their index is not unique.
CREATE TABLE playlist_entries (
  playlist INTEGER NOT NULL REFERENCES playlists (sequence) ON DELETE CASCADE,
  track INTEGER NOT NULL REFERENCES tracks (sequence),
  position INTEGER NOT NULL,
  added_at INTEGER NOT NULL,
  PRIMARY KEY (playlist, track)
) STRICT, WITHOUT ROWID;
CREATE INDEX playlist_entries_position ON playlist_entries (playlist, position);
CREATE INDEX playlist_entries_track ON playlist_entries (track);

-- Words as src/library/words.h makes them, one space between; account is a word of its own, so that one account's hits are found
-- without looking at the others'. The row number is the track's or playlist's sequence.
CREATE VIRTUAL TABLE tracks_search USING fts5 (account, name, artists, album, genres, tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3');
CREATE VIRTUAL TABLE playlists_search USING fts5 (account, name, description, tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3');
