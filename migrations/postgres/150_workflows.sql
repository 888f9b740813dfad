-- Workflows of organisations. Each change makes a revision; executions keep the one that they were accepted with.
CREATE TABLE workflows (
  id TEXT PRIMARY KEY NOT NULL,
  organisation_id TEXT NOT NULL,
  name TEXT NOT NULL,
  type TEXT NOT NULL,
  revision BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE INDEX workflows_organisation_id ON workflows (organisation_id, created_at);

CREATE TABLE workflow_revisions (
  workflow_id TEXT NOT NULL,
  revision BIGINT NOT NULL,
  document TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (workflow_id, revision)
);

-- What a workflow may use and nobody may read: encrypted under a key of the server.
CREATE TABLE workflow_secrets (
  organisation_id TEXT NOT NULL,
  name TEXT NOT NULL,
  box BYTEA NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (organisation_id, name)
);
