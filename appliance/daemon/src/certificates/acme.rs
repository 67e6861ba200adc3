//! Certificates of an ACME server (RFC 8555): asked for once they are wanted, and again at two thirds of their life.
//!
//! A thread of its own asks, so that whoever waits for a server keeps nobody else waiting. What is wanted, and the account by which
//! the server knows the box, lie in the data folder under the box's key; the certificate and its key lie beside the others.

mod hook;
mod http;
mod order;
mod wish;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use instant_acme::AccountCredentials;
use serde::{Deserialize, Serialize};
use store::Timestamp;
use store::certificate::{Acme as State, AcmeStatus};
use store::sealed::BoxKey;

use super::pair::Pair;
use super::{Current, now};
use crate::limits;
pub use wish::Wish;

/// The name of what is kept under the box's key.
const SECRET: &str = "acme";
/// The name of the certificate and its key, as files.
const FILE: &str = "acme";

/// What a server says of an account that it does not know (RFC 8555 §6.7).
const UNKNOWN: &str = "urn:ietf:params:acme:error:accountDoesNotExist";

/// What is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    wish: Wish,
    account: Option<AccountCredentials>,
}

/// The desk at which certificates are ordered.
pub struct Desk {
    folder: PathBuf,
    own: BoxKey,
    current: Arc<Current>,
    inside: Mutex<Inside>,
    bell: Condvar,
}

/// What is known of the order.
struct Inside {
    wish: Option<Wish>,
    /// How often that changed: what was asked for an earlier wish is thrown away.
    wishes: u64,
    is_asking: bool,
    failures: u32,
    failure: Option<String>,
    end: Option<Timestamp>,
    due: Timestamp,
    /// What an ACME server has to find at the box, by token.
    tokens: HashMap<String, String>,
}

/// Who is told when something has changed.
pub type Teller = Box<dyn Fn() + Send>;

impl Desk {
    /// Takes up what is kept, and shows the certificate that is there.
    pub fn open(data: &Path, folder: &Path, current: Arc<Current>) -> Result<Desk> {
        let own = BoxKey::open(data).context("the box's key cannot be read")?;
        let mut inside = Inside::new();
        if let Some(kept) = read(&own)? {
            match Pair::read(folder, FILE) {
                Ok(Some(pair)) => inside.take(&pair, &current),
                Ok(None) => {}
                Err(error) => tracing::error!(%error, "the certificate of the ACME server is no use"),
            }
            inside.wish = Some(kept.wish);
        }
        Ok(Desk { folder: folder.to_path_buf(), own, current, inside: Mutex::new(inside), bell: Condvar::new() })
    }

    /// Begins to ask.
    pub fn start(self: &Arc<Desk>, tell: Teller) -> Result<()> {
        let desk = self.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        std::thread::Builder::new()
            .name("acme".into())
            .stack_size(512 * 1_024)
            .spawn(move || desk.run(&runtime, &tell))
            .context("cannot start the thread that asks for certificates")?;
        Ok(())
    }

    /// From now on this is wanted: asked for at once.
    pub fn order(&self, wish: Wish) -> Result<()> {
        let mut inside = self.lock();
        // Another server does not know the account.
        let account = read(&self.own)?.filter(|kept| kept.wish.is_of_same_account(&wish)).and_then(|kept| kept.account);
        keep(&self.own, &Kept { wish: wish.clone(), account })?;
        let (wishes, end) = (inside.wishes + 1, inside.end);
        *inside = Inside { wish: Some(wish), wishes, end, ..Inside::new() };
        self.bell.notify_all();
        Ok(())
    }

    /// Nothing is wanted any more; what was there is shown to nobody.
    pub fn cancel(&self) -> Result<()> {
        let mut inside = self.lock();
        self.own.forget_secret(SECRET)?;
        Pair::remove(&self.folder, FILE)?;
        *inside = Inside { wishes: inside.wishes + 1, ..Inside::new() };
        self.current.show_ordered(None);
        self.bell.notify_all();
        Ok(())
    }

    /// What an ACME server has to find under a token.
    pub fn token(&self, token: &str) -> Option<String> {
        self.lock().tokens.get(token).cloned()
    }

    /// How things stand.
    pub fn state(&self) -> Option<State> {
        let inside = self.lock();
        let wish = inside.wish.as_ref()?;
        let status = match (&inside.failure, inside.end) {
            _ if inside.is_asking || inside.due <= now() => AcmeStatus::Ordering,
            (Some(_), _) => AcmeStatus::Failing,
            (None, Some(_)) => AcmeStatus::Valid,
            (None, None) => AcmeStatus::Ordering,
        };
        Some(State {
            directory_url: wish.directory_url.clone(),
            contact: wish.contact.clone(),
            names: wish.names.clone(),
            challenge: wish.challenge,
            status,
            failure: inside.failure.clone(),
            tm_end: inside.end,
            tm_next: (!inside.is_asking).then_some(inside.due),
        })
    }

    fn run(&self, runtime: &tokio::runtime::Runtime, tell: &Teller) {
        loop {
            let (wish, wishes) = self.next();
            let obtained = runtime.block_on(self.obtain((&wish, wishes)));
            let mut inside = self.lock();
            inside.is_asking = false;
            inside.tokens.clear();
            if inside.wishes != wishes {
                continue;
            }
            let obtained = obtained.and_then(|pair| pair.write(&self.folder, FILE).map(|()| pair));
            match obtained {
                Ok(pair) => {
                    tracing::info!(names = ?wish.names, "the ACME server has signed a certificate");
                    inside.take(&pair, &self.current);
                }
                Err(reason) => {
                    if is_unknown(&reason) {
                        // It is made anew with the next attempt.
                        let forgotten = keep(&self.own, &Kept { wish: wish.clone(), account: None });
                        forgotten.unwrap_or_else(|error| tracing::error!(%error, "an account cannot be forgotten"));
                    }
                    let failure = format!("{reason:#}");
                    tracing::warn!(failure, "there is no certificate of the ACME server");
                    inside.fail(failure);
                }
            }
            drop(inside);
            tell();
        }
    }

    /// Waits until there is something to be asked for.
    fn next(&self) -> (Wish, u64) {
        let mut inside = self.lock();
        loop {
            let left = Duration::from_micros(u64::try_from(inside.due.0 - now().0).unwrap_or(0));
            if let (Some(wish), true) = (inside.wish.clone(), left.is_zero()) {
                inside.is_asking = true;
                return (wish, inside.wishes);
            }
            // The clock may be set meanwhile.
            let left = left.clamp(Duration::from_millis(10), limits::ACME_LOOK);
            inside = self.bell.wait_timeout(inside, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Asks for a certificate.
    async fn obtain(&self, (wish, wishes): (&Wish, u64)) -> Result<Pair> {
        let account = read(&self.own)?.and_then(|kept| kept.account);
        let (account, made) = order::account(wish, account).await?;
        if let Some(account) = made {
            let inside = self.lock();
            // Whatever is wanted by now is kept already.
            if inside.wishes == wishes {
                keep(&self.own, &Kept { wish: wish.clone(), account: Some(account) })?;
            }
        }
        let (chain, key) = order::obtain(self, wish, &account).await?;
        Pair::new(&chain, &key).map_err(|trouble| anyhow!("what it signed is no use: {trouble:?}"))
    }

    /// Has a token be found.
    fn show_token(&self, token: &str, answer: &str) {
        self.lock().tokens.insert(token.to_owned(), answer.to_owned());
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside {
    /// Nothing is known, and what is wanted is asked for at once.
    fn new() -> Inside {
        Inside {
            wish: None,
            wishes: 0,
            is_asking: false,
            failures: 0,
            failure: None,
            end: None,
            due: now(),
            tokens: HashMap::new(),
        }
    }

    /// There is a certificate: the next is asked for at two thirds of its life.
    fn take(&mut self, pair: &Pair, current: &Current) {
        let (begin, end) = pair.life();
        self.due = Timestamp(begin.0 + (end.0 - begin.0) / 3 * 2);
        (self.end, self.failures, self.failure) = (Some(end), 0, None);
        current.show_ordered(Some(pair.clone()));
    }

    /// There is none: it is asked again after twice as long as the last time.
    fn fail(&mut self, failure: String) {
        let pause = limits::ACME_RETRY * (1 << self.failures.min(10));
        let pause = pause.min(limits::ACME_RETRY_MAX);
        self.failures += 1;
        self.due = Timestamp(now().0 + pause.as_micros() as i64);
        self.failure = Some(failure);
    }
}

/// Whether the server does not know the account any more.
fn is_unknown(reason: &anyhow::Error) -> bool {
    let problem = reason.downcast_ref::<instant_acme::Error>();
    matches!(problem, Some(instant_acme::Error::Api(said)) if said.r#type.as_deref() == Some(UNKNOWN))
}

fn read(own: &BoxKey) -> Result<Option<Kept>> {
    let Some(text) = own.open_secret(SECRET)? else { return Ok(None) };
    serde_json::from_str(&text).map(Some).context("what is kept of the ACME server cannot be read")
}

fn keep(own: &BoxKey, kept: &Kept) -> Result<()> {
    Ok(own.seal(SECRET, &serde_json::to_string(kept)?)?)
}
