-- What retention removed, in all: nothing leaves the store without being counted here.
CREATE TABLE forgotten (
    network TEXT NOT NULL,
    what    TEXT NOT NULL,
    removed INTEGER NOT NULL,                       -- rows, since the store was made
    up_to   INTEGER NOT NULL,                       -- chain time, seconds: what is older may be gone
    block   INTEGER,                                -- coverage: lowest height whose row is kept
    at      INTEGER NOT NULL,                       -- wall time of the last removal, milliseconds
    PRIMARY KEY (network, what)
) STRICT, WITHOUT ROWID;

-- A list of blind monitors leaves with the last row that names it.
CREATE INDEX coverage_by_blind ON coverage (blind) WHERE blind IS NOT NULL;
CREATE INDEX coverage_runs_by_blind ON coverage_runs (blind) WHERE blind IS NOT NULL;

-- Findings and alerts leave network by network, oldest first.
CREATE INDEX findings_by_network ON findings (network, at);
