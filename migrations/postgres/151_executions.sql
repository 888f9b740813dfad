-- Executions of workflows. `call` is what the caller sent besides files; `pins` what was decided at acceptance, by step.
CREATE TABLE executions (
  id TEXT PRIMARY KEY NOT NULL,
  organisation_id TEXT NOT NULL,
  deployment_id TEXT NOT NULL,
  workflow_id TEXT NOT NULL,
  revision BIGINT NOT NULL,
  payer_id BIGINT NOT NULL,
  state TEXT NOT NULL,
  call TEXT NOT NULL,
  pins TEXT NOT NULL,
  tag TEXT NOT NULL,
  max_file_bytes BIGINT NOT NULL,
  max_files BIGINT NOT NULL,
  timeout_s BIGINT NOT NULL,
  result_ttl_s BIGINT NOT NULL,
  items BIGINT NOT NULL,
  open_items BIGINT NOT NULL,
  succeeded BIGINT NOT NULL,
  error TEXT,
  cost_micro BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  started_at BIGINT,
  deadline_at BIGINT,
  ended_at BIGINT,
  expires_at BIGINT,
  purged BIGINT NOT NULL DEFAULT 0,
  acknowledged_at BIGINT
);
CREATE INDEX executions_deployment_id ON executions (deployment_id, created_at);
CREATE INDEX executions_organisation_id ON executions (organisation_id, created_at);
CREATE INDEX executions_workflow_id ON executions (workflow_id, revision);
CREATE INDEX executions_payer_id ON executions (payer_id);
CREATE INDEX executions_open ON executions (deadline_at) WHERE ended_at IS NULL;
CREATE INDEX executions_expiring ON executions (expires_at) WHERE purged = 0 AND expires_at IS NOT NULL;
CREATE INDEX executions_ended_at ON executions (ended_at) WHERE ended_at IS NOT NULL;

-- What an execution works on, one file, text or object each; item 0 of a workflow with connectors is the listing itself.
-- `claim` grows each time a worker takes the item; only who holds the last one may write. `turn` is the order of the queue.
CREATE TABLE execution_items (
  execution_id TEXT NOT NULL,
  ordinal BIGINT NOT NULL,
  id TEXT NOT NULL,
  source TEXT NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  mime TEXT NOT NULL,
  size BIGINT NOT NULL,
  sha256 TEXT,
  content TEXT,
  state TEXT NOT NULL,
  turn BIGINT NOT NULL,
  claim BIGINT NOT NULL DEFAULT 0,
  worker TEXT,
  lease_until BIGINT,
  lost BIGINT NOT NULL DEFAULT 0,
  history_key TEXT,
  from_history BIGINT NOT NULL DEFAULT 0,
  output TEXT,
  files TEXT,
  error TEXT,
  started_at BIGINT,
  ended_at BIGINT,
  PRIMARY KEY (execution_id, ordinal)
);
CREATE INDEX execution_items_waiting ON execution_items (turn) WHERE state = 'waiting';
CREATE INDEX execution_items_running ON execution_items (lease_until) WHERE state = 'running';
CREATE INDEX execution_items_history ON execution_items (history_key) WHERE history_key IS NOT NULL;

-- A step of an item: its output commits together with this row and its payment.
CREATE TABLE execution_steps (
  execution_id TEXT NOT NULL,
  ordinal BIGINT NOT NULL,
  step TEXT NOT NULL,
  state TEXT NOT NULL,
  attempt BIGINT NOT NULL,
  output TEXT,
  files TEXT,
  error TEXT,
  usage TEXT,
  pages BIGINT NOT NULL,
  bytes BIGINT NOT NULL,
  cost_micro BIGINT NOT NULL,
  started_at BIGINT NOT NULL,
  ended_at BIGINT,
  PRIMARY KEY (execution_id, ordinal, step)
);

-- Credits held for steps that have not been paid yet.
CREATE TABLE execution_holds (
  execution_id TEXT NOT NULL,
  ordinal BIGINT NOT NULL,
  step TEXT NOT NULL,
  hold_id BIGINT NOT NULL,
  micros BIGINT NOT NULL,
  PRIMARY KEY (execution_id, ordinal, step)
);
