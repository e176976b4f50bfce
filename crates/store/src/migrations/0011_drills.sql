-- Which drill an alert belongs to; NULL: it is real. Drills are in no figure, and lists leave them out
-- unless they are asked for, which an index must tell alone.
ALTER TABLE alerts ADD COLUMN drill TEXT;

DROP INDEX alerts_counted;
CREATE INDEX alerts_counted ON alerts (opened_at, state, severity) WHERE drill IS NULL;

DROP INDEX alerts_by_time;
CREATE INDEX alerts_by_time ON alerts
    (opened_at, id, severity, state, monitor, deployment, network, is_open, drill);

DROP INDEX alerts_open;
CREATE INDEX alerts_open ON alerts
    (opened_at, id, severity, state, monitor, deployment, network, drill) WHERE is_open = 1;

DROP INDEX alerts_by_monitor;
CREATE INDEX alerts_by_monitor ON alerts
    (monitor, opened_at, id, severity, state, deployment, network, is_open, drill);

DROP INDEX alerts_by_deployment;
CREATE INDEX alerts_by_deployment ON alerts
    (deployment, opened_at, id, severity, state, monitor, network, is_open, drill)
    WHERE deployment IS NOT NULL;
