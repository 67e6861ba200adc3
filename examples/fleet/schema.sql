-- What the consumer keeps. Run as often as you like: what is there stays.

CREATE TABLE IF NOT EXISTS record (
    -- The record's own key: it comes at least once, and is here once.
    key text PRIMARY KEY,
    appliance_id uuid NOT NULL,
    -- The first number that it settles: its own, but for records_missed, which stands for all that the box lost.
    first bigint NOT NULL,
    seq bigint NOT NULL,
    class text NOT NULL,
    type text NOT NULL,
    tm timestamptz NOT NULL,
    data jsonb NOT NULL,
    -- The order in which records came here.
    position bigint GENERATED ALWAYS AS IDENTITY
);
CREATE INDEX IF NOT EXISTS record_appliance_seq ON record (appliance_id, seq);

-- Up to which number everything of a box is here, without a gap.
CREATE TABLE IF NOT EXISTS appliance (
    id uuid PRIMARY KEY,
    cursor bigint NOT NULL
);

-- Where in a stream the reader is; written in the transaction of the records.
CREATE TABLE IF NOT EXISTS stream_offset (
    queue text PRIMARY KEY,
    next bigint NOT NULL
);

-- What may be counted on: in the order of each box, and nothing before it still to come.
CREATE OR REPLACE VIEW settled AS
SELECT record.* FROM record JOIN appliance ON appliance.id = record.appliance_id WHERE record.seq <= appliance.cursor;
