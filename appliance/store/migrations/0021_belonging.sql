-- What belongs to an activeflow whose web server is told: calls, groupcalls, recordings, texts and further activeflows that it brought about.
CREATE TABLE belonging (
    number        INTEGER PRIMARY KEY AUTOINCREMENT,
    id            BLOB NOT NULL UNIQUE,
    activeflow_id BLOB NOT NULL
);
