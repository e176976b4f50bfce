-- Event log: what happened to each chain, in order.

CREATE TABLE log_topics (
    network          TEXT PRIMARY KEY,
    first_position   INTEGER NOT NULL,              -- retention has removed what is before
    next_position    INTEGER NOT NULL,              -- of the next event to come
    finalized_number INTEGER,
    finalized_hash   BLOB
) STRICT, WITHOUT ROWID;

CREATE TABLE log_events (
    id           INTEGER PRIMARY KEY,
    network      TEXT NOT NULL REFERENCES log_topics,
    position     INTEGER NOT NULL,
    kind         TEXT NOT NULL,
    block_number INTEGER NOT NULL,
    block_hash   BLOB NOT NULL,
    event        BLOB NOT NULL,
    UNIQUE (network, position)
) STRICT;

-- The canonical blocks as the log tells them, so that a restart need not read events.
CREATE TABLE log_chain (
    network      TEXT NOT NULL REFERENCES log_topics,
    block_number INTEGER NOT NULL,
    block_hash   BLOB NOT NULL,
    parent_hash  BLOB NOT NULL,
    quarantine   BLOB,                              -- why; NULL: the block was verified
    PRIMARY KEY (network, block_number)
) STRICT, WITHOUT ROWID;

CREATE INDEX log_chain_quarantined ON log_chain (network, block_number) WHERE quarantine IS NOT NULL;

-- Judging: one row a network.

CREATE TABLE checkpoints (
    network          TEXT PRIMARY KEY,
    position         INTEGER NOT NULL,              -- of the next event to judge
    monitors_version INTEGER NOT NULL,              -- the bits of a u64
    finalized_number INTEGER,
    finalized_hash   BLOB
) STRICT, WITHOUT ROWID;

CREATE TABLE findings (
    id           BLOB PRIMARY KEY,
    network      TEXT NOT NULL,
    monitor      TEXT NOT NULL,
    deployment   TEXT,
    severity     INTEGER NOT NULL,                  -- 0 info .. 4 critical
    status       INTEGER NOT NULL,                  -- 0 tentative, 1 confirmed, 2 retracted
    block_number INTEGER NOT NULL,
    block_hash   BLOB NOT NULL,
    at           INTEGER NOT NULL,                  -- block time, seconds
    body         BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX findings_by_time ON findings (at, id);
CREATE INDEX findings_by_block ON findings (network, block_hash);
CREATE INDEX findings_tentative ON findings (network, block_number) WHERE status = 0;

CREATE TABLE coverage (
    network          TEXT NOT NULL,
    block_number     INTEGER NOT NULL,
    block_hash       BLOB NOT NULL,
    at               INTEGER,
    endpoint         TEXT,
    monitors_version INTEGER NOT NULL,
    monitors_judged  INTEGER,                       -- NULL: in quarantine
    blind_count      INTEGER NOT NULL,
    blind            INTEGER REFERENCES blind_lists,
    quarantine       BLOB,
    PRIMARY KEY (network, block_number),
    CHECK ((monitors_judged IS NULL) = (quarantine IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX coverage_quarantined ON coverage (network, block_number) WHERE quarantine IS NOT NULL;
CREATE INDEX coverage_blind ON coverage (network, block_number) WHERE blind IS NOT NULL;

-- Who was blind, and why. Mostly the same list block after block (a node without traces), so each
-- distinct list is kept once.
CREATE TABLE blind_lists (
    id   INTEGER PRIMARY KEY,
    body BLOB NOT NULL UNIQUE
) STRICT;

CREATE TABLE state (
    network TEXT NOT NULL,
    key     BLOB NOT NULL,
    value   BLOB NOT NULL,
    PRIMARY KEY (network, key)
) STRICT, WITHOUT ROWID;

-- The way back from each block that can still be reverted.
CREATE TABLE undo (
    network      TEXT NOT NULL,
    block_number INTEGER NOT NULL,
    block_hash   BLOB NOT NULL,
    body         BLOB NOT NULL,
    PRIMARY KEY (network, block_number, block_hash)
) STRICT, WITHOUT ROWID;

-- Series: points at one-second resolution.

CREATE TABLE series (
    id      INTEGER PRIMARY KEY,
    network TEXT NOT NULL,
    metric  TEXT NOT NULL,
    key     BLOB NOT NULL,
    UNIQUE (network, key)
) STRICT;

CREATE INDEX series_by_metric ON series (metric);

-- Several blocks may share a second: each leaves its own point, the highest block's is the value,
-- and reverting that block brings the one below back.
CREATE TABLE samples (
    series       INTEGER NOT NULL REFERENCES series,
    at           INTEGER NOT NULL,
    block_number INTEGER NOT NULL,
    value        REAL,                              -- NULL is NaN, which SQLite cannot hold
    PRIMARY KEY (series, at, block_number)
) STRICT, WITHOUT ROWID;

-- Oldest point that each block wrote: bounds the search when the block is reverted.
CREATE TABLE sample_blocks (
    network      TEXT NOT NULL,
    block_number INTEGER NOT NULL,
    first_at     INTEGER NOT NULL,
    PRIMARY KEY (network, block_number)
) STRICT, WITHOUT ROWID;

CREATE INDEX sample_blocks_by_time ON sample_blocks (first_at);

-- Alerts, what was decided about them, and the messages that follow.

CREATE TABLE alerts (
    id              BLOB PRIMARY KEY,
    network         TEXT NOT NULL,
    monitor         TEXT NOT NULL,
    deployment      TEXT,
    state           INTEGER NOT NULL,               -- 0 provisional, 1 confirmed, 2 retracted
    severity        INTEGER NOT NULL,
    opened_at       INTEGER NOT NULL,
    last_finding_at INTEGER NOT NULL,
    body            BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX alerts_by_time ON alerts (opened_at, id);
CREATE INDEX alerts_by_last_finding ON alerts (network, last_finding_at);
CREATE INDEX alerts_provisional ON alerts (network) WHERE state = 0;

CREATE TABLE decisions (
    id     INTEGER PRIMARY KEY,
    alert  BLOB NOT NULL,
    action TEXT NOT NULL,
    at     INTEGER NOT NULL,                        -- wall time, milliseconds
    body   BLOB NOT NULL
) STRICT;

CREATE INDEX decisions_by_alert ON decisions (alert, id);

CREATE TABLE notifications (
    id         BLOB PRIMARY KEY,
    alert      BLOB NOT NULL REFERENCES alerts,
    receiver   TEXT NOT NULL,
    kind       TEXT NOT NULL,
    sequence   INTEGER NOT NULL,
    reason     TEXT NOT NULL,
    decided_at INTEGER NOT NULL,                    -- wall time, milliseconds
    attempts   INTEGER NOT NULL,
    state      INTEGER NOT NULL,                    -- 0 due, 1 delivered, 2 failed
    at         INTEGER NOT NULL,                    -- due: not before; else: when it was settled
    detail     TEXT NOT NULL                        -- delivered: receipt; failed: reason
) STRICT, WITHOUT ROWID;

CREATE INDEX notifications_due ON notifications (at, id) WHERE state = 0;
CREATE INDEX notifications_by_alert ON notifications (alert, receiver, sequence);

CREATE TABLE attempts (
    notification BLOB NOT NULL REFERENCES notifications,
    number       INTEGER NOT NULL,                  -- from 1
    started_at   INTEGER NOT NULL,
    ended_at     INTEGER,                           -- NULL: running, or the program died in it
    outcome      TEXT,                              -- delivered, retry, failed
    detail       TEXT NOT NULL,
    PRIMARY KEY (notification, number)
) STRICT, WITHOUT ROWID;
