-- Keys by which programs use the API in the name of the agent that made them. Of a key only its hash is known.
CREATE TABLE accesskey (
    number       INTEGER PRIMARY KEY,
    id           BLOB NOT NULL UNIQUE,
    agent_id     BLOB NOT NULL,
    hash         BLOB NOT NULL UNIQUE,
    token_prefix TEXT NOT NULL,
    name         TEXT NOT NULL,
    detail       TEXT NOT NULL,
    expires      INTEGER,
    created      INTEGER NOT NULL,
    updated      INTEGER NOT NULL,
    deleted      INTEGER
);
CREATE INDEX accesskey_agent ON accesskey (agent_id) WHERE deleted IS NULL;

-- What the customer says of itself: one row, from the first change on.
CREATE TABLE customer (
    number         INTEGER PRIMARY KEY CHECK (number = 1),
    name           TEXT NOT NULL,
    detail         TEXT NOT NULL,
    email          TEXT NOT NULL,
    phone_number   TEXT NOT NULL,
    address        TEXT NOT NULL,
    webhook_method TEXT NOT NULL,
    webhook_uri    TEXT NOT NULL,
    rtp_debug      INTEGER NOT NULL,
    updated        INTEGER NOT NULL
);
