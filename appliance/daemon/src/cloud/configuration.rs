//! The configuration that comes down from the cloud: a thread that asks for it, has it applied, and tells what came of it.

use std::path::Path;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use api::configuration::{Configurator, Document, Memory, Refused, refusal};
use delivery::cloud::broker;
use delivery::cloud::configuration::{Pulled, Source};
use store::configuration::{Record, Refusal};
use store::journal::Entry;
use store::sealed::BoxKey;
use store::{Item, Journal};
use tokio_rustls::rustls::pki_types::SubjectPublicKeyInfoDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;

use crate::data_folder::DataFolder;
use crate::options::Options;
use crate::process::now;
use crate::{limits, web};

/// What stands before the 32 octets of a public key of Ed25519 (RFC 8410 §4).
const PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// How it stands with the configuration.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// The document that holds; 0 where there was none.
    pub version: i64,
    /// Why none newer does, if so.
    pub failure: Option<String>,
}

/// What others see of it.
pub type Shared = Arc<Mutex<Standing>>;

/// The thread, seen from the others.
#[derive(Debug)]
pub struct ConfigurationThread {
    stop: mpsc::Sender<()>,
    ended: Receiver<()>,
    thread: JoinHandle<()>,
}

/// The thread's own values.
struct Run {
    source: Source,
    configurator: Configurator,
    runtime: tokio::runtime::Runtime,
    journal: Journal,
    standing: Shared,
    stopped: Receiver<()>,
    // The mark of the last document, whatever came of it, and what was told of it.
    seen: Option<String>,
    told: Option<Refusal>,
}

/// Starts the thread, where the administrator has said whose configuration holds.
pub fn start(
    (options, folder): (&Options, &DataFolder),
    (state, journal): (&api::State, &Journal),
    standing: &Shared,
) -> Result<Option<ConfigurationThread>> {
    let Some(service) = &options.cloud else { return Ok(None) };
    let Some(path) = &service.public_key else { return Ok(None) };
    ensure!(!broker::is_for(&service.url), "--cloud-public-key: configuration comes by HTTPS, not by RabbitMQ");
    let own = BoxKey::open(folder.path())?;
    let agent = web::cloud_agent(super::tls(service)?);
    let secrets = (own.open_secret("cloud")?, public_key(path)?);
    let source = Source::new(&service.url, state.customer_id(), secrets, agent);
    tracing::info!(?source, "configuration is asked for");
    let configurator = Configurator::open(state, Box::new(Sealed(own)));
    let configurator = configurator.map_err(|reason| anyhow::anyhow!("the configuration of the cloud: {reason}"))?;
    lock(standing).version = configurator.version();
    let (stop, stopped) = mpsc::channel();
    let (ending, ended) = mpsc::channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().max_blocking_threads(1).build()?;
    let (journal, standing) = (journal.clone(), standing.clone());
    let seen = configurator.etag().map(str::to_owned);
    let run = Run { source, configurator, runtime, journal, standing, stopped, seen, told: None };
    let thread = std::thread::Builder::new().name("configuration".into()).stack_size(512 * 1_024);
    let thread = thread.spawn(move || {
        run.run();
        drop(ending);
    });
    let thread = thread.context("cannot start the thread that asks for configuration")?;
    Ok(Some(ConfigurationThread { stop, ended, thread }))
}

impl ConfigurationThread {
    /// Ends the thread, but does not wait for a cloud that does not answer: nothing is half done that is not undone.
    pub fn stop(self) {
        drop(self.stop);
        let ended = self.ended.recv_timeout(limits::CONFIGURATION_STOP);
        if ended == Err(RecvTimeoutError::Disconnected) && self.thread.join().is_err() {
            tracing::error!("the thread that asks for configuration panicked");
        }
    }
}

impl Run {
    fn run(mut self) {
        let mut delay = delivery::limits::FIRST_DELAY;
        let mut wait = Duration::ZERO;
        while self.stopped.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
            wait = match self.round() {
                Ok(next) => {
                    delay = delivery::limits::FIRST_DELAY;
                    next
                }
                Err(reason) => {
                    let mut standing = lock(&self.standing);
                    if standing.failure.as_ref() != Some(&reason) {
                        tracing::warn!(reason, "the configuration of the cloud waits");
                        standing.failure = Some(reason);
                    }
                    delay = (delay * 2).min(delivery::limits::LAST_DELAY);
                    delay
                }
            };
        }
    }

    /// Asks once; says when to ask again.
    fn round(&mut self) -> Result<Duration, String> {
        let (pulled, next) = self.source.pull(self.seen.as_deref()).map_err(|error| error.to_string())?;
        match pulled {
            Pulled::Unchanged | Pulled::None if self.told.is_none() => lock(&self.standing).failure = None,
            Pulled::Unchanged | Pulled::None => {}
            Pulled::Foreign(etag) => {
                self.refuse(refusal(None, ("BAD_SIGNATURE", "the document is not signed by the cloud's key")));
                self.seen = etag;
            }
            Pulled::Document(octets, etag) => {
                match Document::parse(&octets) {
                    Ok(document) => self.apply(&document, etag.as_deref())?,
                    Err(refusal) => self.refuse(*refusal),
                }
                self.seen = etag;
            }
        }
        Ok(next)
    }

    fn apply(&mut self, document: &Document, etag: Option<&str>) -> Result<(), String> {
        let before = self.configurator.version();
        match self.runtime.block_on(self.configurator.apply(document, etag)) {
            Ok(done) => {
                self.told = None;
                *lock(&self.standing) = Standing { version: done.version, failure: None };
                if done.version > before {
                    let (version, changed, conflicts) = (done.version, done.changed, done.conflicts.len());
                    tracing::info!(version, changed, conflicts, "the cloud's configuration holds");
                    let told = done.conflicts.into_iter().map(Record::Conflicted);
                    self.tell(told.chain([Record::Applied { version, changed, conflicts }]).collect());
                }
                Ok(())
            }
            Err(Refused::Document(refusal)) => {
                self.refuse(*refusal);
                Ok(())
            }
            Err(Refused::Later(reason)) => Err(reason),
        }
    }

    /// Tells why a document does not hold, once.
    fn refuse(&mut self, refusal: Refusal) {
        lock(&self.standing).failure = Some(format!("{}: {}", refusal.reason, refusal.message));
        if self.told.as_ref() != Some(&refusal) {
            tracing::warn!(?refusal, "a configuration is refused");
            self.tell(vec![Record::Refused(refusal.clone())]);
            self.told = Some(refusal);
        }
    }

    fn tell(&self, records: Vec<Record>) {
        let items = records.into_iter().map(|record| Item::Configuration(Box::new(record), now())).collect();
        if self.journal.submit(Entry { items, done: None }).is_err() {
            tracing::error!("what became of the cloud's configuration could not be written down");
        }
    }
}

/// Files beside the database, under the box's key.
struct Sealed(BoxKey);

impl Memory for Sealed {
    fn write(&self, name: &str, text: &str) -> Result<(), String> {
        self.0.seal(name, text).map_err(|error| error.to_string())
    }

    fn read(&self, name: &str) -> Result<Option<String>, String> {
        self.0.open_secret(name).map_err(|error| error.to_string())
    }

    fn append(&self, name: &str, lines: &[String]) -> Result<(), String> {
        self.0.append(name, lines).map_err(|error| error.to_string())
    }

    fn lines(&self, name: &str) -> Result<Vec<String>, String> {
        self.0.lines(name).map_err(|error| error.to_string())
    }

    fn forget(&self, name: &str) -> Result<(), String> {
        self.0.forget(name).map_err(|error| error.to_string())
    }
}

/// The 32 octets of a public key of Ed25519, as `openssl pkey -pubout` writes it.
fn public_key(path: &Path) -> Result<[u8; 32]> {
    let pem = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let key = SubjectPublicKeyInfoDer::from_pem_slice(&pem);
    let key = key.with_context(|| format!("{} is no public key in PEM", path.display()))?;
    match key.strip_prefix(&PREFIX).and_then(|octets| <[u8; 32]>::try_from(octets).ok()) {
        Some(octets) => Ok(octets),
        None => bail!("{} is no public key of Ed25519", path.display()),
    }
}

/// Whoever panicked with it left it whole.
pub(super) fn lock(standing: &Shared) -> MutexGuard<'_, Standing> {
    standing.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_key_is_one_of_ed25519() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key.pem");
        let read = |text: &str| {
            std::fs::write(&path, text).expect("it is writable");
            public_key(&path).map_err(|error| error.to_string())
        };
        let key = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAPUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=\n-----END PUBLIC KEY-----\n";
        assert_eq!(read(key).map(|octets| octets[0]), Ok(0x3d), "RFC 8032 §7.1, TEST 2");
        assert!(read("").is_err_and(|reason| reason.contains("no public key in PEM")));
        // An X25519 key (RFC 8410) cannot sign.
        let other = key.replace("K2VwAyEA", "K2VuAyEA");
        assert!(read(&other).is_err_and(|reason| reason.contains("Ed25519")));
    }
}
