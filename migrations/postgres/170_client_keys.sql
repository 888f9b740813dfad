-- Client pairs: what they have beyond other keys. In api_keys their name is their client id; the label is the owner's. A slice is what a
-- key may spend of its account's quota; without one it spends what is left beside the slices. subject is the key's in quota_counters.
CREATE TABLE client_keys (
  key_id TEXT PRIMARY KEY NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
  account_id BIGINT NOT NULL,
  label TEXT NOT NULL,
  subject BYTEA NOT NULL,
  query_slice BIGINT CONSTRAINT client_keys_query_slice CHECK (query_slice >= 0),
  mutation_slice BIGINT CONSTRAINT client_keys_mutation_slice CHECK (mutation_slice >= 0),
  old_secret_hash TEXT,
  old_secret_until BIGINT
);
CREATE INDEX client_keys_account_id ON client_keys (account_id);
CREATE UNIQUE INDEX client_keys_old_secret_hash ON client_keys (old_secret_hash) WHERE old_secret_hash IS NOT NULL;

-- What an account is to its client pairs: the id in its objects' keys, and its quotas where they are not the operator's default.
CREATE TABLE client_accounts (
  account_id BIGINT PRIMARY KEY NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  uid TEXT NOT NULL,
  query_limit BIGINT,
  mutation_limit BIGINT
);
CREATE UNIQUE INDEX client_accounts_uid ON client_accounts (uid);
