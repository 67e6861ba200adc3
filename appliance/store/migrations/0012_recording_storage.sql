-- Where the file of a recording is, and how far it has come on its way to the bucket.
ALTER TABLE recording ADD COLUMN stored TEXT NOT NULL DEFAULT '';
ALTER TABLE recording ADD COLUMN object TEXT;
ALTER TABLE recording ADD COLUMN upload_id TEXT;
ALTER TABLE recording ADD COLUMN upload_failure TEXT;
ALTER TABLE recording ADD COLUMN sha256 TEXT;
ALTER TABLE recording ADD COLUMN uploaded INTEGER;
UPDATE recording SET stored = 'box' WHERE path IS NOT NULL AND status = 'ended';
CREATE INDEX recording_stored ON recording (stored, number) WHERE stored IN ('box', 'both', 'bucket');
