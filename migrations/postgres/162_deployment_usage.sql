-- What an execution came to, from its end on, for as long as usage is told.
CREATE TABLE deployment_runs (
  execution_id TEXT PRIMARY KEY NOT NULL,
  deployment_id TEXT NOT NULL REFERENCES deployments (id) ON DELETE CASCADE,
  day BIGINT NOT NULL,
  state TEXT NOT NULL,
  -- Microseconds from the start of the work; NULL where it never started.
  duration BIGINT,
  cost_micro BIGINT NOT NULL
);
CREATE INDEX deployment_runs_day ON deployment_runs (deployment_id, day, duration);

CREATE TABLE deployment_tokens (
  deployment_id TEXT NOT NULL REFERENCES deployments (id) ON DELETE CASCADE,
  day BIGINT NOT NULL,
  model TEXT NOT NULL,
  calls BIGINT NOT NULL,
  prompt BIGINT NOT NULL,
  completion BIGINT NOT NULL,
  embedding BIGINT NOT NULL,
  PRIMARY KEY (deployment_id, day, model)
);
