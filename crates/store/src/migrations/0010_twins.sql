-- Two installations that share no store and tell the same people: what each told, and what each
-- knows of the other.

-- How bad each word said that its alert is. Of older words it is not known: nothing says the same.
ALTER TABLE notification_alerts ADD COLUMN severity INTEGER NOT NULL DEFAULT 4;

-- The installation for whose word a message waits; NULL: none.
ALTER TABLE notifications ADD COLUMN held_for TEXT;

-- Messages that this installation delivered, in that order.
CREATE TABLE told (
    number       INTEGER PRIMARY KEY AUTOINCREMENT,
    notification BLOB NOT NULL UNIQUE REFERENCES notifications ON DELETE CASCADE
) STRICT;

-- What others say that they told.
CREATE TABLE twin_words (
    alert    BLOB NOT NULL,
    receiver TEXT NOT NULL,
    person   TEXT NOT NULL,                         -- '': all who read the receiver
    kind     TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    twin     TEXT NOT NULL,
    severity INTEGER NOT NULL,
    at       INTEGER NOT NULL,                      -- the twin's wall time, milliseconds
    receipt  TEXT NOT NULL,
    PRIMARY KEY (alert, receiver, person, kind, sequence, twin)
) STRICT, WITHOUT ROWID;
CREATE INDEX twin_words_by_time ON twin_words (at);

-- What people said to others.
CREATE TABLE twin_said (
    twin    TEXT NOT NULL,
    number  INTEGER NOT NULL,                       -- in the twin's inbox
    at      INTEGER NOT NULL,                       -- the twin's wall time, milliseconds
    input   TEXT NOT NULL,                          -- versioned JSON
    taken   INTEGER NOT NULL DEFAULT 0,             -- 1: the pager here was told, or need not be
    PRIMARY KEY (twin, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX twin_said_waiting ON twin_said (at) WHERE taken = 0;

-- How much of the others' logs is known.
CREATE TABLE twin_cursors (
    twin TEXT PRIMARY KEY,
    told INTEGER NOT NULL,
    said INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
