-- What keys of the tunes surface have beyond other keys, and the limits that an enterprise account has of its own.
ALTER TABLE api_keys ADD COLUMN environment TEXT NOT NULL DEFAULT 'production';
ALTER TABLE api_keys ADD COLUMN description TEXT;
ALTER TABLE api_keys ADD COLUMN limit_minute INTEGER;
ALTER TABLE api_keys ADD COLUMN limit_hour INTEGER;
ALTER TABLE api_keys ADD COLUMN limit_day INTEGER;
-- Addresses and CIDR blocks with one space between; empty: from anywhere.
ALTER TABLE api_keys ADD COLUMN allow_list TEXT NOT NULL DEFAULT '';
-- A JSON object.
ALTER TABLE api_keys ADD COLUMN metadata TEXT NOT NULL DEFAULT '{}';
ALTER TABLE api_keys ADD COLUMN active INTEGER NOT NULL DEFAULT 1;
-- What a rotation begins anew.
ALTER TABLE api_keys ADD COLUMN lifetime_days INTEGER;
-- In the future while a rotated key still has its grace.
ALTER TABLE api_keys ADD COLUMN revoked_at INTEGER;
ALTER TABLE api_keys ADD COLUMN rotated_from TEXT;
ALTER TABLE api_keys ADD COLUMN rotated_to TEXT;
ALTER TABLE api_keys ADD COLUMN total_requests INTEGER NOT NULL DEFAULT 0;
ALTER TABLE api_keys ADD COLUMN last_used_ip TEXT;
-- NULL: never since it was made.
ALTER TABLE api_keys ADD COLUMN updated_at INTEGER;

ALTER TABLE accounts ADD COLUMN limit_minute INTEGER;
ALTER TABLE accounts ADD COLUMN limit_hour INTEGER;
ALTER TABLE accounts ADD COLUMN limit_day INTEGER;

-- A rotated tunes key and its successor have one name.
DROP INDEX api_keys_account_id_kind_name;
CREATE UNIQUE INDEX api_keys_account_id_kind_name ON api_keys (account_id, kind, name) WHERE kind <> 'tunes';
CREATE INDEX api_keys_account_id_kind_created_at ON api_keys (account_id, kind, created_at);
