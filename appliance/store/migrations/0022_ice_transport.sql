-- How the audio of a browser's leg comes: udp or tcp; NULL where it is no browser's.
ALTER TABLE call ADD COLUMN ice_transport TEXT;
