//! A box to test on: exchange, store and API as the daemon wires them, with a clock that only moves when something happens.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use api::exchange::Exchange;
use api::sip_socket::{Opening, SipLine, SipSocket, SipSockets};
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request, StatusCode};
use bytes::Bytes;
use pbx::directory::{Author, NewAgent, PasswordHash};
use pbx::ports::{PortOrder, PortReport};
use pbx::recording::{RecordedFile, RecordingFormat, RecordingOrder, RecordingReport};
use pbx::{Command, Input, Output, Pbx, Rejection, Reply, RequestId, Settings};
use serde_json::Value;
use sip::transport::ConnectionId;
use sip::{Flow, Message, Transport};
use store::agent::AgentPermission;
use store::journal::{Entry, Hooks};
use store::{Item, Journal, Store, Timestamp};
use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};
use tower::ServiceExt;
use uuid::Uuid;

/// 2027-01-15T08:00:00Z.
pub const START: i64 = 1_800_000_000_000_000;
pub const ADMIN: (&str, &str) = ("admin", "correct horse battery staple");

/// What reaches the signalling thread.
enum Order {
    Ask(Command, oneshot::Sender<Result<Reply, Rejection>>),
    Sip(Flow, Bytes, mpsc::Sender<()>),
    Opened(Flow, api::sip_socket::Sender),
    Heard(Flow, Bytes),
    Vouched(Flow, Vec<String>),
    Closed(Flow),
}

/// The way to the exchange, as the daemon makes one.
struct Line {
    orders: Mutex<Option<mpsc::Sender<Order>>>,
}

impl Exchange for Line {
    fn submit(&self, command: Command) -> oneshot::Receiver<Result<Reply, Rejection>> {
        let (answer, answered) = oneshot::channel();
        if let Some(orders) = &*self.orders.lock().expect("nobody panicked") {
            orders.send(Order::Ask(command, answer)).expect("the exchange runs");
        }
        answered
    }
}

/// Browsers' way there: each flow is named by its remote port.
struct Sockets(Arc<Line>);

impl SipSockets for Sockets {
    fn open(&self, opening: Opening) -> Option<SipSocket> {
        let transport = if opening.encrypted { Transport::Wss } else { Transport::Ws };
        let connection = Some(ConnectionId(opening.remote.port().into()));
        let flow = Flow { transport, local: opening.local, remote: opening.remote, connection };
        let (sender, outgoing) = api::sip_socket::outgoing(64 * 1_024);
        self.0.order(Order::Opened(flow, sender));
        Some(SipSocket { line: Box::new(Browser { flow, line: self.0.clone() }), outgoing })
    }
}

struct Browser {
    flow: Flow,
    line: Arc<Line>,
}

impl SipLine for Browser {
    fn hear(&self, message: Bytes, _place: OwnedSemaphorePermit) {
        self.line.order(Order::Heard(self.flow, message));
    }

    fn vouch(&self, extensions: Vec<String>) {
        self.line.order(Order::Vouched(self.flow, extensions));
    }

    fn note_cut(&self) {}
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.line.order(Order::Closed(self.flow));
    }
}

impl Line {
    /// While the exchange runs.
    fn order(&self, order: Order) {
        if let Some(orders) = &*self.orders.lock().expect("nobody panicked") {
            let _ = orders.send(order);
        }
    }
}

pub struct Desk {
    pub router: Router,
    pub state: api::State,
    pub store: Store,
    pub journal: Journal,
    pub clock: Arc<AtomicI64>,
    /// Messages that the exchange sent, in order.
    pub sent: mpsc::Receiver<(Flow, Message)>,
    line: Arc<Line>,
    _folder: tempfile::TempDir,
}

/// An answer, as a client sees it.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("ASCII"))
    }

    /// The status and the body, for a snapshot.
    pub fn shown(&self) -> Value {
        serde_json::json!({ "status": self.status.as_u16(), "body": self.json() })
    }

    /// The envelope's reason.
    pub fn reason(&self) -> String {
        self.json()["error"]["reason"].as_str().expect("an error envelope").to_owned()
    }
}

/// Bytes that were never given before, the same in each run.
fn entropy() -> std::io::Result<[u8; 64]> {
    static GIVEN: AtomicI64 = AtomicI64::new(0);
    let number = GIVEN.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    Ok(std::array::from_fn(|at| number[at % 8] ^ at as u8))
}

/// A request that is not sent yet.
pub struct Ask<'a> {
    desk: &'a Desk,
    request: axum::http::request::Builder,
    body: Body,
    peer: &'static str,
}

impl<'a> Ask<'a> {
    pub fn header(self, name: &str, value: &str) -> Ask<'a> {
        Ask { request: self.request.header(name, value), ..self }
    }

    pub fn token(self, token: &str) -> Ask<'a> {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub fn json(self, body: Value) -> Ask<'a> {
        self.body(body.to_string())
    }

    pub fn body(self, body: impl Into<Body>) -> Ask<'a> {
        Ask { body: body.into(), ..self }
    }

    pub fn from(self, peer: &'static str) -> Ask<'a> {
        Ask { peer, ..self }
    }

    pub async fn send(self) -> Answer {
        let mut request = self.request.body(self.body).expect("a request");
        let peer: std::net::SocketAddr = self.peer.parse().expect("an address");
        request.extensions_mut().insert(ConnectInfo(peer));
        let response = self.desk.router.clone().oneshot(request).await.expect("the router answers whatever comes");
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.expect("a body");
        let text = String::from_utf8_lossy(&body).into_owned();
        Answer { status: parts.status, headers: parts.headers, text }
    }
}

impl Desk {
    /// A box with an administrator.
    pub fn new() -> Desk {
        Desk::on(None, None, None)
    }

    /// The same on a board of its own; one that has a setup code has no administrator.
    pub fn on(board: Option<Arc<dyn api::Board>>, setup_code: Option<&str>, https_port: Option<u16>) -> Desk {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let path = folder.path().join("tandem.db");
        let (store, writer) = Store::open(&path, "tandem.example", &[9; 64]).expect("a database");
        let clock = Arc::new(AtomicI64::new(START));
        let (committed, events) = watch::channel(writer.latest_seq());
        let reading = Arc::clone(&clock);
        let hooks = Hooks {
            clock: Box::new(move || Timestamp(reading.load(Ordering::Relaxed))),
            committed: Box::new(move |seq| {
                committed.send_replace(seq);
            }),
            failed: Box::new(|error| panic!("{error}")),
        };
        let journal = Journal::start(writer, hooks).expect("a thread");
        if setup_code.is_none() {
            let first = api::first_admin(&store, &journal, Timestamp(START), Some(ADMIN.1), &[5; 64]);
            assert_eq!(first.expect("an administrator"), api::FirstAdmin::WithGivenPassword);
        }
        let (orders, incoming) = mpsc::channel();
        let (outgoing, sent) = mpsc::channel();
        let (ledger, ticking) = (journal.clone(), Arc::clone(&clock));
        let restored = store.reader().and_then(|reader| reader.restore()).expect("a database");
        let files = Files { folder: folder.path().join("recordings"), open: None };
        std::thread::spawn(move || run_exchange((&incoming, restored), &outgoing, (&ledger, files), &ticking));
        let line = Arc::new(Line { orders: Mutex::new(Some(orders)) });
        let (reading, steadily) = (Arc::clone(&clock), Arc::clone(&clock));
        let state = api::State::new(api::Options {
            exchange: Arc::clone(&line) as Arc<dyn Exchange>,
            store: store.clone(),
            journal: journal.clone(),
            events,
            clock: Arc::new(move || Timestamp(reading.load(Ordering::Relaxed))),
            steady_clock: Arc::new(move || Timestamp(steadily.load(Ordering::Relaxed))),
            entropy: Arc::new(entropy),
            counters: Arc::new(|| vec![("process_open_files", "Open files", 7)]),
            sip: ([0, 0, 0, 0], 5070).into(),
            files: api::state::Files {
                data: folder.path().to_owned(),
                recordings: folder.path().join("recordings"),
                flight_recorder: Some(folder.path().join("flight-recorder")),
            },
            bucket: None,
            cloud: None,
            certificates: None,
            webhooks: api::state::Webhooks {
                seal: Arc::new(|secret| Ok(secret.bytes().rev().collect())),
                ring: Arc::new(|| ()),
                own_servers: vec![([127, 0, 0, 1], 8_080).into()],
            },
            sip_sockets: Arc::new(Sockets(Arc::clone(&line))),
            webrtc: api::webrtc::Settings {
                ice: api::webrtc::ice::IceServers { urls: vec!["stun:stun.example".into()], turn: None },
                codecs: vec!["opus".into(), "pcmu".into()],
            },
            restart: Arc::new(|| ()),
            log: Arc::default(),
            board,
            download: Arc::new(|url| {
                let path = url.strip_prefix("http://disk").ok_or("there is no such server")?;
                let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
                Ok(Box::new(file) as Box<dyn std::io::Read + Send>)
            }),
            https_port,
            setup_code: setup_code.map(|code| api::SetupCode::parse(code).expect("a code")),
        })
        .expect("readers");
        Desk { router: api::router(state.clone()), state, store, journal, clock, sent, line, _folder: folder }
    }

    pub fn ask<'a>(&'a self, method: &str, path: &str) -> Ask<'a> {
        let request = Request::builder().method(method).uri(path).header("host", "box.example");
        Ask { desk: self, request, body: Body::empty(), peer: "192.0.2.99:50000" }
    }

    pub async fn log_in(&self, (username, password): (&str, &str)) -> String {
        let body = serde_json::json!({ "username": username, "password": password });
        let answer = self.ask("POST", "/auth/login").json(body).send().await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()["token"].as_str().expect("a token").to_owned()
    }

    /// Makes an agent whose password is its user name twice; returns its id.
    pub fn add_agent(&self, username: &str, permission: AgentPermission) -> Uuid {
        let password_hash = PasswordHash(api::auth::hash(&username.repeat(2), &[1; 16]));
        let permission = permission.into();
        let new = NewAgent { username: username.into(), password_hash, permission, ..NewAgent::default() };
        let made = self.line.submit(Command::CreateAgent(Box::new(new), Author::Exchange));
        // A thread may wait where a test, which is one of many tasks, may not.
        let made = std::thread::spawn(move || made.blocking_recv()).join().expect("nobody panicked");
        let Ok(Ok(Reply::Agent(agent))) = made else { panic!("{made:?}") };
        agent.id
    }

    /// Has something written, and waits for it.
    pub fn write(&self, item: Item) {
        let (done, written) = mpsc::channel();
        let done: store::journal::Done = Box::new(move |_| done.send(()).expect("the test waits"));
        self.journal.submit(Entry { items: vec![item], done: Some(done) }).ok().expect("there is room");
        written.recv_timeout(Duration::from_secs(10)).expect("it is written");
    }

    /// Gives the exchange a SIP message; what it sends for it is in `sent` afterwards.
    pub fn give_sip(&self, flow: Flow, message: String) {
        let (done, heard) = mpsc::channel();
        let orders = self.line.orders.lock().expect("nobody panicked");
        let order = Order::Sip(flow, Bytes::from(message), done);
        orders.as_ref().expect("the exchange runs").send(order).expect("the exchange runs");
        heard.recv_timeout(Duration::from_secs(10)).expect("the exchange hears it");
    }

    /// The signalling thread takes no orders any more: each is dropped.
    pub fn cut_line(&self) {
        *self.line.orders.lock().expect("nobody panicked") = None;
    }

    pub fn pass(&self, seconds: i64) {
        self.clock.fetch_add(seconds * 1_000_000, Ordering::Relaxed);
    }
}

/// Whoever writes the files of recordings: each is the same second of sound.
struct Files {
    folder: std::path::PathBuf,
    open: Option<(media::RecordingId, Uuid)>,
}

/// What stands in the file of every recording.
pub const FILE: [u8; 1_000] = {
    let mut file = [0; 1_000];
    let mut at = 0;
    while at < file.len() {
        file[at] = at as u8;
        at += 1;
    }
    file
};

impl Files {
    fn close(&mut self, now: Duration, pbx: &mut Pbx) {
        let Some((recording, id)) = self.open.take() else { return };
        let path = format!("2027-01-15/{id}.wav");
        std::fs::create_dir_all(self.folder.join("2027-01-15")).expect("a folder");
        std::fs::write(self.folder.join(&path), FILE).expect("a file");
        let of = media::Target::Stream(media::StreamId(1));
        let ended = media::Event::RecordingEnded { recording, of, reason: media::Ended::Stopped, missed_ms: 0 };
        pbx.handle(now, Input::Media(ended));
        let duration = Duration::from_secs(1);
        let file = RecordedFile { path, format: RecordingFormat::Wav, octets: FILE.len() as u64, duration };
        pbx.handle(now, Input::Recording(RecordingReport::Filed(recording, file)));
    }
}

/// The signalling thread: each input takes ten milliseconds, as the clock says.
fn run_exchange(
    (orders, restored): (&mpsc::Receiver<Order>, store::Restored),
    sent: &mpsc::Sender<(Flow, Message)>,
    (journal, mut files): (&Journal, Files),
    clock: &AtomicI64,
) {
    let settings = Settings { realm: "tandem.example".into(), ..Settings::default() };
    let mut pbx = Pbx::new(settings, [7; 32]);
    let now = || Duration::from_micros((clock.load(Ordering::Relaxed) - START) as u64);
    pbx.handle(now(), Input::Clock(Duration::from_micros(START as u64)));
    pbx.handle(now(), Input::RestoreAgents(restored.agents, restored.tags));
    let (mut numbers, mut browsers) = (0, HashMap::new());
    while let Ok(order) = orders.recv() {
        clock.fetch_add(10_000, Ordering::Relaxed);
        pbx.handle_timeout(now());
        let mut waiting = None;
        let mut heard = None;
        match order {
            Order::Ask(command, answer) => {
                numbers += 1;
                waiting = Some((RequestId(numbers), answer));
                pbx.handle(now(), Input::Command(RequestId(numbers), command));
            }
            Order::Sip(flow, message, done) => {
                heard = Some(done);
                pbx.handle(now(), Input::Sip(flow, message));
            }
            Order::Opened(flow, sender) => drop(browsers.insert(flow.connection, sender)),
            Order::Heard(flow, message) => pbx.handle(now(), Input::Sip(flow, message)),
            Order::Vouched(flow, extensions) => pbx.handle(now(), Input::SipVouched(flow, extensions)),
            Order::Closed(flow) => {
                browsers.remove(&flow.connection);
                pbx.handle(now(), Input::SipClosed(flow));
            }
        }
        let mut items = Vec::new();
        while let Some(output) = pbx.poll_output() {
            match output {
                Output::Sip(transmit) if transmit.flow.transport.is_websocket() => {
                    let sent = browsers.get(&transmit.flow.connection).map(|browser| browser.send(transmit.bytes));
                    assert!(sent.is_none_or(|sent| sent != Err(api::sip_socket::Unsent::Stuffed)));
                }
                Output::Sip(transmit) => {
                    let message = Message::parse(&transmit.bytes).expect("we write what we can read");
                    sent.send((transmit.flow, message)).expect("the test listens");
                }
                Output::Recording(RecordingOrder::Begin { recording, id, .. }) => {
                    files.open = Some((recording, id));
                    pbx.handle(now(), Input::Recording(RecordingReport::Begun(recording)));
                }
                Output::Media(media::Command::StopRecording { .. }) => files.close(now(), &mut pbx),
                Output::Media(media::Command::Close { stream }) => {
                    files.close(now(), &mut pbx);
                    let statistics = Box::default();
                    pbx.handle(now(), Input::Media(media::Event::Closed { stream, statistics }));
                }
                Output::Port(PortOrder::Bind(port)) => {
                    pbx.handle(now(), Input::Port(PortReport::Bound(port)));
                }
                Output::Event(event) => items.push(Item::Event(event)),
                Output::Refreshed(binding) => items.push(Item::Refreshed(binding)),
                Output::Sequence(sequence) => items.push(Item::Sequence(sequence)),
                Output::Reply(id, result) => {
                    let (wanted, answer) = waiting.take().expect("one reply to each order");
                    assert_eq!(id, wanted);
                    let done: store::journal::Done = Box::new(move |_| drop(answer.send(result)));
                    journal.submit(Entry { items: std::mem::take(&mut items), done: Some(done) }).ok().expect("room");
                }
                Output::Media(_)
                | Output::Port(_)
                | Output::Errand(..)
                | Output::Connection(..)
                | Output::Webrtc(_)
                | Output::Resolve(_)
                | Output::Drained => {}
            }
        }
        let done: Option<store::journal::Done> =
            heard.map(|heard| Box::new(move |_| heard.send(()).expect("the test waits")) as store::journal::Done);
        journal.submit(Entry { items, done }).ok().expect("room");
    }
}
