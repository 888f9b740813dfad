-- The same table with the same checks, said without IN: for a list SQLite fills a table of its own at every row that is written, and a
-- job's row is written three times. That was a third of what the queue's writer did.
CREATE TABLE jobs_checked (
  sequence INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  account_id INTEGER NOT NULL,
  kind TEXT NOT NULL,
  description TEXT NOT NULL,
  cost INTEGER NOT NULL CONSTRAINT jobs_cost CHECK (cost >= 0),
  state TEXT NOT NULL CONSTRAINT jobs_state CHECK (state = 'pending' OR state = 'processing' OR state = 'completed' OR state = 'failed' OR state = 'cancelled'),
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
  CONSTRAINT jobs_ended CHECK ((state = 'completed' OR state = 'failed' OR state = 'cancelled') = (completed_at IS NOT NULL)),
  CONSTRAINT jobs_failed CHECK ((state = 'failed') = (failure IS NOT NULL))
) STRICT;
INSERT INTO jobs_checked (sequence, id, account_id, kind, description, cost, state, progress, lost_runs, hold_id, turn, attempt, worker,
  lease_until, created_at, started_at, completed_at, failure, failure_arguments)
  SELECT sequence, id, account_id, kind, description, cost, state, progress, lost_runs, hold_id, turn, attempt, worker,
  lease_until, created_at, started_at, completed_at, failure, failure_arguments FROM jobs;
DROP TABLE jobs;
ALTER TABLE jobs_checked RENAME TO jobs;
CREATE UNIQUE INDEX jobs_id ON jobs (id);
CREATE INDEX jobs_account_id ON jobs (account_id, sequence);
CREATE INDEX jobs_waiting ON jobs (turn, sequence) WHERE state = 'pending';
CREATE INDEX jobs_waiting_of_account ON jobs (account_id, turn) WHERE state = 'pending';
CREATE INDEX jobs_leases ON jobs (lease_until) WHERE state = 'processing';
