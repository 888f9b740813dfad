-- Workflows of organisations, deployed as APIs. Who deletes one frees its name; its executions stay.
CREATE TABLE deployments (
  id TEXT PRIMARY KEY NOT NULL,
  organisation_id TEXT NOT NULL REFERENCES organisations (id) ON DELETE CASCADE,
  api_name TEXT NOT NULL,
  display_name TEXT NOT NULL,
  description TEXT NOT NULL,
  workflow_id TEXT NOT NULL,
  deployment_type TEXT NOT NULL,
  is_active BIGINT NOT NULL,
  rate_limit BIGINT NOT NULL,
  -- Addresses and CIDR blocks with one space between; empty: from anywhere.
  allowed_ips TEXT NOT NULL,
  allow_path_key BIGINT NOT NULL,
  max_file_mb BIGINT,
  max_files BIGINT,
  timeout_s BIGINT,
  -- A JSON object.
  parameters TEXT NOT NULL,
  result_ttl_s BIGINT NOT NULL,
  compat_reread BIGINT NOT NULL,
  run_count BIGINT NOT NULL DEFAULT 0,
  last_run_at BIGINT,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX deployments_organisation_id_api_name ON deployments (organisation_id, api_name);
CREATE INDEX deployments_created_at ON deployments (organisation_id, created_at);
CREATE INDEX deployments_workflow_id ON deployments (workflow_id);

-- Execute calls of the last minute, numbered one after the other: how many there are is a difference of numbers.
CREATE TABLE deployment_calls (
  deployment_id TEXT NOT NULL REFERENCES deployments (id) ON DELETE CASCADE,
  seq BIGINT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (deployment_id, seq)
);
CREATE INDEX deployment_calls_at ON deployment_calls (deployment_id, at);

-- Execute calls by UTC day (days since 1970).
CREATE TABLE deployment_days (
  deployment_id TEXT NOT NULL REFERENCES deployments (id) ON DELETE CASCADE,
  day BIGINT NOT NULL,
  requests BIGINT NOT NULL,
  rejected BIGINT NOT NULL,
  throttled BIGINT NOT NULL,
  PRIMARY KEY (deployment_id, day)
);
