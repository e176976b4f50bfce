-- Alerts that no chain tells of: who reports them. NULL: a chain does. They have no network.
ALTER TABLE alerts ADD COLUMN source TEXT;
CREATE INDEX alerts_reported ON alerts (last_finding_at) WHERE source IS NOT NULL;

-- What goes on outside of every chain: one row for each thing that a source goes on reporting, and
-- none for what is over.
CREATE TABLE reports (
    source      TEXT NOT NULL,
    fingerprint TEXT NOT NULL,           -- what the source knows it by
    alert       BLOB NOT NULL,           -- the alert that it is on record as
    until       INTEGER,                 -- over then unless it is said again, wall time, milliseconds
    PRIMARY KEY (source, fingerprint)
) STRICT, WITHOUT ROWID;
CREATE INDEX reports_until ON reports (until) WHERE until IS NOT NULL;
