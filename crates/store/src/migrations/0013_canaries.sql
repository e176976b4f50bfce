-- What is not real, and what it is: NULL: it is real; drill/NAME: a drill's; canary: a canary of the
-- program's own. Indexes follow the new name.
ALTER TABLE alerts RENAME COLUMN drill TO apart;
UPDATE alerts SET apart = 'drill/' || apart WHERE apart IS NOT NULL;

-- Canaries are many and worth little: only the newest of each network are kept.
CREATE INDEX alerts_canaries ON alerts (network, opened_at, id) WHERE apart = 'canary';
