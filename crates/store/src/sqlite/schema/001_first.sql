CREATE TABLE documents (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    parent TEXT,
    position INTEGER NOT NULL,
    version INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT;
CREATE INDEX documents_by_kind ON documents (kind, position, id);
CREATE INDEX documents_by_parent ON documents (kind, parent, position, id) WHERE parent IS NOT NULL;

CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    topic TEXT NOT NULL,
    subject TEXT NOT NULL,
    data TEXT NOT NULL
) STRICT;

-- `position` is the place in the queue, `number` the place in listings.
-- `blocked`: an older job of the same subject is queued or running.
CREATE TABLE jobs (
    number INTEGER PRIMARY KEY,
    position INTEGER NOT NULL UNIQUE,
    blocked INTEGER NOT NULL,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    key TEXT UNIQUE,
    subject TEXT,
    payload TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    interruptions INTEGER NOT NULL,
    max_attempts INTEGER NOT NULL,
    not_before_ms INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    started_ms INTEGER,
    ended_ms INTEGER,
    worker TEXT,
    lease_until_ms INTEGER,
    cancel_requested INTEGER NOT NULL,
    fraction REAL NOT NULL,
    step TEXT NOT NULL,
    result TEXT,
    fault TEXT,
    log_next INTEGER NOT NULL DEFAULT 0,
    log_bytes INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX jobs_ready ON jobs (position) WHERE state = 'queued' AND blocked = 0;
CREATE INDEX jobs_running ON jobs (lease_until_ms) WHERE state = 'running';
CREATE INDEX jobs_active_of_subject ON jobs (subject, position) WHERE subject IS NOT NULL AND state IN ('queued', 'running');

-- Lines as they were appended, many to a row.
CREATE TABLE job_log (
    job INTEGER NOT NULL REFERENCES jobs (number) ON DELETE CASCADE,
    first INTEGER NOT NULL,
    lines INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (job, first)
) STRICT, WITHOUT ROWID;
