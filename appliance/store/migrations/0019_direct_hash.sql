-- What whoever has no password calls to reach one thing of the box. Sealed: whoever has a copy of this file cannot call so.
CREATE TABLE direct_hash (
    resource TEXT NOT NULL,
    id       BLOB NOT NULL,
    hash     TEXT NOT NULL,
    PRIMARY KEY (resource, id)
);
