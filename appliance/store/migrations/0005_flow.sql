-- Flows, the numbers that lead to them, and the flows that run or ran. Actions are their public form, as JSON.
CREATE TABLE flow (
    number              INTEGER PRIMARY KEY,
    id                  BLOB NOT NULL UNIQUE,
    name                TEXT NOT NULL,
    detail              TEXT NOT NULL,
    actions             TEXT NOT NULL,
    on_complete_flow_id BLOB,
    created             INTEGER NOT NULL,
    updated             INTEGER NOT NULL,
    deleted             INTEGER
);

-- `dialled` is what the API calls a number's number: in every table `number` is the row's own.
CREATE TABLE number (
    number          INTEGER PRIMARY KEY,
    id              BLOB NOT NULL UNIQUE,
    dialled         TEXT NOT NULL,
    type            TEXT NOT NULL,
    call_flow_id    BLOB,
    message_flow_id BLOB,
    name            TEXT NOT NULL,
    detail          TEXT NOT NULL,
    created         INTEGER NOT NULL,
    updated         INTEGER NOT NULL,
    deleted         INTEGER
);

CREATE TABLE activeflow (
    number                  INTEGER PRIMARY KEY,
    id                      BLOB NOT NULL UNIQUE,
    flow_id                 BLOB,
    status                  TEXT NOT NULL,
    call_id                 BLOB,
    reference_activeflow_id BLOB,
    on_complete_flow_id     BLOB,
    current_action          TEXT,
    executed_actions        TEXT NOT NULL,
    failure                 TEXT,
    created                 INTEGER NOT NULL,
    updated                 INTEGER NOT NULL
);
CREATE INDEX activeflow_running ON activeflow (number) WHERE status <> 'ended';

ALTER TABLE call ADD COLUMN flow_id BLOB;
ALTER TABLE call ADD COLUMN activeflow_id BLOB;
