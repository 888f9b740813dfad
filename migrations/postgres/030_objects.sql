-- Bytes by content, and who refers to them.
CREATE TABLE blobs (
  digest text PRIMARY KEY NOT NULL,
  size bigint NOT NULL,
  crc32 bigint NOT NULL,
  refs bigint NOT NULL CONSTRAINT blobs_refs CHECK (refs >= 0),
  condemned_at bigint,
  created_at bigint NOT NULL
);
CREATE INDEX blobs_unreferenced ON blobs (digest) WHERE refs = 0;

CREATE TABLE objects (
  id text PRIMARY KEY NOT NULL,
  account_id bigint NOT NULL,
  role text NOT NULL,
  owner text NOT NULL,
  name text NOT NULL,
  digest text NOT NULL REFERENCES blobs (digest),
  created_at bigint NOT NULL
);
CREATE UNIQUE INDEX objects_owner_role_name ON objects (owner, role, name);
CREATE INDEX objects_digest ON objects (digest);
CREATE INDEX objects_account_id ON objects (account_id);
CREATE INDEX objects_role_created_at ON objects (role, created_at);
