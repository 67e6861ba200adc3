-- Those who call us, those through whom we call, and which numbers go through whom. What is set is JSON, as it is only
-- ever read as a whole.
CREATE TABLE trunk (
    number  INTEGER PRIMARY KEY,
    id      BLOB NOT NULL UNIQUE,
    data    TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    deleted INTEGER
);

CREATE TABLE provider (
    number  INTEGER PRIMARY KEY,
    id      BLOB NOT NULL UNIQUE,
    data    TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    deleted INTEGER
);

CREATE TABLE route (
    number  INTEGER PRIMARY KEY,
    id      BLOB NOT NULL UNIQUE,
    data    TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    deleted INTEGER
);
