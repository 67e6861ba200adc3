//! A durable place in the event log.

use std::ops::RangeInclusive;

use store::{Item, Journal, Store, event_log};

use crate::{limits, written};

/// Reads the event log from where this name has come to. Reading and advancing wait for the disk, so a reader belongs
/// on a thread of its own.
#[derive(Debug)]
pub struct Reader {
    name: String,
    log: store::Reader,
    journal: Journal,
    /// The last event that is done with, and on the disk as such.
    cursor: i64,
}

/// What comes next.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// Events that the log deleted before they were read: the reader was away for longer than the log is kept.
    pub missed: Option<RangeInclusive<i64>>,
    /// Events, in order; none where the log has no more.
    pub events: Vec<event_log::Record>,
}

/// Why a reader cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The log cannot be read.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The cursor cannot be written; the events will come again.
    #[error("the cursor {0} could not be written")]
    NotWritten(String),
}

impl Reader {
    /// A reader that goes on where this name stopped; a new name begins at the log's first event.
    pub fn open(store: &Store, journal: Journal, name: &str) -> Result<Reader, Error> {
        let log = store.reader()?;
        let cursor = log.cursor(name)?;
        Ok(Reader { name: name.to_owned(), log, journal, cursor })
    }

    /// The last event that is done with.
    pub fn cursor(&self) -> i64 {
        self.cursor
    }

    /// The next events; the same ones again until [`Reader::advance`] says that they are done with.
    pub fn next(&self) -> Result<Batch, Error> {
        let is_owed = self.name == store::limits::OWED;
        let first = if is_owed { self.log.first_event()? } else { self.log.event_range()?.0 };
        let events = self.log.events_after(self.cursor.max(first - 1), limits::BATCH)?;
        // The log may be trimmed between the two readings: what counts is what came.
        let reached = events.first().map_or(first, |event| event.seq);
        let missed = (self.cursor + 1 < reached).then(|| self.cursor + 1..=reached - 1);
        if let Some(missed) = &missed {
            tracing::warn!(reader = self.name, ?missed, "events were deleted before they were delivered");
        }
        Ok(Batch { missed, events })
    }

    /// The log itself.
    pub fn log(&self) -> &store::Reader {
        &self.log
    }

    /// Takes up what is on the disk: somebody else may have moved this name's cursor.
    pub fn refresh(&mut self) -> Result<(), Error> {
        self.cursor = self.log.cursor(&self.name)?;
        Ok(())
    }

    /// Everything up to this number is done with, once what else there is to remember of it is on the disk. Returns then.
    pub fn advance_with(&mut self, seq: i64, mut items: Vec<Item>) -> Result<(), Error> {
        items.push(Item::Cursor(self.name.clone(), seq));
        if !written::write(&self.journal, items) {
            return Err(Error::NotWritten(self.name.clone()));
        }
        self.cursor = self.cursor.max(seq);
        Ok(())
    }

    /// Everything up to this number is done with. Returns once that is on the disk.
    pub fn advance(&mut self, seq: i64) -> Result<(), Error> {
        if seq <= self.cursor {
            return Ok(());
        }
        self.advance_with(seq, Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::mpsc;

    use pbx::{Event, EventKind, UnixMicros};
    use store::Timestamp;
    use store::journal::{Done, Entry, Hooks};

    use super::*;

    fn start(folder: &Path) -> (Store, Journal) {
        let (store, writer) = Store::open(&folder.join("tandem.db"), "", &[1; 64]).expect("a database");
        let hooks = Hooks {
            clock: Box::new(|| Timestamp(0)),
            committed: Box::new(|_| ()),
            failed: Box::new(|error| panic!("{error}")),
        };
        (store, Journal::start(writer, hooks).expect("a thread"))
    }

    fn append(journal: &Journal, count: i64) {
        let kind = EventKind::SourceUnblocked { source: [192, 0, 2, 1].into() };
        let items = (0..count).map(|_| Item::Event(Event { at: UnixMicros(0), kind: kind.clone() })).collect();
        let (done, written) = mpsc::channel();
        let done: Done = Box::new(move |_| done.send(()).expect("the test waits"));
        journal.submit(Entry { items, done: Some(done) }).ok().expect("there is room");
        written.recv().expect("it is written");
    }

    fn numbers(batch: &Batch) -> Vec<i64> {
        batch.events.iter().map(|event| event.seq).collect()
    }

    #[test]
    fn events_come_until_they_are_done_with_also_over_a_restart() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let (store, journal) = start(folder.path());
        append(&journal, 250);
        let mut reader = Reader::open(&store, journal.clone(), "webhook").expect("a reader");
        for _ in 0..2 {
            assert_eq!(numbers(&reader.next().expect("events")), (1..=100).collect::<Vec<_>>());
        }
        reader.advance(40).expect("it is written");
        reader.advance(30).expect("going back does nothing");
        journal.close();
        drop((reader, store, journal));

        let (store, journal) = start(folder.path());
        let mut reader = Reader::open(&store, journal.clone(), "webhook").expect("a reader");
        assert_eq!(reader.cursor(), 40);
        let mut seen = 40;
        loop {
            let batch = reader.next().expect("events");
            assert_eq!(batch.missed, None);
            let Some(last) = batch.events.last() else { break };
            assert_eq!(numbers(&batch), (seen + 1..=last.seq).collect::<Vec<_>>());
            seen = last.seq;
            reader.advance(seen).expect("it is written");
        }
        assert_eq!(seen, 250);
        let other = Reader::open(&store, journal.clone(), "cloud").expect("a reader");
        assert_eq!(other.next().expect("events").events[0].seq, 1, "each name has its own place");
        journal.close();
    }

    #[test]
    fn a_reader_that_was_away_for_too_long_is_told_what_is_gone() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let (store, journal) = start(folder.path());
        append(&journal, 10);
        let mut reader = Reader::open(&store, journal.clone(), "webhook").expect("a reader");
        reader.advance(10).expect("it is written");
        for _ in 0..=(store::limits::EVENTS + store::limits::EVENT_SLACK) / 4_000 {
            append(&journal, 4_000);
        }
        let batch = reader.next().expect("events");
        let first = batch.events[0].seq;
        assert!(first > 11);
        assert_eq!(batch.missed, Some(11..=first - 1));
        journal.close();
    }

    #[test]
    fn a_cursor_that_cannot_be_written_stays_where_it_was() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let (store, journal) = start(folder.path());
        append(&journal, 3);
        let mut reader = Reader::open(&store, journal.clone(), "webhook").expect("a reader");
        journal.close();
        assert!(matches!(reader.advance(3), Err(Error::NotWritten(_))));
        assert_eq!((reader.cursor(), numbers(&reader.next().expect("events"))), (0, vec![1, 2, 3]));
    }
}
