-- Passwords of others are no longer readable in a copy of this file. SQLite asks the program to seal them.
UPDATE extension SET password = seal(password);
UPDATE provider SET data = seal(data);
UPDATE trunk SET data = seal(data);
