-- What keys of the tunes surface have beyond other keys, and the limits that an enterprise account has of its own.
ALTER TABLE api_keys ADD COLUMN environment text NOT NULL DEFAULT 'production';
ALTER TABLE api_keys ADD COLUMN description text;
ALTER TABLE api_keys ADD COLUMN limit_minute bigint;
ALTER TABLE api_keys ADD COLUMN limit_hour bigint;
ALTER TABLE api_keys ADD COLUMN limit_day bigint;
-- Addresses and CIDR blocks with one space between; empty: from anywhere.
ALTER TABLE api_keys ADD COLUMN allow_list text NOT NULL DEFAULT '';
-- A JSON object.
ALTER TABLE api_keys ADD COLUMN metadata text NOT NULL DEFAULT '{}';
ALTER TABLE api_keys ADD COLUMN active bigint NOT NULL DEFAULT 1;
-- What a rotation begins anew.
ALTER TABLE api_keys ADD COLUMN lifetime_days bigint;
-- In the future while a rotated key still has its grace.
ALTER TABLE api_keys ADD COLUMN revoked_at bigint;
ALTER TABLE api_keys ADD COLUMN rotated_from text;
ALTER TABLE api_keys ADD COLUMN rotated_to text;
ALTER TABLE api_keys ADD COLUMN total_requests bigint NOT NULL DEFAULT 0;
ALTER TABLE api_keys ADD COLUMN last_used_ip text;
-- NULL: never since it was made.
ALTER TABLE api_keys ADD COLUMN updated_at bigint;

ALTER TABLE accounts ADD COLUMN limit_minute bigint;
ALTER TABLE accounts ADD COLUMN limit_hour bigint;
ALTER TABLE accounts ADD COLUMN limit_day bigint;

-- A rotated tunes key and its successor have one name.
DROP INDEX api_keys_account_id_kind_name;
CREATE UNIQUE INDEX api_keys_account_id_kind_name ON api_keys (account_id, kind, name) WHERE kind <> 'tunes';
CREATE INDEX api_keys_account_id_kind_created_at ON api_keys (account_id, kind, created_at);
