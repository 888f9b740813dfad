-- Organisations share workflows and deployments; their owner pays. Every account has a personal one.
CREATE TABLE organisations (
  id TEXT PRIMARY KEY NOT NULL,
  name TEXT NOT NULL,
  owner_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  personal BIGINT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX organisations_owner_id ON organisations (owner_id) WHERE personal = 1;
CREATE INDEX organisations_owner ON organisations (owner_id);

CREATE TABLE organisation_members (
  organisation_id TEXT NOT NULL REFERENCES organisations (id) ON DELETE CASCADE,
  account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  role TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (organisation_id, account_id)
);
CREATE INDEX organisation_members_account_id ON organisation_members (account_id);

-- Accounts of before have theirs from now on.
INSERT INTO organisations (id, name, owner_id, personal, created_at)
SELECT CAST(gen_random_uuid() AS TEXT),
       username, id, 1, created_at FROM accounts;
INSERT INTO organisation_members (organisation_id, account_id, role, created_at)
SELECT id, owner_id, 'owner', created_at FROM organisations;

-- Of a deployment key both, of a management key the organisation alone.
ALTER TABLE api_keys ADD COLUMN organisation_id TEXT REFERENCES organisations (id) ON DELETE CASCADE;
ALTER TABLE api_keys ADD COLUMN deployment_id TEXT;
CREATE INDEX api_keys_organisation_id ON api_keys (organisation_id, created_at) WHERE organisation_id IS NOT NULL;

-- A rotated key and its successor have one name.
DROP INDEX api_keys_account_id_kind_name;
CREATE UNIQUE INDEX api_keys_account_id_kind_name ON api_keys (account_id, kind, name) WHERE kind NOT IN ('tunes', 'deployment');
