/**
 * The form of the database, as what each version added to the one before it. What was released is never changed: a new
 * version is a new entry at the end.
 *
 * Times are in ms since 1970. `code`, `message` and `hint` are those of a Failure.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE sources (
    name TEXT PRIMARY KEY,
    position INTEGER NOT NULL,
    commit_hash TEXT, commit_author TEXT, commit_date TEXT,
    since TEXT, fetched_at TEXT,
    code TEXT, message TEXT, hint TEXT, failing_since TEXT
  ) WITHOUT ROWID;

  CREATE TABLE lines (
    position INTEGER PRIMARY KEY,
    image TEXT NOT NULL,
    code TEXT NOT NULL, message TEXT NOT NULL, hint TEXT
  );

  CREATE TABLE repositories (
    name TEXT PRIMARY KEY,
    scanned_at INTEGER,
    paused_since INTEGER,
    code TEXT, message TEXT, hint TEXT, failing_since INTEGER
  ) WITHOUT ROWID;

  CREATE TABLE wishes (
    repository TEXT NOT NULL REFERENCES repositories ON DELETE CASCADE,
    public_name TEXT NOT NULL,
    position INTEGER NOT NULL,
    image TEXT NOT NULL,
    source TEXT, file TEXT NOT NULL, line INTEGER NOT NULL, commit_hash TEXT,
    since INTEGER NOT NULL,
    PRIMARY KEY (repository, public_name, position)
  ) WITHOUT ROWID;

  CREATE TABLE publications (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    repository TEXT NOT NULL,
    revision INTEGER,
    started_at INTEGER NOT NULL, finished_at INTEGER NOT NULL,
    images INTEGER NOT NULL, layers INTEGER NOT NULL, bytes INTEGER NOT NULL,
    error TEXT
  );

  CREATE TABLE images (
    id INTEGER PRIMARY KEY,
    repository TEXT NOT NULL REFERENCES repositories ON DELETE CASCADE,
    public_name TEXT NOT NULL,
    platform TEXT NOT NULL,
    image TEXT,
    config TEXT NOT NULL,
    published_at INTEGER,
    keep_days INTEGER,
    unwanted_since INTEGER,
    UNIQUE (repository, public_name, platform)
  );

  CREATE TABLE layers (
    digest TEXT PRIMARY KEY,
    bytes INTEGER NOT NULL
  ) WITHOUT ROWID;

  CREATE TABLE image_layers (
    image INTEGER NOT NULL REFERENCES images ON DELETE CASCADE,
    position INTEGER NOT NULL,
    layer TEXT NOT NULL REFERENCES layers,
    PRIMARY KEY (image, position)
  ) WITHOUT ROWID;
  CREATE INDEX image_layers_layer ON image_layers (layer);

  CREATE TABLE attempts (
    id INTEGER PRIMARY KEY,
    repository TEXT NOT NULL,
    public_name TEXT NOT NULL,
    platform TEXT,
    image TEXT NOT NULL,
    started_at INTEGER NOT NULL, finished_at INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    code TEXT, message TEXT, hint TEXT
  );
  CREATE INDEX attempts_image ON attempts (repository, public_name, finished_at);

  CREATE TABLE failures (
    repository TEXT NOT NULL,
    public_name TEXT NOT NULL,
    image TEXT NOT NULL,
    tries INTEGER NOT NULL,
    since INTEGER NOT NULL,
    next_try INTEGER NOT NULL,
    code TEXT NOT NULL, message TEXT NOT NULL, hint TEXT,
    PRIMARY KEY (repository, public_name)
  ) WITHOUT ROWID;

  CREATE TABLE marks (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
  ) WITHOUT ROWID;
  `,
  `
  CREATE TABLE under_way (
    run TEXT NOT NULL,
    spool TEXT NOT NULL,
    repository TEXT NOT NULL,
    public_name TEXT NOT NULL,
    image TEXT NOT NULL,
    digest TEXT NOT NULL,
    stage TEXT NOT NULL,
    PRIMARY KEY (run, repository, public_name, digest, stage)
  ) WITHOUT ROWID;

  CREATE TABLE deaths (
    repository TEXT NOT NULL,
    public_name TEXT NOT NULL,
    image TEXT NOT NULL,
    digest TEXT NOT NULL,
    stage TEXT NOT NULL,
    alone INTEGER NOT NULL,
    count INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (repository, public_name)
  ) WITHOUT ROWID;
  `,
  `
  CREATE TABLE verifications (
    repository TEXT NOT NULL REFERENCES repositories ON DELETE CASCADE,
    name TEXT NOT NULL,
    verified_at INTEGER NOT NULL,
    damages INTEGER NOT NULL,
    PRIMARY KEY (repository, name)
  ) WITHOUT ROWID;

  CREATE TABLE damages (
    repository TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    path TEXT NOT NULL,
    message TEXT NOT NULL,
    of_content INTEGER NOT NULL,
    since INTEGER NOT NULL,
    PRIMARY KEY (repository, name, kind, path),
    FOREIGN KEY (repository, name) REFERENCES verifications ON DELETE CASCADE
  ) WITHOUT ROWID;
  `,
  `
  CREATE TABLE askers (
    repository TEXT NOT NULL,
    public_name TEXT NOT NULL,
    source TEXT NOT NULL,
    keep TEXT,
    PRIMARY KEY (repository, public_name, source)
  ) WITHOUT ROWID;
  -- A configured file may have its path for a name, as a recipe has.
  INSERT OR IGNORE INTO askers SELECT repository, public_name, iif(source LIKE '/%', 'file:' || source, source),
    (SELECT CASE WHEN count(*) = 0 THEN NULL WHEN min(keep_days) = 0 THEN '"forever"'
     ELSE json_object('days', max(keep_days)) END
     FROM images WHERE images.repository = wishes.repository AND images.public_name = wishes.public_name
     AND keep_days IS NOT NULL)
    FROM wishes WHERE source IS NOT NULL;

  CREATE TABLE absences (
    repository TEXT NOT NULL,
    public_name TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (repository, public_name)
  ) WITHOUT ROWID;

  CREATE TABLE holds (
    repository TEXT NOT NULL,
    code TEXT NOT NULL, message TEXT NOT NULL, hint TEXT,
    since INTEGER NOT NULL,
    PRIMARY KEY (repository, code)
  ) WITHOUT ROWID;

  -- Nothing was removed so far, whatever its time: it begins now.
  UPDATE images SET unwanted_since = NULL;
  ALTER TABLE images DROP COLUMN keep_days;
  ALTER TABLE images ADD COLUMN reason TEXT;
  ALTER TABLE images ADD COLUMN due INTEGER;
  ALTER TABLE images ADD COLUMN hold TEXT;
  ALTER TABLE images ADD COLUMN confirmed INTEGER NOT NULL DEFAULT 0;
  `,
  `
  CREATE TABLE collections (
    repository TEXT PRIMARY KEY,
    finished_at INTEGER,
    swept INTEGER NOT NULL DEFAULT 0,
    waiting INTEGER NOT NULL DEFAULT 0,
    next_due INTEGER,
    blocked TEXT NOT NULL DEFAULT '[]',
    code TEXT, message TEXT, hint TEXT,
    failed_at INTEGER
  ) WITHOUT ROWID;
  `,
];
