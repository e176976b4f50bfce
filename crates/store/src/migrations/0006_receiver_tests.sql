-- The newest test of each receiver from end to end.

CREATE TABLE receiver_tests (
    receiver      TEXT    NOT NULL PRIMARY KEY,
    at            INTEGER NOT NULL,  -- when, ms
    failing_since INTEGER,           -- since when no test message arrived, ms; NULL when it did
    told          INTEGER NOT NULL,  -- whether others were told of the failure
    detail        TEXT    NOT NULL   -- receipt or error
) STRICT, WITHOUT ROWID;
