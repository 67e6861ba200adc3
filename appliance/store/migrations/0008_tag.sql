-- What agents are good at.
CREATE TABLE tag (
    number  INTEGER PRIMARY KEY,
    id      BLOB NOT NULL UNIQUE,
    name    TEXT NOT NULL,
    detail  TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    deleted INTEGER
);
