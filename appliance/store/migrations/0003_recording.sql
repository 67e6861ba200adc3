-- Recordings of calls.
CREATE TABLE recording (
    number         INTEGER PRIMARY KEY,
    id             BLOB NOT NULL UNIQUE,
    call_id        BLOB NOT NULL,
    status         TEXT NOT NULL,
    format         TEXT NOT NULL,
    on_end_flow_id BLOB,
    ended_by       TEXT NOT NULL,
    failure        TEXT,
    path           TEXT,
    octets         INTEGER,
    duration_ms    INTEGER,
    created        INTEGER NOT NULL,
    updated        INTEGER NOT NULL,
    started        INTEGER,
    ended          INTEGER,
    deleted        INTEGER
);
CREATE INDEX recording_unfinished ON recording (number) WHERE status <> 'ended';

ALTER TABLE call ADD COLUMN recording_id BLOB;
ALTER TABLE call ADD COLUMN recording_ids BLOB NOT NULL DEFAULT x'';
