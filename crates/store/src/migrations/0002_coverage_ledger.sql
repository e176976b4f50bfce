-- The ledger as ranges: who judged which blocks, and what is missing.

-- Blocks without a gap between them that were judged alike. A block that joins at the head makes the
-- newest run one longer; nothing here grows with the number of monitors or, while all is well, of
-- blocks.
CREATE TABLE coverage_runs (
    id               INTEGER PRIMARY KEY,
    network          TEXT NOT NULL,
    first            INTEGER NOT NULL,
    last             INTEGER NOT NULL,
    monitors_version INTEGER NOT NULL,              -- the bits of a u64
    blind            INTEGER REFERENCES blind_lists,-- warm-up counts in it are 0
    quarantine       BLOB,
    UNIQUE (network, first),
    CHECK (first <= last)
) STRICT;

-- Which endpoint served how many blocks of a run.
CREATE TABLE coverage_served (
    run      INTEGER NOT NULL REFERENCES coverage_runs,
    endpoint TEXT NOT NULL,
    blocks   INTEGER NOT NULL,
    PRIMARY KEY (run, endpoint)
) STRICT, WITHOUT ROWID;

-- Who the monitors of a version are.
CREATE TABLE rosters (
    network          TEXT NOT NULL,
    monitors_version INTEGER NOT NULL,
    body             BLOB NOT NULL,
    PRIMARY KEY (network, monitors_version)
) STRICT, WITHOUT ROWID;

-- Blocks that one monitor judged after they had passed. Ranges of one monitor never overlap.
CREATE TABLE coverage_backfilled (
    network          TEXT NOT NULL,
    monitor          TEXT NOT NULL,
    first            INTEGER NOT NULL,
    last             INTEGER NOT NULL,
    monitors_version INTEGER NOT NULL,
    endpoint         TEXT,                          -- NULL: the event log
    blind            BLOB,                          -- NULL: judged
    PRIMARY KEY (network, monitor, first),
    CHECK (first <= last)
) STRICT, WITHOUT ROWID;

-- Holes that were seen, open and closed.
CREATE TABLE coverage_holes (
    id        INTEGER PRIMARY KEY,
    network   TEXT NOT NULL,
    seen_at   INTEGER NOT NULL,                     -- wall time, milliseconds
    closed_at INTEGER,                              -- NULL: open
    finding   BLOB,                                 -- who was told; NULL: nobody yet
    body      BLOB NOT NULL
) STRICT;

CREATE INDEX coverage_holes_open ON coverage_holes (network) WHERE closed_at IS NULL;

-- A back-fill asks the log for blocks by height.
CREATE INDEX log_events_by_block ON log_events (network, block_number);

-- What was judged before this table.
INSERT INTO coverage_runs (network, first, last, monitors_version, blind, quarantine)
SELECT network, min(block_number), max(block_number), monitors_version, blind, quarantine
FROM (
    SELECT network, block_number, monitors_version, blind, quarantine,
           block_number - row_number() OVER (
               PARTITION BY network, monitors_version, blind, quarantine ORDER BY block_number
           ) AS island
    FROM coverage
)
GROUP BY network, monitors_version, blind, quarantine, island
ORDER BY network, min(block_number);

INSERT INTO coverage_served (run, endpoint, blocks)
SELECT coverage_runs.id, endpoint, count(*)
FROM coverage_runs JOIN coverage
    ON coverage.network = coverage_runs.network AND block_number BETWEEN first AND last
WHERE endpoint IS NOT NULL
GROUP BY coverage_runs.id, endpoint;
