//! What the exchange remembers: SQLite and the event log.
