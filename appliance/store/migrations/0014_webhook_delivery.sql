-- What web servers are told, and what came of it. Events themselves stay in the log; only what is no event lies in `data`.
CREATE TABLE webhook_delivery (
    number         INTEGER PRIMARY KEY,
    id             BLOB NOT NULL UNIQUE,
    activeflow_id  BLOB,
    event_seq      INTEGER NOT NULL,
    event_type     TEXT NOT NULL,
    data           TEXT,
    webhook_uri    TEXT NOT NULL,
    webhook_method TEXT NOT NULL,
    status         TEXT NOT NULL,
    tries          TEXT NOT NULL,
    tries_left     INTEGER NOT NULL,
    next_try       INTEGER,
    created        INTEGER NOT NULL,
    updated        INTEGER NOT NULL
);
CREATE INDEX webhook_delivery_waiting ON webhook_delivery (event_seq)
    WHERE status = 'waiting' AND activeflow_id IS NULL;
CREATE INDEX webhook_delivery_waiting_of_activeflow ON webhook_delivery (webhook_uri, event_seq)
    WHERE status = 'waiting' AND activeflow_id IS NOT NULL;

-- Whoever is told from now on is told of nothing that was before.
INSERT OR REPLACE INTO cursor (name, seq) SELECT 'webhook', coalesce(max(seq), 0) FROM event_log;

ALTER TABLE customer ADD COLUMN event_dialect TEXT NOT NULL DEFAULT '';
ALTER TABLE customer ADD COLUMN webhook_secret BLOB NOT NULL DEFAULT x'';

-- Web servers that are told of the events of one activeflow.
ALTER TABLE activeflow ADD COLUMN webhook_uri TEXT;
ALTER TABLE activeflow ADD COLUMN webhook_method TEXT NOT NULL DEFAULT '';
CREATE INDEX activeflow_webhook ON activeflow (id) WHERE webhook_uri IS NOT NULL;
