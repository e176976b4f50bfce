-- Keys that sign the links and buttons of messages. An old one stays until nothing that it signed
-- counts any more.
CREATE TABLE answer_keys (
    id      INTEGER PRIMARY KEY,                    -- counts up, is never used again
    made_at INTEGER NOT NULL,                       -- wall time, milliseconds
    key     BLOB NOT NULL CHECK (length(key) = 32)
) STRICT;

-- What people answered to messages: each button of a message counts once, and once more for each
-- further person whose signature was asked for.
CREATE TABLE answers (
    message BLOB NOT NULL CHECK (length(message) = 16),
    wish    INTEGER NOT NULL,                       -- which button
    by      TEXT NOT NULL,                          -- who
    at      INTEGER NOT NULL,                       -- wall time, milliseconds
    via     TEXT NOT NULL,                          -- over what
    PRIMARY KEY (message, wish, by)
) STRICT, WITHOUT ROWID;

-- Up to where the inbox of a chat was read.
CREATE TABLE answer_offsets (
    source TEXT PRIMARY KEY,
    next   INTEGER NOT NULL
) STRICT;

CREATE TRIGGER answers_stay BEFORE UPDATE ON answers
    BEGIN SELECT raise(ABORT, 'an answer on record is never changed'); END;
