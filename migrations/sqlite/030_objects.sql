-- Bytes by content, and who refers to them.
CREATE TABLE blobs (
  digest TEXT PRIMARY KEY NOT NULL,
  size INTEGER NOT NULL,
  crc32 INTEGER NOT NULL,
  refs INTEGER NOT NULL CONSTRAINT blobs_refs CHECK (refs >= 0),
  condemned_at INTEGER,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX blobs_unreferenced ON blobs (digest) WHERE refs = 0;

CREATE TABLE objects (
  id TEXT PRIMARY KEY NOT NULL,
  account_id INTEGER NOT NULL,
  role TEXT NOT NULL,
  owner TEXT NOT NULL,
  name TEXT NOT NULL,
  digest TEXT NOT NULL REFERENCES blobs (digest),
  created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX objects_owner_role_name ON objects (owner, role, name);
CREATE INDEX objects_digest ON objects (digest);
CREATE INDEX objects_account_id ON objects (account_id);
CREATE INDEX objects_role_created_at ON objects (role, created_at);
