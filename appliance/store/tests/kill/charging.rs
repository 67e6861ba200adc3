//! A process that charges calls is killed at any moment: each call that was answered is charged once, and the balance is what all
//! entries come to.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use pbx::billing::{Charge, CostType, Micros};
use pbx::call::leg::new_record;
use pbx::call::{CallRecord, Direction, Status};
use pbx::{Event, EventKind, UnixMicros};
use store::{Durability, Item, PageRequest, Reader, Store, Timestamp};
use uuid::Uuid;

use crate::killed::{KILLS, acknowledge, kill_one};

/// What the writer is called.
pub const WRITER: &str = "charging";
const RATE: i64 = 7;

/// The test.
pub fn whoever_answered_is_charged_once() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = folder.path().join("tandem.db");
    let (mut charged, mut cut_off) = (0, 0);
    for round in 0..KILLS {
        let acknowledged = kill_one(WRITER, &path, (round, 5)) as usize;
        let (store, mut writer) = Store::open(&path, "tandem", &[0; 64]).expect("a killed writer's file opens");
        let reader = store.reader().expect("and can be read");
        let hung_up = calls(&reader, "call_hungup").len();
        let ended = hung_up - charged;
        assert!(ended >= acknowledged, "round {round}: {acknowledged} were acknowledged, {ended} are there");
        writer.close_interrupted_calls(Timestamp(i64::MAX / 2)).expect("the others are ended");
        cut_off += calls(&reader, "call_hungup").len() - hung_up;
        charged = check(&reader);
        writer.close_interrupted_calls(Timestamp(i64::MAX / 2)).expect("nothing is left");
        assert_eq!(check(&reader), charged, "nothing is charged again");
    }
    assert!(charged > KILLS as usize && cut_off > 0, "{charged} were charged, {cut_off} of them cut off");
    println!("killed {KILLS} times, {charged} calls charged once, {cut_off} of them cut off");
}

/// The calls that events of a kind are about, each of which is told of once.
fn calls(reader: &Reader, kind: &str) -> BTreeSet<Uuid> {
    let mut found = BTreeSet::new();
    let mut after = 0;
    loop {
        let events = reader.events_after(after, 1_000).expect("the log can be read");
        let Some(last) = events.last() else { return found };
        after = last.seq;
        for event in events.iter().filter(|event| event.kind == kind) {
            assert!(found.insert(event.resource_id), "{kind} twice");
        }
    }
}

/// One charge for each call, with its event; the balance is their sum. Returns how many.
fn check(reader: &Reader) -> usize {
    let (mut charged, mut sum, mut token) = (BTreeSet::new(), 0, String::new());
    loop {
        let page = PageRequest::new(100, &token).expect("a page");
        let page = reader.billings(page).expect("a ledger");
        for entry in page.result {
            sum += entry.amount_credit;
            assert!(charged.insert(entry.reference_id), "charged twice");
        }
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(charged, calls(reader, "call_hungup"), "each call that is over is charged");
    assert_eq!(charged, calls(reader, "call_answered"), "and each that was answered is over");
    assert_eq!(charged, calls(reader, "billing_created"));
    assert_eq!(reader.billing_account().expect("an account").balance_credit, sum);
    charged.len()
}

/// Answers calls, and ends them some batches later: whenever it is killed, some are up.
/// The process that is killed.
pub fn charge_until_killed(path: &Path) {
    let (store, mut writer) = Store::open(path, "tandem", &[3; 64]).expect("the database opens");
    let mut next = store.reader().expect("a reader").latest_seq().expect("a log") as u128 + 1;
    let mut up = std::collections::VecDeque::new();
    let mut ended = 0;
    loop {
        let mut items = Vec::new();
        for _ in 0..1 + next % 3 {
            next += 1;
            up.push_back(next);
            items.push(event(EventKind::CallAnswered(call(next, None))));
        }
        while up.len() > 4 {
            let number = up.pop_front().expect("there are five");
            items.push(event(EventKind::CallHungup(call(number, Some(Duration::from_secs(61))))));
            ended += 1;
        }
        writer.write(&items, Durability::Acknowledged).expect("it is written");
        acknowledge(ended);
    }
}

fn event(kind: EventKind) -> Item {
    Item::Event(Event { at: UnixMicros(1_000_000), kind })
}

fn call(number: u128, duration: Option<Duration>) -> Box<CallRecord> {
    // Numbers of other rounds are below: the log has grown.
    let made = new_record(Uuid::from_u128(number), Direction::Outgoing, Default::default(), UnixMicros(0));
    let charge = Charge { cost_type: CostType::CallPstnOutgoing, rate: Micros(RATE), duration };
    let (status, hungup) = match duration {
        Some(_) => (Status::Hangup, Some(UnixMicros(61_000_000))),
        None => (Status::Progressing, None),
    };
    Box::new(CallRecord { status, progressing: Some(UnixMicros(0)), hungup, charge: Some(charge), ..made })
}
