//! What all requests share.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use axum::http::StatusCode;
use store::{Journal, Store, Timestamp};
use tokio::sync::{Mutex, Semaphore, watch};

use crate::auth::{Attempts, Passwords};
use crate::board::Board;
use crate::certificate::Certificates;
use crate::cloud::CloudState;
use crate::exchange::Exchange;
use crate::failure::Failure;
use crate::health::Checkup;
use crate::readers::Readers;
use crate::setup::{Setup, SetupCode};
use crate::sip_socket::SipSockets;
use crate::system::logs::Ring;
use crate::system::update::Updates;
use crate::webrtc;

/// Reads the wall clock.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Gives random bytes from the kernel.
pub type Entropy = Arc<dyn Fn() -> std::io::Result<[u8; 64]> + Send + Sync>;

/// Makes a link, which counts for an hour, to an object in the bucket of recordings.
pub type BucketLink = Arc<dyn Fn(&str) -> String + Send + Sync>;

/// Tells how it stands with the cloud.
pub type CloudView = Arc<dyn Fn() -> CloudState + Send + Sync>;

/// Asks a web server for a file and gives what comes; or says why nothing does. It blocks.
pub type Download = Arc<dyn Fn(&str) -> Result<Box<dyn std::io::Read + Send>, String> + Send + Sync>;

/// Each as (metric name without prefix, help text, value); a total's name ends in `_total`.
pub type Counters = Arc<dyn Fn() -> Vec<(&'static str, &'static str, u64)> + Send + Sync>;

/// Encrypts a secret by the box's own key.
pub type Seal = Arc<dyn Fn(&str) -> std::io::Result<Vec<u8>> + Send + Sync>;

/// What the API needs of those who tell web servers.
pub struct Webhooks {
    /// Encrypts the secret that events are signed with.
    pub seal: Seal,
    /// Says that something is to be told that no event tells of.
    pub ring: Arc<dyn Fn() + Send + Sync>,
    /// Servers of the box itself that may be told all the same.
    pub own_servers: Vec<SocketAddr>,
}

/// What the process hands over.
pub struct Options {
    /// The way to the exchange.
    pub exchange: Arc<dyn Exchange>,
    /// The database.
    pub store: Store,
    /// The way to its writer.
    pub journal: Journal,
    /// The last number in the event log, changed after each commit.
    pub events: watch::Receiver<i64>,
    /// Reads the wall clock.
    pub clock: Clock,
    /// Reads a clock that shows the same at the start, and is never set after that.
    pub steady_clock: Clock,
    /// What salts and keys are made of.
    pub entropy: Entropy,
    /// What the process counts by itself, for `/metrics`.
    pub counters: Counters,
    /// Where SIP is spoken.
    pub sip: SocketAddr,
    /// What it hands out from the disk.
    pub files: Files,
    /// Links to recordings that are in the bucket, if there is one.
    pub bucket: Option<BucketLink>,
    /// How it stands with the cloud, if one is set.
    pub cloud: Option<CloudView>,
    /// By which certificate the box is known, where it speaks TLS.
    pub certificates: Option<Arc<dyn Certificates>>,
    /// Those who tell web servers.
    pub webhooks: Webhooks,
    /// The way of SIP by WebSocket to the exchange.
    pub sip_sockets: Arc<dyn SipSockets>,
    /// What pages are told before they call.
    pub webrtc: webrtc::Settings,
    /// Ends the process as a restart does: it starts anew.
    pub restart: Arc<dyn Fn() + Send + Sync>,
    /// The last lines of its log.
    pub log: Arc<Ring>,
    /// The board that the box runs on, if it has one of its own.
    pub board: Option<Arc<dyn Board>>,
    /// Downloads updates.
    pub download: Download,
    /// The code of the first administrator, where nobody has taken hold of the box yet.
    pub setup_code: Option<SetupCode>,
    /// The port of HTTPS, where the page is for those alone who speak it.
    pub https_port: Option<u16>,
}

/// Where files lie that are handed out.
#[derive(Debug, Clone)]
pub struct Files {
    /// The folder with everything that the box remembers.
    pub data: PathBuf,
    /// The folder with those of recordings.
    pub recordings: PathBuf,
    /// What the board records of itself, where there is one.
    pub flight_recorder: Option<PathBuf>,
}

/// What all requests share; clones are cheap.
#[derive(Clone)]
pub struct State {
    shared: Arc<Shared>,
}

struct Shared {
    options: Options,
    readers: Readers,
    started: Timestamp,
    requests: AtomicU64,
    responses: [AtomicU64; 5],
    websockets: AtomicUsize,
    refused_handshakes: AtomicU64,
    passwords: Passwords,
    attempts: Attempts,
    setup: Setup,
    updates: Updates,
    checkup: Checkup,
    backup_turn: Arc<Mutex<()>>,
    stopping: watch::Sender<bool>,
    withdrawn: watch::Sender<()>,
    connections: Arc<Semaphore>,
}

/// One WebSocket client, as long as it lives.
pub struct WebsocketPlace(State);

impl State {
    /// Opens what requests need.
    pub fn new(options: Options) -> Result<State, store::Error> {
        let started = (options.steady_clock)();
        let shared = Shared {
            readers: Readers::open(&options.store)?,
            started,
            requests: AtomicU64::new(0),
            responses: Default::default(),
            websockets: AtomicUsize::new(0),
            refused_handshakes: AtomicU64::new(0),
            passwords: Passwords::new(),
            attempts: Attempts::default(),
            setup: Setup::new(options.setup_code.clone()),
            updates: Updates::default(),
            checkup: Checkup::default(),
            backup_turn: Arc::default(),
            stopping: watch::Sender::new(false),
            withdrawn: watch::Sender::new(()),
            connections: Arc::new(Semaphore::new(crate::limits::CONNECTIONS)),
            options,
        };
        Ok(State { shared: Arc::new(shared) })
    }

    /// Lets the WebSocket clients go; [`crate::serve`] does it when it is asked to stop.
    pub fn stop(&self) {
        self.shared.stopping.send_replace(true);
    }

    /// The box's customer, by whose id a cloud knows the box.
    pub fn customer_id(&self) -> uuid::Uuid {
        self.store().identity().customer_id
    }

    /// A client of HTTPS said something that is no TLS, or none that is spoken here, or took too long.
    pub(crate) fn note_refused_handshake(&self) {
        self.shared.refused_handshakes.fetch_add(1, Ordering::Relaxed);
    }

    /// How many did.
    pub(crate) fn refused_handshakes(&self) -> u64 {
        self.shared.refused_handshakes.load(Ordering::Relaxed)
    }

    pub(crate) fn exchange(&self) -> &dyn Exchange {
        &*self.shared.options.exchange
    }

    pub(crate) fn sip_sockets(&self) -> &dyn SipSockets {
        &*self.shared.options.sip_sockets
    }

    pub(crate) fn webrtc(&self) -> &webrtc::Settings {
        &self.shared.options.webrtc
    }

    pub(crate) fn store(&self) -> &Store {
        &self.shared.options.store
    }

    pub(crate) fn journal(&self) -> &Journal {
        &self.shared.options.journal
    }

    pub(crate) fn events(&self) -> watch::Receiver<i64> {
        self.shared.options.events.clone()
    }

    pub(crate) fn process_counters(&self) -> Vec<(&'static str, &'static str, u64)> {
        (self.shared.options.counters)()
    }

    pub(crate) fn sip(&self) -> SocketAddr {
        self.shared.options.sip
    }

    pub(crate) fn recordings(&self) -> &Path {
        &self.shared.options.files.recordings
    }

    /// Held by whoever makes a backup, or restores one.
    pub(crate) fn backup_turn(&self) -> Arc<Mutex<()>> {
        Arc::clone(&self.shared.backup_turn)
    }

    pub(crate) fn restart(&self) {
        (self.shared.options.restart)();
    }

    pub(crate) fn log(&self) -> &Ring {
        &self.shared.options.log
    }

    pub(crate) fn data_folder(&self) -> &Path {
        &self.shared.options.files.data
    }

    pub(crate) fn has_bucket(&self) -> bool {
        self.shared.options.bucket.is_some()
    }

    pub(crate) fn bucket_link(&self, object: &str) -> Option<String> {
        self.shared.options.bucket.as_ref().map(|link| link(object))
    }

    pub(crate) fn cloud(&self) -> Option<CloudState> {
        self.shared.options.cloud.as_ref().map(|view| view())
    }

    pub(crate) fn flight_recorder(&self) -> Option<&Path> {
        self.shared.options.files.flight_recorder.as_deref()
    }

    pub(crate) fn board(&self) -> Option<&dyn Board> {
        self.shared.options.board.as_deref()
    }

    pub(crate) fn certificates(&self) -> Option<&Arc<dyn Certificates>> {
        self.shared.options.certificates.as_ref()
    }

    pub(crate) fn webhooks(&self) -> &Webhooks {
        &self.shared.options.webhooks
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.shared.options.clock)()
    }

    /// The time by which sessions last and attempts are counted, whatever happens to the wall clock.
    pub(crate) fn steady_now(&self) -> Timestamp {
        (self.shared.options.steady_clock)()
    }

    pub(crate) fn entropy(&self) -> Result<[u8; 64], Failure> {
        (self.shared.options.entropy)().map_err(|error| {
            tracing::error!(%error, "the kernel gives no randomness");
            Failure::internal()
        })
    }

    pub(crate) fn started(&self) -> Timestamp {
        self.shared.started
    }

    pub(crate) fn readers(&self) -> &Readers {
        &self.shared.readers
    }

    pub(crate) fn passwords(&self) -> &Passwords {
        &self.shared.passwords
    }

    pub(crate) fn attempts(&self) -> &Attempts {
        &self.shared.attempts
    }

    /// How far updates are.
    pub(crate) fn updates(&self) -> &Updates {
        &self.shared.updates
    }

    pub(crate) fn download(&self) -> &Download {
        &self.shared.options.download
    }

    pub(crate) fn https_port(&self) -> Option<u16> {
        self.shared.options.https_port
    }

    pub(crate) fn setup(&self) -> &Setup {
        &self.shared.setup
    }

    pub(crate) fn checkup(&self) -> &Checkup {
        &self.shared.checkup
    }

    pub(crate) fn stopping(&self) -> watch::Receiver<bool> {
        self.shared.stopping.subscribe()
    }

    /// Somebody may do less than before, or nothing any more: whoever holds a connection open looks again.
    pub(crate) fn withdraw(&self) {
        self.shared.withdrawn.send_replace(());
    }

    /// Changes with each [`State::withdraw`].
    pub(crate) fn withdrawals(&self) -> watch::Receiver<()> {
        self.shared.withdrawn.subscribe()
    }

    pub(crate) fn connections(&self) -> Arc<Semaphore> {
        Arc::clone(&self.shared.connections)
    }

    /// A number that no other request of this process has, nor likely one of another.
    pub(crate) fn next_request_id(&self) -> String {
        let number = self.shared.requests.fetch_add(1, Ordering::Relaxed);
        format!("{:012x}{:08x}", self.shared.started.0 & 0xFFFF_FFFF_FFFF, number & 0xFFFF_FFFF)
    }

    pub(crate) fn count_request(&self, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100).clamp(1, 5) - 1;
        self.shared.responses[class].fetch_add(1, Ordering::Relaxed);
    }

    /// Responses by the first digit of their status, from 1 to 5.
    pub(crate) fn responses(&self) -> [u64; 5] {
        std::array::from_fn(|class| self.shared.responses[class].load(Ordering::Relaxed))
    }

    /// A place for one more WebSocket client, if there is one.
    pub(crate) fn take_websocket(&self) -> Option<WebsocketPlace> {
        let more = |count: usize| (count < crate::limits::WEBSOCKETS).then_some(count + 1);
        self.shared.websockets.try_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(WebsocketPlace(self.clone()))
    }

    pub(crate) fn websockets(&self) -> usize {
        self.shared.websockets.load(Ordering::Relaxed)
    }
}

impl Drop for WebsocketPlace {
    fn drop(&mut self) {
        self.0.shared.websockets.fetch_sub(1, Ordering::Relaxed);
    }
}
