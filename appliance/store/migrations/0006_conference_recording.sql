-- Recordings of conferences, and the flows before and after one.
ALTER TABLE recording RENAME COLUMN call_id TO reference_id;
ALTER TABLE recording ADD COLUMN reference_type TEXT NOT NULL DEFAULT 'call';

ALTER TABLE conference ADD COLUMN pre_flow_id BLOB;
ALTER TABLE conference ADD COLUMN post_flow_id BLOB;
ALTER TABLE conference ADD COLUMN recording_id BLOB;
ALTER TABLE conference ADD COLUMN recording_ids BLOB NOT NULL DEFAULT x'';
