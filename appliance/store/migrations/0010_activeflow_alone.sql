-- Activeflows that no call goes through, and records of activeflows that are deleted.
ALTER TABLE activeflow ADD COLUMN reference_type TEXT NOT NULL DEFAULT 'call';
ALTER TABLE activeflow ADD COLUMN recording_id BLOB;
ALTER TABLE activeflow ADD COLUMN deleted INTEGER;
