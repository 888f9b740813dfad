-- Media records. money says how their hold ended: held, captured, released, refunded; free when there was none.
CREATE TABLE media_records (
  mid TEXT PRIMARY KEY NOT NULL,
  account_id BIGINT NOT NULL,
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  status TEXT NOT NULL,
  model_type TEXT NOT NULL,
  content_type TEXT NOT NULL,
  size BIGINT NOT NULL,
  checks TEXT NOT NULL,
  hold_id BIGINT,
  price BIGINT NOT NULL,
  money TEXT NOT NULL,
  slot_id TEXT NOT NULL,
  reference_slot_id TEXT,
  upload_expires_at BIGINT NOT NULL,
  models TEXT NOT NULL,
  job_id TEXT,
  checked BIGINT NOT NULL,
  attempts BIGINT NOT NULL,
  revision BIGINT NOT NULL,
  answer TEXT,
  failure TEXT,
  failure_message TEXT,
  created_at BIGINT NOT NULL,
  ended_at BIGINT
);
CREATE INDEX media_records_account_id_created_at ON media_records (account_id, created_at, mid);
CREATE INDEX media_records_waiting ON media_records (upload_expires_at) WHERE status = 'INITED';
CREATE UNIQUE INDEX media_records_job_id ON media_records (job_id) WHERE job_id IS NOT NULL;

-- Requests for access, or for other quotas. decided_at is null exactly while it is pending; an account has one such at a time.
CREATE TABLE access_requests (
  id TEXT PRIMARY KEY NOT NULL,
  sequence BIGINT NOT NULL,
  account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  status TEXT NOT NULL,
  mutation_quota BIGINT NOT NULL,
  query_quota BIGINT NOT NULL,
  reason TEXT,
  created_at BIGINT NOT NULL,
  decided_at BIGINT
);
CREATE INDEX access_requests_account_id_sequence ON access_requests (account_id, sequence);
CREATE UNIQUE INDEX access_requests_account_id ON access_requests (account_id) WHERE status = 'PENDING';
CREATE INDEX access_requests_status_sequence ON access_requests (status, sequence);

-- Which model of the registry does what a modelType needs; version is a version or an alias, empty for what serves without either.
CREATE TABLE media_models (
  role TEXT PRIMARY KEY NOT NULL,
  repo_id TEXT NOT NULL,
  version TEXT NOT NULL,
  assigned_at BIGINT NOT NULL
);
