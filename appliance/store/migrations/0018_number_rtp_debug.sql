-- Whether the audio of calls to a number is looked at closely.
ALTER TABLE number ADD COLUMN rtp_debug INTEGER NOT NULL DEFAULT 0;
