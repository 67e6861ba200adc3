//! Who is asking: logins, tokens, and what an agent may do.

mod attempts;
mod caller;
mod login;
mod passwords;
mod token;

use pbx::directory::{Agent, AgentStatus, PasswordHash, Permission, RingMethod};
use pbx::{Event, EventKind, UnixMicros};
use store::journal::Entry;
use store::{Item, Journal, Store, Timestamp};

use crate::limits;

pub use attempts::Attempts;
pub use caller::{Asked, Caller, Credential, check_origin, identify, identify_if_known};
pub(crate) use login::{__path_login, __path_logout, Source, login, logout, open_session, source_of, too_often};
pub use login::{Credentials, Session};
pub use passwords::{Passwords, hash};

/// Letters and digits that cannot be mistaken for each other.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// Makes the administrator `admin` where there is no agent yet: with this password, or with one made from `entropy`,
/// which is returned so that it can be shown once. It waits for the disk, and for the password's hash, which takes
/// some 20 ms on a fast processor.
pub fn first_admin(
    store: &Store,
    journal: &Journal,
    now: Timestamp,
    password: Option<&str>,
    entropy: &[u8; 64],
) -> Result<FirstAdmin, FirstAdminError> {
    if store.reader()?.count_agents()? > 0 {
        return Ok(FirstAdmin::ThereAlready);
    }
    let (text, rest) = entropy.split_at(20);
    let made: Option<String> =
        password.is_none().then(|| text.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect());
    let password = password.or(made.as_deref()).expect("one is made where none is given");
    let salt = rest.first_chunk::<16>().expect("44 bytes hold 16");
    let id = rest[16..].first_chunk::<16>().expect("28 bytes hold 16");
    let at = UnixMicros(now.0);
    let agent = Agent {
        id: uuid::Builder::from_random_bytes(*id).into_uuid(),
        username: "admin".into(),
        password_hash: PasswordHash(hash(password, salt)),
        name: "Administrator".into(),
        detail: String::new(),
        ring_method: RingMethod::RingAll,
        status: AgentStatus::Available,
        permission: Permission::Admin,
        tag_ids: Vec::new(),
        addresses: Vec::new(),
        created: at,
        updated: at,
        deleted: None,
    };
    let (done, written) = std::sync::mpsc::channel();
    let done: store::journal::Done = Box::new(move |_| {
        // Whoever asked may have given up.
        let _ = done.send(());
    });
    let items = vec![Item::Event(Event { at, kind: EventKind::AgentCreated(Box::new(agent)) })];
    journal.submit(Entry { items, done: Some(done) }).map_err(|_| FirstAdminError::NotWritten)?;
    written.recv_timeout(limits::ANSWER).map_err(|_| FirstAdminError::NotWritten)?;
    Ok(made.map_or(FirstAdmin::WithGivenPassword, FirstAdmin::WithPassword))
}

/// What [`first_admin`] found or did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FirstAdmin {
    /// There is an agent already; nothing was done.
    ThereAlready,
    /// It was made with the password that was given.
    WithGivenPassword,
    /// It was made with this password, which nobody else knows.
    WithPassword(String),
}

/// Why there is no administrator.
#[derive(Debug, thiserror::Error)]
pub enum FirstAdminError {
    /// The database cannot be read.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The database cannot be written.
    #[error("the administrator could not be written to the database")]
    NotWritten,
}
