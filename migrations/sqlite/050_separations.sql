-- What a separation job was asked to do, and what became of its files.
CREATE TABLE separations (
  job_id TEXT PRIMARY KEY NOT NULL,
  account_id INTEGER NOT NULL,
  filename TEXT NOT NULL,
  model TEXT NOT NULL,
  stem_count INTEGER NOT NULL,
  two_stem TEXT,
  served_by TEXT,
  archived INTEGER NOT NULL DEFAULT 0,
  files_deleted_at INTEGER
) STRICT;
CREATE INDEX separations_account_id ON separations (account_id);
CREATE INDEX separations_with_files ON separations (job_id) WHERE files_deleted_at IS NULL;
