-- How a leg was encrypted, and how good its audio was.
ALTER TABLE call ADD COLUMN encryption TEXT;
ALTER TABLE call ADD COLUMN gaps INTEGER;
ALTER TABLE call ADD COLUMN loss_percent REAL;
ALTER TABLE call ADD COLUMN jitter_max_ms REAL;
ALTER TABLE call ADD COLUMN opinion REAL;
ALTER TABLE call ADD COLUMN remote_loss_percent REAL;
