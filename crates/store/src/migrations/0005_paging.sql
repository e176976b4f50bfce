-- Paging: who hears what, of all networks.

-- What the pager is told, in order: alerts that changed, people's words, what became of messages.
-- Durable until it is applied, and kept for the account.
CREATE TABLE pager_inbox (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    at       INTEGER NOT NULL,                      -- wall time, milliseconds
    kind     TEXT NOT NULL,                         -- alert, said, silence, …
    input    TEXT NOT NULL,                         -- versioned JSON
    refused  TEXT                                   -- why it was not taken
) STRICT;

CREATE INDEX pager_inbox_by_kind ON pager_inbox (kind, at);

-- What the pager remembers: one row per alert, group, reader, silence and week.
CREATE TABLE pager_rows (
    key TEXT PRIMARY KEY,
    row TEXT NOT NULL                               -- versioned JSON
) STRICT, WITHOUT ROWID;

-- How far the inbox was applied: one row.
CREATE TABLE pager_checkpoint (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    applied INTEGER NOT NULL                        -- newest input whose effects are committed
) STRICT;
INSERT INTO pager_checkpoint VALUES (1, 0);

-- What was decided, and why: about an alert, or about its group as a whole.
CREATE TABLE rulings (
    id      INTEGER PRIMARY KEY,
    alert   BLOB,
    team    BLOB,                                   -- the group of alerts that share messages
    message BLOB,
    at      INTEGER NOT NULL,                       -- wall time, milliseconds
    body    TEXT NOT NULL                           -- JSON
) STRICT;

CREATE INDEX rulings_by_alert ON rulings (alert, id) WHERE alert IS NOT NULL;
CREATE INDEX rulings_by_team ON rulings (team, id) WHERE alert IS NULL;

-- What was wrong with the paging itself.
CREATE TABLE paging_alarms (
    id   INTEGER PRIMARY KEY,
    at   INTEGER NOT NULL,                          -- wall time, milliseconds
    text TEXT NOT NULL,
    body TEXT NOT NULL                              -- JSON
) STRICT;

-- Where an alert is among people; NULL: the pager was not told of it.
ALTER TABLE alerts ADD COLUMN stage TEXT;
ALTER TABLE alerts ADD COLUMN stage_at INTEGER;     -- since when, wall time, milliseconds
ALTER TABLE alerts ADD COLUMN stage_by TEXT;        -- the person who put it there
ALTER TABLE alerts ADD COLUMN is_open INTEGER NOT NULL DEFAULT 1;
UPDATE alerts SET is_open = state <> 2;
CREATE INDEX alerts_open ON alerts (opened_at, id) WHERE is_open = 1;

-- A message may speak of many alerts, to all who read a channel or to one person over it.
ALTER TABLE notifications ADD COLUMN number INTEGER NOT NULL DEFAULT 0;   -- in order of decision
ALTER TABLE notifications ADD COLUMN person TEXT;
ALTER TABLE notifications ADD COLUMN form TEXT NOT NULL DEFAULT 'notice'; -- notice, page, summary
ALTER TABLE notifications ADD COLUMN team BLOB;                           -- its group; NULL: several
ALTER TABLE notifications ADD COLUMN alerts INTEGER NOT NULL DEFAULT 1;   -- it speaks of so many

UPDATE notifications SET number = ordered.number
FROM (SELECT id, row_number() OVER (ORDER BY decided_at, alert, receiver, sequence) AS number
      FROM notifications) AS ordered
WHERE ordered.id = notifications.id;
CREATE INDEX notifications_by_number ON notifications (number);
CREATE INDEX notifications_by_team ON notifications (team) WHERE state = 0;

-- What each message says of each of its alerts, the worst first.
CREATE TABLE notification_alerts (
    alert        BLOB NOT NULL,
    notification BLOB NOT NULL REFERENCES notifications,
    place        INTEGER NOT NULL,                  -- in the message, from 0
    kind         TEXT NOT NULL,
    sequence     INTEGER NOT NULL,                  -- words about it to the same people before
    PRIMARY KEY (alert, notification)
) STRICT, WITHOUT ROWID;
INSERT INTO notification_alerts (alert, notification, place, kind, sequence)
    SELECT alert, id, 0, kind, sequence FROM notifications;
CREATE INDEX notification_alerts_by_message ON notification_alerts (notification, place);

-- Counted with each block: without these a count reads every body of a day.
CREATE INDEX findings_counted ON findings (at, status, severity);
CREATE INDEX alerts_counted ON alerts (opened_at, state, severity);
