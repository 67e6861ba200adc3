//! Lanes in a time that only moves when the test says so, with a real database and servers that answer as they are told.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

use pbx::flow::ActiveflowRecord;
use pbx::flow::order::Method;
use pbx::flow::record::{EventWebhook, Origin};
use pbx::{Event, EventKind, UnixMicros};
use store::customer::{Change, WebhookMethod};
use store::journal::Hooks;
use store::{Journal, PageRequest, Store};
use uuid::Uuid;

use super::super::Surroundings;
use super::super::letter::Carrier;
use super::*;

const URI: &str = "http://192.0.2.7/hook";

/// Answers with the next status that is set for a place, else with 200, and remembers what it was told.
#[derive(Default)]
struct Server {
    answers: Mutex<Vec<(&'static str, VecDeque<u16>)>>,
    told: Mutex<Vec<Letter>>,
}

impl Carrier for Arc<Server> {
    fn carry(&self, letter: &Letter) -> Answer {
        let mut answers = self.answers.lock().expect("nobody panicked");
        let place = answers.iter_mut().find(|(uri, _)| *uri == letter.uri);
        let status = place.and_then(|(_, answers)| answers.pop_front()).unwrap_or(200);
        self.told.lock().expect("nobody panicked").push(letter.clone());
        Answer { status, reason: String::new(), took: Duration::from_millis(5), retry_after: None }
    }
}

struct Bench {
    store: Store,
    journal: Journal,
    shared: Arc<Shared>,
    server: Arc<Server>,
    clock: Arc<AtomicI64>,
}

impl Bench {
    fn new(folder: &Path) -> Bench {
        let (store, writer) = Store::open(&folder.join("tandem.db"), "", &[1; 64]).expect("a database");
        let hooks = Hooks {
            clock: Box::new(|| Timestamp(0)),
            committed: Box::new(|_| ()),
            failed: Box::new(|error| panic!("{error}")),
        };
        let journal = Journal::start(writer, hooks).expect("a thread");
        let (server, clock) = (Arc::new(Server::default()), Arc::new(AtomicI64::new(1_000_000_000)));
        let reading = Arc::clone(&clock);
        let shared = Shared::new(Surroundings {
            store: store.clone(),
            journal: journal.clone(),
            clock: Box::new(move || Timestamp(reading.load(Ordering::Relaxed))),
            open: Box::new(|sealed| String::from_utf8(sealed.to_vec()).ok()),
            carrier: Box::new(Arc::clone(&server)),
        });
        Bench { store, journal, shared, server, clock }
    }

    /// A bench whose customer is told.
    fn told(folder: &Path) -> Bench {
        let bench = Bench::new(folder);
        bench.change(Change {
            webhook_uri: Some(URI.into()),
            webhook_method: Some(WebhookMethod::Post),
            ..Change::default()
        });
        bench
    }

    fn change(&self, change: Change) {
        self.write(vec![Item::CustomerUpdated(Box::new(change), Timestamp(0))]);
    }

    fn write(&self, items: Vec<Item>) {
        assert!(written::write(&self.journal, items), "it is written");
    }

    fn append(&self, count: usize) {
        let kind = EventKind::SourceUnblocked { source: [192, 0, 2, 1].into() };
        self.write((0..count).map(|_| Item::Event(Event { at: UnixMicros(0), kind: kind.clone() })).collect());
    }

    fn answer(&self, uri: &'static str, statuses: impl IntoIterator<Item = u16>) {
        self.server.answers.lock().expect("nobody panicked").push((uri, statuses.into_iter().collect()));
    }

    fn lane(&self, endpoint: Endpoint) -> Lane {
        Lane::open(Arc::clone(&self.shared), endpoint).expect("a reader")
    }

    /// The numbers of the events that were told since this was asked last, as often as they were.
    fn numbers(&self) -> Vec<i64> {
        let told = std::mem::take(&mut *self.server.told.lock().expect("nobody panicked"));
        told.iter().map(|letter| letter.event_id).collect()
    }

    fn listed(&self) -> Vec<Record> {
        let reader = self.store.reader().expect("a reader");
        reader.webhook_deliveries(None, PageRequest::default()).expect("a page").result
    }

    fn now(&self) -> i64 {
        self.clock.load(Ordering::Relaxed)
    }

    /// Lets time pass until a rest is over; how long it is, in seconds.
    fn pass(&self, rest: Rest) -> f64 {
        let Rest::Until(until) = rest else { panic!("{rest:?}") };
        let waited = until.0 - self.now();
        self.clock.store(until.0, Ordering::Relaxed);
        waited as f64 / 1e6
    }
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder can be made")
}

#[test]
fn every_event_is_told_once_in_order_also_over_a_restart() {
    let folder = folder();
    let bench = Bench::told(folder.path());
    bench.append(250);
    let mut lane = bench.lane(Endpoint::Customer);
    assert_eq!(lane.work().expect("it works"), Rest::Idle);
    assert_eq!(bench.numbers(), (1..=251).collect::<Vec<_>>());
    bench.append(3);
    bench.journal.close();
    drop((lane, bench));
    let bench = Bench::new(folder.path());
    assert_eq!(bench.lane(Endpoint::Customer).work().expect("it works"), Rest::Idle);
    assert_eq!(bench.numbers(), [252, 253, 254]);
    let listed = bench.listed();
    assert!(listed.len() == 100 && listed.iter().all(|one| one.status == DeliveryStatus::Delivered));
    assert_eq!((listed[0].event_id, listed[0].tries[0].status_code, listed[0].webhook_uri.as_str()), (254, 200, URI));
}

#[test]
fn three_tries_with_longer_and_longer_waits_then_it_is_given_up_and_the_next_goes_on() {
    let folder = folder();
    let bench = Bench::told(folder.path());
    bench.append(2);
    bench.answer(URI, [200, 500, 404, 503]);
    let mut lane = bench.lane(Endpoint::Customer);
    let first = bench.pass(lane.work().expect("it works"));
    assert!((1.5..=2.6).contains(&first), "{first}");
    assert_eq!(bench.numbers(), [1, 2]);
    // A restart in between changes nothing.
    let mut lane = bench.lane(Endpoint::Customer);
    let second = bench.pass(lane.work().expect("it works"));
    assert!((6.0..=10.1).contains(&second), "{second}");
    assert_eq!(bench.numbers(), [2], "nothing behind it is told before");
    assert_eq!(lane.work().expect("it works"), Rest::Idle);
    assert_eq!(bench.numbers(), [2, 3]);
    let listed = bench.listed();
    let failed = &listed[1];
    let codes: Vec<u16> = failed.tries.iter().map(|once| once.status_code).collect();
    assert_eq!((failed.event_id, failed.status, codes), (2, DeliveryStatus::Failed, vec![500, 404, 503]));

    bench.append(1);
    bench.write(vec![Item::WebhookRetried(failed.id, Timestamp(bench.now()))]);
    assert_eq!(lane.work().expect("it works"), Rest::Idle);
    assert_eq!(bench.numbers(), [2, 4], "what is retried comes before what is newer");
    assert_eq!(bench.listed()[2].status, DeliveryStatus::Delivered);
    assert_eq!(bench.shared.counters.failures.load(Ordering::Relaxed), 3);
    assert_eq!(bench.shared.counters.given_up.load(Ordering::Relaxed), 1);
}

#[test]
fn a_clock_that_is_set_back_by_years_makes_nobody_wait_for_years() {
    let folder = folder();
    let bench = Bench::told(folder.path());
    bench.answer(URI, [500]);
    let mut lane = bench.lane(Endpoint::Customer);
    bench.clock.store(2_000_000_000_000_000, Ordering::Relaxed);
    assert!(matches!(lane.work().expect("it works"), Rest::Until(_)));
    bench.clock.store(1_000_000_000, Ordering::Relaxed);
    assert_eq!(lane.work().expect("it works"), Rest::Idle);
    assert_eq!(bench.numbers(), [1, 1]);
}

#[test]
fn who_is_told_from_now_on_is_told_of_nothing_before() {
    let folder = folder();
    let bench = Bench::new(folder.path());
    bench.append(5);
    let mut lane = bench.lane(Endpoint::Customer);
    assert_eq!(lane.work().expect("it works"), Rest::Idle);
    let on = || Change { webhook_uri: Some(URI.into()), webhook_method: Some(WebhookMethod::Put), ..Change::default() };
    bench.change(on());
    bench.append(1);
    assert_eq!(lane.work().expect("it works"), Rest::Idle);
    assert_eq!(bench.numbers(), [6, 7], "the first is the change itself");
    bench.change(Change { webhook_method: Some(WebhookMethod::Unset), ..Change::default() });
    bench.append(10);
    assert_eq!(lane.work().expect("it works"), Rest::Idle);
    bench.change(Change { webhook_secret: Some(b"key".to_vec()), ..on() });
    assert_eq!(lane.work().expect("it works"), Rest::Idle);
    let told = std::mem::take(&mut *bench.server.told.lock().expect("nobody panicked"));
    assert_eq!(told.iter().map(|letter| letter.event_id).collect::<Vec<_>>(), [19]);
    assert_eq!(told[0].signature, told[0].clone().signed("key").signature);
    assert!(!told[0].body.contains("key"), "{}", told[0].body);
}

#[test]
fn who_was_away_for_too_long_is_told_which_events_are_gone() {
    let folder = folder();
    let bench = Bench::told(folder.path());
    let mut lane = bench.lane(Endpoint::Customer);
    assert_eq!(lane.work().expect("it works"), Rest::Idle);
    bench.numbers();
    for _ in 0..=(store::limits::EVENTS + store::limits::EVENT_SLACK) / 4_000 {
        bench.append(4_000);
    }
    let (first, _) = bench.store.reader().expect("a reader").event_range().expect("a log");
    // Only how it begins is wanted here.
    bench.answer(URI, [200, 200, 500]);
    assert!(matches!(lane.work().expect("it works"), Rest::Until(_)));
    let told = bench.server.told.lock().expect("nobody panicked");
    let (gone, missed) = (first - 1, first - 2);
    let envelope = format!(r#"{{"type":"lagged","data":{{"from":2,"to":{gone},"missed":{missed}}}}}"#);
    assert_eq!((told[0].event_id, told[0].body.as_str()), (gone, envelope.as_str()));
    assert_eq!((told[1].event_id, told[2].event_id), (first, first + 1));
}

fn activeflow(number: u128, uri: &str) -> Item {
    let at = UnixMicros(0);
    let record = ActiveflowRecord {
        id: Uuid::from_u128(number),
        flow_id: None,
        running: true,
        origin: Origin::Api,
        call_id: None,
        follows: None,
        on_complete_flow_id: None,
        webhook: Some(EventWebhook { uri: uri.into(), method: Method::Put }),
        current: None,
        executed: Vec::new(),
        failure: None,
        created: at,
        updated: at,
    };
    Item::Event(Event { at, kind: EventKind::ActiveflowUpdated(Box::new(record)) })
}

#[test]
fn web_servers_of_activeflows_are_told_of_theirs_and_wait_for_nobody_else() {
    let (slow, quick) = ("http://192.0.2.8/slow", "http://192.0.2.9/quick");
    let folder = folder();
    let bench = Bench::told(folder.path());
    bench.write(vec![activeflow(1, slow), activeflow(2, quick), activeflow(1, slow)]);
    bench.append(1);
    bench.answer(slow, [500]);
    let endpoints = bench.store.reader().and_then(|reader| reader.waiting_endpoints()).expect("the database");
    assert_eq!(endpoints, [slow, quick]);
    let mut lanes = [slow, quick].map(|uri| bench.lane(Endpoint::Uri(uri.into())));
    let rest = lanes[0].work().expect("it works");
    assert_eq!(bench.numbers(), [2]);
    assert_eq!(lanes[1].work().expect("it works"), Rest::Idle);
    assert_eq!(bench.numbers(), [3]);
    assert_eq!(bench.lane(Endpoint::Customer).work().expect("it works"), Rest::Idle);
    assert_eq!(bench.numbers(), [1, 2, 3, 4, 5], "the customer is told of everything");
    bench.pass(rest);
    assert_eq!(lanes[0].work().expect("it works"), Rest::Idle);
    assert_eq!(bench.numbers(), [2, 4]);
    let of_activeflow = |one: &Record| !one.activeflow_id.is_nil();
    let mut methods = bench.listed().into_iter().filter(of_activeflow).map(|one| one.webhook_method.word());
    assert!(methods.all(|method| method == "PUT"));
}

#[test]
fn what_cannot_be_written_down_is_told_no_further() {
    let folder = folder();
    let bench = Bench::told(folder.path());
    bench.append(3);
    let mut lane = bench.lane(Endpoint::Customer);
    bench.journal.close();
    for _ in 0..3 {
        assert!(matches!(lane.work(), Err(Error::NotWritten(_))));
    }
    assert_eq!(bench.numbers(), [1, 2, 3, 4], "once, however often it is tried to write it down");
}
