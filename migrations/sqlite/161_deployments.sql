-- Workflows of organisations, deployed as APIs. Who deletes one frees its name; its executions stay.
CREATE TABLE deployments (
  id TEXT PRIMARY KEY NOT NULL,
  organisation_id TEXT NOT NULL REFERENCES organisations (id) ON DELETE CASCADE,
  api_name TEXT NOT NULL,
  display_name TEXT NOT NULL,
  description TEXT NOT NULL,
  workflow_id TEXT NOT NULL,
  deployment_type TEXT NOT NULL,
  is_active INTEGER NOT NULL,
  rate_limit INTEGER NOT NULL,
  -- Addresses and CIDR blocks with one space between; empty: from anywhere.
  allowed_ips TEXT NOT NULL,
  allow_path_key INTEGER NOT NULL,
  max_file_mb INTEGER,
  max_files INTEGER,
  timeout_s INTEGER,
  -- A JSON object.
  parameters TEXT NOT NULL,
  result_ttl_s INTEGER NOT NULL,
  compat_reread INTEGER NOT NULL,
  run_count INTEGER NOT NULL DEFAULT 0,
  last_run_at INTEGER,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX deployments_organisation_id_api_name ON deployments (organisation_id, api_name);
CREATE INDEX deployments_created_at ON deployments (organisation_id, created_at);
CREATE INDEX deployments_workflow_id ON deployments (workflow_id);

-- Execute calls of the last minute, numbered one after the other: how many there are is a difference of numbers.
CREATE TABLE deployment_calls (
  deployment_id TEXT NOT NULL REFERENCES deployments (id) ON DELETE CASCADE,
  seq INTEGER NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (deployment_id, seq)
) STRICT;
CREATE INDEX deployment_calls_at ON deployment_calls (deployment_id, at);

-- Execute calls by UTC day (days since 1970).
CREATE TABLE deployment_days (
  deployment_id TEXT NOT NULL REFERENCES deployments (id) ON DELETE CASCADE,
  day INTEGER NOT NULL,
  requests INTEGER NOT NULL,
  rejected INTEGER NOT NULL,
  throttled INTEGER NOT NULL,
  PRIMARY KEY (deployment_id, day)
) STRICT;
