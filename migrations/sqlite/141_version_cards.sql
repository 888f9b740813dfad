-- What the source of a version told of the model when the version was installed; the card says it while that version serves.
CREATE TABLE model_version_cards (
  version INTEGER PRIMARY KEY NOT NULL REFERENCES model_versions (id),
  canonical_url TEXT,
  model_name TEXT,
  author TEXT,
  pipeline_tag TEXT,
  license TEXT,
  languages TEXT,
  tags TEXT,
  engine TEXT,
  parameters INTEGER
) STRICT;
