-- Calls by subject and minute instead of a row a call; hours and days are sums of them. A subject is the 16 bytes of a
-- key's UUID or of an account's own number; tally is src/metering/usage/tally.h's encoding. Nothing read the old rows.
DROP TABLE usage_records;

CREATE TABLE usage_endpoints (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX usage_endpoints_name ON usage_endpoints (name);

-- One row. Hours and days of a number below are added up.
CREATE TABLE usage_state (
  writers INTEGER NOT NULL,
  hours_done INTEGER NOT NULL,
  days_done INTEGER NOT NULL
) STRICT;
INSERT INTO usage_state (writers, hours_done, days_done) VALUES (0, 0, 0);

CREATE TABLE usage_minutes (
  minute INTEGER NOT NULL,
  subject BLOB NOT NULL,
  writer INTEGER NOT NULL,
  account_id INTEGER NOT NULL,
  charged INTEGER NOT NULL,
  tally BLOB NOT NULL,
  PRIMARY KEY (minute, subject, writer)
) STRICT, WITHOUT ROWID;

CREATE TABLE usage_hours (
  hour INTEGER NOT NULL,
  subject BLOB NOT NULL,
  account_id INTEGER NOT NULL,
  charged INTEGER NOT NULL,
  tally BLOB NOT NULL,
  PRIMARY KEY (hour, subject)
) STRICT, WITHOUT ROWID;

CREATE TABLE usage_days (
  day INTEGER NOT NULL,
  subject BLOB NOT NULL,
  account_id INTEGER NOT NULL,
  charged INTEGER NOT NULL,
  tally BLOB NOT NULL,
  PRIMARY KEY (day, subject)
) STRICT, WITHOUT ROWID;

-- Hours that were written into after they may have been added up.
CREATE TABLE usage_late (
  hour INTEGER PRIMARY KEY NOT NULL,
  marks INTEGER NOT NULL
) STRICT;

-- What is reserved of absolute quotas; a process may hold a block of it that it has not spent.
CREATE TABLE quota_counters (
  subject BLOB NOT NULL,
  counter TEXT NOT NULL,
  reserved INTEGER NOT NULL CONSTRAINT quota_counters_reserved CHECK (reserved >= 0),
  PRIMARY KEY (subject, counter)
) STRICT, WITHOUT ROWID;
