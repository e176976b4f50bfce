-- Lists of alerts: a page is found in an index alone, whatever is asked for, and only its own rows are
-- read. A body is a hundred times as long as what is asked about.

DROP INDEX alerts_by_time;
CREATE INDEX alerts_by_time ON alerts
    (opened_at, id, severity, state, monitor, deployment, network, is_open);

DROP INDEX alerts_open;
CREATE INDEX alerts_open ON alerts
    (opened_at, id, severity, state, monitor, deployment, network) WHERE is_open = 1;

CREATE INDEX alerts_by_monitor ON alerts
    (monitor, opened_at, id, severity, state, deployment, network, is_open);

CREATE INDEX alerts_by_deployment ON alerts
    (deployment, opened_at, id, severity, state, monitor, network, is_open)
    WHERE deployment IS NOT NULL;
