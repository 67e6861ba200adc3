//! Having something written down, and knowing that it is.

use std::sync::mpsc;

use store::journal::{Done, Entry};
use store::{Item, Journal};

use crate::limits;

/// Writes items down; false where they could not be within [`limits::WRITE`]. They may be nevertheless, later.
pub(crate) fn write(journal: &Journal, items: Vec<Item>) -> bool {
    let (done, written) = mpsc::channel();
    let done: Done = Box::new(move |_| {
        // Whoever waited may have given up.
        let _ = done.send(());
    });
    journal.submit(Entry { items, done: Some(done) }).is_ok() && written.recv_timeout(limits::WRITE).is_ok()
}
