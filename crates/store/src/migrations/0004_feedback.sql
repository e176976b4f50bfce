-- What people said of alerts: the newest row of an alert holds. An alert may be forgotten, what was
-- said of it is not: it is what a monitor is judged by.
CREATE TABLE verdicts (
    id    INTEGER PRIMARY KEY,
    alert BLOB NOT NULL,
    at    INTEGER NOT NULL,                         -- wall time, milliseconds
    body  BLOB NOT NULL
) STRICT;
CREATE INDEX verdicts_by_alert ON verdicts (alert, id);

-- What really happened, or was staged: the newest row of a name holds.
CREATE TABLE incidents (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    at   INTEGER NOT NULL,                          -- wall time, milliseconds
    body BLOB NOT NULL
) STRICT;
CREATE INDEX incidents_by_name ON incidents (name, id);

-- History is added to, never rewritten.
CREATE TRIGGER verdicts_stay BEFORE UPDATE ON verdicts
    BEGIN SELECT raise(ABORT, 'a verdict on record is never changed'); END;
CREATE TRIGGER verdicts_remain BEFORE DELETE ON verdicts
    BEGIN SELECT raise(ABORT, 'a verdict on record is never removed'); END;
CREATE TRIGGER incidents_stay BEFORE UPDATE ON incidents
    BEGIN SELECT raise(ABORT, 'an incident on record is never changed'); END;
CREATE TRIGGER incidents_remain BEFORE DELETE ON incidents
    BEGIN SELECT raise(ABORT, 'an incident on record is never removed'); END;
