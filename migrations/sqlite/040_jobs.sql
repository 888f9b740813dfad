-- The queue. hold_id is the job's latest hold, open exactly while the state is pending or processing. attempt grows with every run
-- and makes older claims void. turn orders the waiting jobs: round robin between accounts.
CREATE TABLE jobs (
  sequence INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  account_id INTEGER NOT NULL,
  kind TEXT NOT NULL,
  description TEXT NOT NULL,
  cost INTEGER NOT NULL CONSTRAINT jobs_cost CHECK (cost >= 0),
  state TEXT NOT NULL CONSTRAINT jobs_state CHECK (state IN ('pending', 'processing', 'completed', 'failed', 'cancelled')),
  progress INTEGER NOT NULL DEFAULT 0 CONSTRAINT jobs_progress CHECK ((progress BETWEEN 0 AND 99 AND state <> 'completed') OR (progress = 100 AND state = 'completed')),
  lost_runs INTEGER NOT NULL DEFAULT 0,
  hold_id INTEGER,
  turn INTEGER NOT NULL,
  attempt INTEGER NOT NULL DEFAULT 0,
  worker TEXT,
  lease_until INTEGER,
  created_at INTEGER NOT NULL,
  started_at INTEGER,
  completed_at INTEGER,
  failure TEXT,
  failure_arguments TEXT,
  CONSTRAINT jobs_running CHECK ((state = 'processing') = (lease_until IS NOT NULL)),
  CONSTRAINT jobs_ended CHECK ((state IN ('completed', 'failed', 'cancelled')) = (completed_at IS NOT NULL)),
  CONSTRAINT jobs_failed CHECK ((state = 'failed') = (failure IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX jobs_id ON jobs (id);
CREATE INDEX jobs_account_id ON jobs (account_id, sequence);
CREATE INDEX jobs_waiting ON jobs (turn, sequence) WHERE state = 'pending';
CREATE INDEX jobs_waiting_of_account ON jobs (account_id, turn) WHERE state = 'pending';
CREATE INDEX jobs_leases ON jobs (lease_until) WHERE state = 'processing';
