-- Where a signed PUT may write: opened by an owner for a key, finished when the owner has taken the bytes.
CREATE TABLE upload_slots (
  id TEXT PRIMARY KEY NOT NULL,
  account_id BIGINT NOT NULL,
  space TEXT NOT NULL,
  reference TEXT NOT NULL,
  object_key TEXT NOT NULL,
  parts BIGINT NOT NULL,
  max_bytes BIGINT NOT NULL,
  expected_size BIGINT,
  expected_digest TEXT,
  finished BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE INDEX upload_slots_space_reference ON upload_slots (space, reference);
CREATE INDEX upload_slots_expires_at ON upload_slots (expires_at);
