-- Credits, purchases, kept answers and usage. account_id is no foreign key here: money and usage outlive the account.
CREATE TABLE credit_accounts (
  account_id INTEGER PRIMARY KEY NOT NULL,
  balance INTEGER NOT NULL CONSTRAINT credit_accounts_balance CHECK (balance >= 0 AND balance <= 1000000000000000000),
  held INTEGER NOT NULL
) STRICT;

CREATE TABLE ledger_entries (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  account_id INTEGER NOT NULL,
  kind TEXT NOT NULL,
  amount INTEGER NOT NULL,
  balance_after INTEGER NOT NULL CONSTRAINT ledger_entries_balance_after CHECK (balance_after >= 0),
  description TEXT NOT NULL,
  reference TEXT NOT NULL,
  hold_id INTEGER REFERENCES ledger_entries (id),
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX ledger_entries_account_id_id ON ledger_entries (account_id, id);
-- A hold ends once.
CREATE UNIQUE INDEX ledger_entries_hold_id ON ledger_entries (hold_id) WHERE hold_id IS NOT NULL;

-- Payments that have been credited; never a payment twice.
CREATE TABLE purchases (
  provider TEXT NOT NULL,
  payment_id TEXT NOT NULL,
  account_id INTEGER NOT NULL,
  package TEXT NOT NULL,
  credits INTEGER NOT NULL,
  cents INTEGER NOT NULL,
  currency TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (provider, payment_id)
) STRICT;

CREATE TABLE idempotency_keys (
  scope TEXT NOT NULL,
  key_hash TEXT NOT NULL,
  state TEXT NOT NULL,
  fingerprint TEXT,
  owner TEXT NOT NULL,
  token INTEGER NOT NULL,
  lease_until INTEGER NOT NULL,
  status INTEGER,
  fields TEXT,
  body TEXT,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (scope, key_hash)
) STRICT;
CREATE INDEX idempotency_keys_expires_at ON idempotency_keys (expires_at);

CREATE TABLE usage_records (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  account_id INTEGER NOT NULL,
  key_id TEXT,
  endpoint TEXT NOT NULL,
  method TEXT NOT NULL,
  status INTEGER NOT NULL,
  duration INTEGER NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX usage_records_account_id_id ON usage_records (account_id, id);
