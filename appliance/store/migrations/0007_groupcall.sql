-- Calls of which the first that is answered ends the others. Addresses are their public form, as JSON.
CREATE TABLE groupcall (
    number         INTEGER PRIMARY KEY,
    id             BLOB NOT NULL UNIQUE,
    status         TEXT NOT NULL,
    flow_id        BLOB,
    source         TEXT NOT NULL,
    destinations   TEXT NOT NULL,
    master_call_id BLOB,
    ring_method    TEXT NOT NULL,
    answer_call_id BLOB,
    call_ids       BLOB NOT NULL,
    call_count     INTEGER NOT NULL,
    dial_index     INTEGER NOT NULL,
    created        INTEGER NOT NULL,
    updated        INTEGER NOT NULL,
    deleted        INTEGER
);
CREATE INDEX groupcall_live ON groupcall (number) WHERE status <> 'hangup';
