-- Calls of models that run now and cost something; hold_id is the call's hold in the ledger. A row that outlives its lease belongs
-- to a server that died: its hold is released.
CREATE TABLE inference_calls (
  id TEXT PRIMARY KEY NOT NULL,
  account_id BIGINT NOT NULL,
  hold_id BIGINT NOT NULL,
  model TEXT NOT NULL,
  lease_until BIGINT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE INDEX inference_calls_lease_until ON inference_calls (lease_until);
