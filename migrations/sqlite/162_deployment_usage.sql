-- What an execution came to, from its end on, for as long as usage is told.
CREATE TABLE deployment_runs (
  execution_id TEXT PRIMARY KEY NOT NULL,
  deployment_id TEXT NOT NULL REFERENCES deployments (id) ON DELETE CASCADE,
  day INTEGER NOT NULL,
  state TEXT NOT NULL,
  -- Microseconds from the start of the work; NULL where it never started.
  duration INTEGER,
  cost_micro INTEGER NOT NULL
) STRICT;
CREATE INDEX deployment_runs_day ON deployment_runs (deployment_id, day, duration);

CREATE TABLE deployment_tokens (
  deployment_id TEXT NOT NULL REFERENCES deployments (id) ON DELETE CASCADE,
  day INTEGER NOT NULL,
  model TEXT NOT NULL,
  calls INTEGER NOT NULL,
  prompt INTEGER NOT NULL,
  completion INTEGER NOT NULL,
  embedding INTEGER NOT NULL,
  PRIMARY KEY (deployment_id, day, model)
) STRICT;
