-- What everybody hears: where each alert stands before the public, what public channels said, who
-- subscribed.

-- Alerts that the public may hear of. A row without a body was not looked at yet.
CREATE TABLE public_alerts (
    alert        BLOB PRIMARY KEY CHECK (length(alert) = 16),
    id           BLOB UNIQUE,                       -- of its notice; NULL: not published
    look_at      INTEGER,                           -- wall time, milliseconds; NULL: when it changes
    touched      INTEGER NOT NULL DEFAULT 1,        -- counts its changes
    updated_at   INTEGER NOT NULL,                  -- when it came to stand where it stands
    body         TEXT                               -- versioned JSON
) STRICT, WITHOUT ROWID;

CREATE INDEX public_alerts_due ON public_alerts (look_at) WHERE look_at IS NOT NULL;
CREATE INDEX public_alerts_published ON public_alerts (updated_at DESC) WHERE id IS NOT NULL;
CREATE INDEX public_alerts_unpublished ON public_alerts (updated_at) WHERE id IS NULL;

-- How much of its allowance each channel has left.
CREATE TABLE public_meters (
    channel TEXT PRIMARY KEY,
    body    TEXT NOT NULL                           -- JSON
) STRICT, WITHOUT ROWID;

-- What a channel has yet to say.
CREATE TABLE public_queue (
    channel TEXT NOT NULL,
    alert   BLOB NOT NULL,
    is_end  INTEGER NOT NULL,                       -- it ends or takes back what was told
    since   INTEGER NOT NULL,
    PRIMARY KEY (channel, alert)
) STRICT, WITHOUT ROWID;

-- Whom a channel told of what; subscriber 0 is the channel itself.
CREATE TABLE public_told (
    alert      BLOB NOT NULL,
    channel    TEXT NOT NULL,
    subscriber INTEGER NOT NULL,
    PRIMARY KEY (alert, channel, subscriber)
) STRICT, WITHOUT ROWID;

-- Messages on their way, in order.
CREATE TABLE public_messages (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    channel    TEXT NOT NULL,
    subscriber INTEGER NOT NULL,                    -- 0: the channel itself
    decided_at INTEGER NOT NULL,
    not_before INTEGER NOT NULL,
    attempts   INTEGER NOT NULL DEFAULT 0,
    state      INTEGER NOT NULL DEFAULT 0,          -- 0 due, 1 delivered, 2 failed for good
    outcome    TEXT NOT NULL DEFAULT '',
    body       TEXT NOT NULL                        -- JSON
) STRICT;

CREATE INDEX public_messages_due ON public_messages (channel, subscriber, number) WHERE state = 0;
CREATE INDEX public_messages_ended ON public_messages (decided_at) WHERE state <> 0;

-- Who asked for mail and proved that the address is theirs. Nothing is kept of who did not.
CREATE TABLE public_subscribers (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    channel      TEXT NOT NULL,
    address      TEXT NOT NULL,
    leave        BLOB NOT NULL UNIQUE CHECK (length(leave) = 16),  -- what a link to leave carries
    confirmed_at INTEGER NOT NULL,
    UNIQUE (channel, address)
) STRICT;

-- Links that were used, until they would have run out anyway.
CREATE TABLE public_links (
    digest     BLOB PRIMARY KEY CHECK (length(digest) = 32),
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
