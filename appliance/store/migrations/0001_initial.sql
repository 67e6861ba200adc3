-- The first shape. Moments are microseconds since 1970, ids are 16 bytes, words are the API's words.

-- What the box has to remember of itself: its customer, its keys.
CREATE TABLE setting (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;

-- What happened, in order and without gaps. Written before anybody hears of it.
CREATE TABLE event_log (
    seq         INTEGER PRIMARY KEY,
    at          INTEGER NOT NULL,
    type        TEXT NOT NULL,
    resource_id BLOB NOT NULL,
    data        TEXT NOT NULL
);

-- How far each reader of the log has come.
CREATE TABLE cursor (
    name TEXT PRIMARY KEY,
    seq  INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE extension (
    number    INTEGER PRIMARY KEY,
    id        BLOB NOT NULL UNIQUE,
    extension TEXT NOT NULL,
    password  TEXT NOT NULL,
    name      TEXT NOT NULL,
    detail    TEXT NOT NULL,
    created   INTEGER NOT NULL,
    updated   INTEGER NOT NULL,
    deleted   INTEGER
);

CREATE TABLE registration (
    extension_id BLOB NOT NULL,
    contact      TEXT NOT NULL,
    extension    TEXT NOT NULL,
    transport    TEXT NOT NULL,
    local        TEXT NOT NULL,
    remote       TEXT NOT NULL,
    path         TEXT NOT NULL,
    instance     TEXT,
    reg_id       INTEGER,
    q            INTEGER NOT NULL,
    call_id      TEXT NOT NULL,
    cseq         INTEGER NOT NULL,
    user_agent   TEXT NOT NULL,
    behind_nat   INTEGER NOT NULL,
    registered   INTEGER NOT NULL,
    expires      INTEGER NOT NULL,
    PRIMARY KEY (extension_id, contact)
) WITHOUT ROWID;

CREATE TABLE call (
    number           INTEGER PRIMARY KEY,
    id               BLOB NOT NULL UNIQUE,
    master_call_id   BLOB,
    chained_call_ids BLOB NOT NULL,
    groupcall_id     BLOB,
    source_type      TEXT NOT NULL,
    source           TEXT NOT NULL,
    source_name      TEXT NOT NULL,
    destination_type TEXT NOT NULL,
    destination      TEXT NOT NULL,
    destination_name TEXT NOT NULL,
    direction        TEXT NOT NULL,
    status           TEXT NOT NULL,
    hangup_by        TEXT NOT NULL,
    hangup_reason    TEXT NOT NULL,
    hangup_cause     INTEGER,
    codec            TEXT,
    peer             TEXT NOT NULL,
    sip_call_id      TEXT NOT NULL,
    held             INTEGER NOT NULL,
    created          INTEGER NOT NULL,
    updated          INTEGER NOT NULL,
    ringing          INTEGER,
    progressing      INTEGER,
    hungup           INTEGER,
    deleted          INTEGER,
    packets_received INTEGER,
    packets_sent     INTEGER,
    packets_lost     INTEGER,
    jitter_ms        REAL,
    round_trip_ms    REAL
);
CREATE INDEX call_live ON call (number) WHERE status <> 'hangup';

-- The ladder of a call that is over: its public form as JSON, compressed with LZ4.
CREATE TABLE sequence (
    number  INTEGER PRIMARY KEY,
    call_id BLOB NOT NULL UNIQUE,
    data    BLOB NOT NULL
);

-- Who may use the API.
CREATE TABLE agent (
    number        INTEGER PRIMARY KEY,
    id            BLOB NOT NULL UNIQUE,
    username      TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    name          TEXT NOT NULL,
    detail        TEXT NOT NULL,
    ring_method   TEXT NOT NULL,
    status        TEXT NOT NULL,
    permission    TEXT NOT NULL,
    tag_ids       BLOB NOT NULL,
    addresses     TEXT NOT NULL,
    created       INTEGER NOT NULL,
    updated       INTEGER NOT NULL,
    deleted       INTEGER
);
CREATE UNIQUE INDEX agent_username ON agent (username) WHERE deleted IS NULL;
