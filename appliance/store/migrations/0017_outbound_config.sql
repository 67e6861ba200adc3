-- What counts for every call beyond the box, set and read as a whole: at most one row.
CREATE TABLE outbound_config (
    number  INTEGER PRIMARY KEY CHECK (number = 1),
    data    TEXT NOT NULL,
    updated INTEGER NOT NULL
);
