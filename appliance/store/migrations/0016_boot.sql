-- When the box was started, by its own clock, which may be years wrong until somebody tells it the time: `zero` is the
-- moment of the boot as it is known by now, `seen` and `doubted` are microseconds since then.
CREATE TABLE boot (
    number  INTEGER PRIMARY KEY,
    id      BLOB NOT NULL UNIQUE,
    zero    INTEGER NOT NULL,
    seen    INTEGER NOT NULL,
    doubted INTEGER
);
-- By which boot, and how many microseconds after it, an event happened.
ALTER TABLE event_log ADD COLUMN boot INTEGER;
ALTER TABLE event_log ADD COLUMN uptime INTEGER;
