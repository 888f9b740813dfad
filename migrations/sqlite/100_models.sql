-- The registry of models: repositories, versions, files, aliases, grants, the feed of changes, and who used what.
-- last_update_ts, updated_ts, from_ts, until_ts, stamp and closed are whole seconds since 1970: so the registry speaks of time.
CREATE TABLE model_feed (
  id INTEGER PRIMARY KEY CONSTRAINT model_feed_one CHECK (id = 1),
  seq INTEGER NOT NULL,
  stamp INTEGER NOT NULL,
  closed INTEGER NOT NULL
) STRICT;
INSERT INTO model_feed (id, seq, stamp, closed) VALUES (1, 0, 0, 0);

-- owner_id is no foreign key and a deleted repository keeps its row: its name stays its former owner's.
CREATE TABLE model_repos (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  revision INTEGER NOT NULL DEFAULT 1,
  repo_id TEXT NOT NULL,
  owner_id INTEGER,
  is_public INTEGER NOT NULL,
  deleted INTEGER NOT NULL DEFAULT 0,
  last_update_ts INTEGER NOT NULL,
  change_seq INTEGER NOT NULL,
  change TEXT NOT NULL,
  default_version INTEGER,
  file_count INTEGER NOT NULL DEFAULT 0,
  has_safetensors INTEGER NOT NULL DEFAULT 0,
  has_bin INTEGER NOT NULL DEFAULT 0,
  downloads INTEGER NOT NULL DEFAULT 0,
  likes INTEGER,
  parameters INTEGER,
  parameters_readable TEXT,
  created_at INTEGER,
  last_modified INTEGER,
  canonical_url TEXT,
  model_name TEXT,
  author TEXT,
  pipeline_tag TEXT,
  license TEXT,
  languages TEXT,
  tags TEXT,
  engine TEXT,
  source_commit TEXT,
  search TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX model_repos_repo_id ON model_repos (repo_id);
CREATE INDEX model_repos_owner_id ON model_repos (owner_id);
CREATE INDEX model_repos_listed ON model_repos (last_update_ts DESC, repo_id, is_public, owner_id, revision) WHERE deleted = 0;
CREATE INDEX model_repos_feed ON model_repos (last_update_ts, change_seq, is_public, owner_id, change, repo_id) WHERE deleted = 0;
CREATE INDEX model_repos_engine ON model_repos (engine) WHERE engine IS NOT NULL;

-- Kept by models/search.cc, not by triggers: the connections trust no virtual table that the schema names.
CREATE VIRTUAL TABLE model_search USING fts5 (search, content = 'model_repos', content_rowid = 'id', tokenize = 'trigram');

CREATE TABLE model_versions (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  repo INTEGER NOT NULL REFERENCES model_repos (id),
  version TEXT NOT NULL,
  notes TEXT,
  source_commit TEXT,
  created_at INTEGER NOT NULL,
  completed_at INTEGER,
  file_count INTEGER NOT NULL DEFAULT 0,
  size INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX model_versions_repo_version ON model_versions (repo, version);

CREATE TABLE model_aliases (
  repo INTEGER NOT NULL REFERENCES model_repos (id),
  alias TEXT NOT NULL,
  version INTEGER NOT NULL REFERENCES model_versions (id),
  PRIMARY KEY (repo, alias)
) STRICT, WITHOUT ROWID;
CREATE INDEX model_aliases_version ON model_aliases (version);

-- version 0: no version. A row is listed: ready, or pending (declared, its bytes have not come).
CREATE TABLE model_files (
  id INTEGER PRIMARY KEY,
  repo INTEGER NOT NULL REFERENCES model_repos (id),
  rfilename TEXT NOT NULL,
  version INTEGER NOT NULL DEFAULT 0,
  ready INTEGER NOT NULL,
  size INTEGER,
  sha256 TEXT,
  object_key TEXT NOT NULL,
  declared_size INTEGER,
  declared_sha256 TEXT,
  updated_ts INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX model_files_repo_rfilename_version ON model_files (repo, rfilename, version);
CREATE INDEX model_files_object_key ON model_files (object_key);

-- id is the upload slot of the object store whose bytes become the file. lapsed: its URLs have ended, and its version has been told.
CREATE TABLE model_uploads (
  id TEXT PRIMARY KEY NOT NULL,
  repo INTEGER NOT NULL REFERENCES model_repos (id),
  version INTEGER NOT NULL REFERENCES model_versions (id),
  rfilename TEXT NOT NULL,
  account_id INTEGER NOT NULL,
  received INTEGER NOT NULL DEFAULT 0,
  lapsed INTEGER NOT NULL DEFAULT 0,
  expires_at INTEGER NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX model_uploads_version_rfilename ON model_uploads (version, rfilename);
CREATE INDEX model_uploads_lapsed_expires_at ON model_uploads (lapsed, expires_at);

-- due_at: the second at which the grant begins or ends next, until that has been noted in the feed.
CREATE TABLE model_grants (
  account_id INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  repo INTEGER NOT NULL REFERENCES model_repos (id),
  from_ts INTEGER NOT NULL,
  until_ts INTEGER,
  download INTEGER NOT NULL,
  run INTEGER NOT NULL,
  due_at INTEGER,
  PRIMARY KEY (account_id, repo)
) STRICT, WITHOUT ROWID;
CREATE INDEX model_grants_repo ON model_grants (repo);
CREATE INDEX model_grants_due_at ON model_grants (due_at) WHERE due_at IS NOT NULL;

-- Who lost sight of a repository: an account, every developer (0), or administrators (-1).
CREATE TABLE model_departures (
  account_id INTEGER NOT NULL,
  repo_id TEXT NOT NULL,
  last_update_ts INTEGER NOT NULL,
  change_seq INTEGER NOT NULL,
  change TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (account_id, repo_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX model_departures_feed ON model_departures (account_id, last_update_ts, change_seq);

-- Append-only: the registry's audit log and the source of its usage figures.
CREATE TABLE model_access_log (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  created_at INTEGER NOT NULL,
  account_id INTEGER,
  key_id TEXT,
  event TEXT NOT NULL,
  status TEXT NOT NULL,
  repo_id TEXT,
  rfilename TEXT,
  version TEXT,
  object_key TEXT,
  size INTEGER,
  bytes INTEGER NOT NULL DEFAULT 0,
  urls INTEGER NOT NULL DEFAULT 0,
  remote TEXT,
  user_agent TEXT,
  request_id TEXT
) STRICT;
CREATE INDEX model_access_log_account_id_created_at ON model_access_log (account_id, created_at);
CREATE INDEX model_access_log_created_at ON model_access_log (created_at);

-- Which model of the registry did the work: the SHA-256 over its files as they were.
ALTER TABLE separations ADD COLUMN served_repo TEXT;
ALTER TABLE separations ADD COLUMN served_version TEXT;
ALTER TABLE separations ADD COLUMN served_digest TEXT;
