-- Calls of models that run now and cost something; hold_id is the call's hold in the ledger. A row that outlives its lease belongs
-- to a server that died: its hold is released.
CREATE TABLE inference_calls (
  id TEXT PRIMARY KEY NOT NULL,
  account_id INTEGER NOT NULL,
  hold_id INTEGER NOT NULL,
  model TEXT NOT NULL,
  lease_until INTEGER NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX inference_calls_lease_until ON inference_calls (lease_until);
