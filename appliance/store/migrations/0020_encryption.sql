-- Whether audio is encrypted with an extension: empty (as the box is set), off, optional, required.
ALTER TABLE extension ADD COLUMN encryption TEXT NOT NULL DEFAULT '';
