//! A few reading connections to the database, shared by the requests.

use std::sync::{Arc, Mutex, PoisonError};

use store::{Reader, Store};
use tokio::sync::Semaphore;

use crate::failure::Failure;
use crate::limits;

/// Lends readers to requests; reading happens on threads where waiting for a disk holds up nobody else.
#[derive(Clone)]
pub struct Readers {
    free: Arc<Mutex<Vec<Reader>>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    /// Opens them.
    pub fn open(store: &Store) -> Result<Readers, store::Error> {
        let readers = (0..limits::READERS).map(|_| store.reader()).collect::<Result<Vec<_>, _>>()?;
        Ok(Readers { free: Arc::new(Mutex::new(readers)), permits: Arc::new(Semaphore::new(limits::READERS)) })
    }

    /// Runs `read` with a reader.
    pub async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Reader) -> Result<T, store::Error> + Send + 'static,
    ) -> Result<T, Failure> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.expect("the semaphore is never closed");
        let free = Arc::clone(&self.free);
        let reading = tokio::task::spawn_blocking(move || {
            let reader = free.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let reader = reader.expect("there are as many readers as permits");
            let result = read(&reader);
            free.lock().unwrap_or_else(PoisonError::into_inner).push(reader);
            drop(permit);
            result
        });
        Ok(reading.await.map_err(|_| Failure::internal())??)
    }
}
