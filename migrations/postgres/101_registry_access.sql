-- What the registry knows of an account. An administrator has every role; display_name is what the person is called.
ALTER TABLE accounts ADD COLUMN role text NOT NULL DEFAULT 'developer' CONSTRAINT accounts_role CHECK (role IN ('developer', 'platform'));
ALTER TABLE accounts ADD COLUMN display_name text;
