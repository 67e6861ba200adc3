-- Conferences, who was in them, and what was ordered of a call's audio.
CREATE TABLE conference (
    number             INTEGER PRIMARY KEY,
    id                 BLOB NOT NULL UNIQUE,
    name               TEXT NOT NULL,
    detail             TEXT NOT NULL,
    extension          TEXT,
    loudest            INTEGER NOT NULL,
    tones              INTEGER NOT NULL,
    timeout            INTEGER NOT NULL,
    status             TEXT NOT NULL,
    conferencecall_ids BLOB NOT NULL,
    created            INTEGER NOT NULL,
    updated            INTEGER NOT NULL,
    ended              INTEGER
);

CREATE TABLE conferencecall (
    number        INTEGER PRIMARY KEY,
    id            BLOB NOT NULL UNIQUE,
    conference_id BLOB NOT NULL,
    call_id       BLOB NOT NULL,
    status        TEXT NOT NULL,
    created       INTEGER NOT NULL,
    updated       INTEGER NOT NULL
);
CREATE INDEX conferencecall_live ON conferencecall (number) WHERE status <> 'leaved';

ALTER TABLE call ADD COLUMN mute_direction TEXT NOT NULL DEFAULT '';
ALTER TABLE call ADD COLUMN on_hold INTEGER NOT NULL DEFAULT 0;
ALTER TABLE call ADD COLUMN music INTEGER NOT NULL DEFAULT 0;
ALTER TABLE call ADD COLUMN silence INTEGER NOT NULL DEFAULT 0;
