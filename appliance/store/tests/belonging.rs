//! What belongs to an activeflow is told to its web server: a walk through all kinds of events, also over a restart.

use std::time::Duration;

use pbx::billing::{Charge, CostType, Micros, Shortage, Usage};
use pbx::call::leg::new_record;
use pbx::call::{Address, CallRecord, Direction, Dtmf, Status};
use pbx::conference::{Conferencecall, ConferencecallStatus};
use pbx::flow::ActiveflowRecord;
use pbx::flow::order::Method;
use pbx::flow::record::{EventWebhook, Origin};
use pbx::groupcall::{Groupcall, GroupcallStatus, RingMethod};
use pbx::message::record::MessageRecord;
use pbx::recording::{Recorded, RecordedFile, RecordingFormat, RecordingRecord, RecordingStatus};
use pbx::{Event, EventKind, UnixMicros};
use store::recording::{Found, Step};
use store::webhook_delivery::Endpoint;
use store::{Durability, Item, Reader, Store, Timestamp, Writer};
use uuid::Uuid;

const AT: UnixMicros = UnixMicros(1_795_342_560_000_000);
const NOW: Timestamp = Timestamp(AT.0);
const SERVER: &str = "http://192.0.2.1/flow";

/// The activeflow whose web server is told.
const FLOW: Uuid = Uuid::from_u128(1);
/// A call that it made, the leg that this one rang, and what belongs to them.
const CALL: Uuid = Uuid::from_u128(2);
const LEG: Uuid = Uuid::from_u128(3);
const GROUP: Uuid = Uuid::from_u128(4);
const RECORDING: Uuid = Uuid::from_u128(5);
const MESSAGE: Uuid = Uuid::from_u128(6);
/// The activeflows that the call goes through, that follows it, and that runs once the recording is over.
const INNER: Uuid = Uuid::from_u128(7);
const NEXT: Uuid = Uuid::from_u128(8);
const AFTER: Uuid = Uuid::from_u128(9);
/// A call of somebody else, and what belongs to it.
const OTHER: Uuid = Uuid::from_u128(20);
const OTHER_RECORDING: Uuid = Uuid::from_u128(21);

/// The kinds that belong to an activeflow, where what they are about does.
const TOLD: [&str; 28] = [
    "call_created",
    "call_ringing",
    "call_answered",
    "call_updated",
    "call_terminating",
    "call_canceling",
    "call_hungup",
    "call_recording",
    "call_deleted",
    "dtmf_received",
    "message_created",
    "message_updated",
    "groupcall_created",
    "groupcall_updated",
    "groupcall_progressing",
    "groupcall_hangup",
    "groupcall_deleted",
    "conferencecall_joining",
    "conferencecall_joined",
    "conferencecall_leaving",
    "conferencecall_leaved",
    "activeflow_created",
    "activeflow_updated",
    "activeflow_deleted",
    "billing_created",
    "billing_refused",
    "billing_spent",
    "recording_deleted",
];

/// The beginnings of the names of the other kinds: they are about what no flow brings about, but people, or the box itself. A conference is
/// made by people, and so is its recording; a call's place in it belongs to the call.
const OF_NOBODY: [&str; 15] = [
    "extension_",
    "conference_",
    "flow_",
    "number_",
    "agent_",
    "tag_",
    "trunk_",
    "provider_",
    "route_",
    "outbound_config_",
    "billing_account_",
    "source_",
    "clock_",
    "accesskey_",
    "customer_",
];

struct Bench {
    writer: Writer,
    reader: Reader,
}

impl Bench {
    fn open(folder: &std::path::Path) -> Bench {
        let (store, writer) = Store::open(&folder.join("tandem.db"), "tandem", &[9; 64]).expect("it opens");
        let reader = store.reader().expect("it can be read");
        Bench { writer, reader }
    }

    fn write(&mut self, items: &[Item]) {
        self.writer.write(items, Durability::Acknowledged).expect("it is written");
    }

    /// The kinds that lie ready for the activeflow's web server, in order.
    fn told(&self) -> Vec<String> {
        let endpoint = Endpoint::Uri(SERVER.into());
        let deliveries = self.reader.waiting_deliveries(&endpoint, 10_000).expect("the database");
        assert!(deliveries.iter().all(|delivery| delivery.activeflow_id == FLOW));
        deliveries.into_iter().map(|delivery| delivery.event_type).collect()
    }

    /// What one item brings to it.
    fn brings(&mut self, item: &Item) -> Vec<String> {
        let before = self.told().len();
        self.write(std::slice::from_ref(item));
        self.told().split_off(before)
    }
}

fn item(kind: EventKind) -> Item {
    Item::Event(Event { at: AT, kind })
}

fn call(id: Uuid, change: impl FnOnce(&mut CallRecord)) -> Box<CallRecord> {
    let mut record = new_record(id, Direction::Outgoing, Default::default(), AT);
    change(&mut record);
    Box::new(record)
}

fn activeflow(id: Uuid, change: impl FnOnce(&mut ActiveflowRecord)) -> Box<ActiveflowRecord> {
    let mut record = ActiveflowRecord {
        id,
        flow_id: None,
        running: true,
        origin: Origin::Api,
        call_id: None,
        follows: None,
        on_complete_flow_id: None,
        webhook: None,
        current: None,
        executed: Vec::new(),
        failure: None,
        created: AT,
        updated: AT,
    };
    change(&mut record);
    Box::new(record)
}

fn own_activeflow() -> Box<ActiveflowRecord> {
    activeflow(FLOW, |flow| flow.webhook = Some(EventWebhook { uri: SERVER.into(), method: Method::Post }))
}

fn groupcall(status: GroupcallStatus) -> Box<Groupcall> {
    Box::new(Groupcall {
        id: GROUP,
        status,
        flow_id: None,
        source: Address::default(),
        destinations: Vec::new(),
        master_call_id: None,
        made_by: Some(FLOW),
        ring_method: RingMethod::RingAll,
        answer_call_id: None,
        call_ids: Vec::new(),
        call_count: 0,
        dial_index: 0,
        created: AT,
        updated: AT,
    })
}

fn recording((id, call): (Uuid, Uuid), status: RecordingStatus) -> Item {
    item(EventKind::Recording(Box::new(RecordingRecord {
        id,
        of: Recorded::Call(call),
        status,
        format: RecordingFormat::Wav,
        on_end_flow_id: None,
        end: None,
        failure: None,
        file: None,
        created: AT,
        updated: AT,
        started: None,
        ended: None,
    })))
}

fn message() -> Box<MessageRecord> {
    let (text, targets) = (String::new(), Vec::new());
    Box::new(MessageRecord { id: MESSAGE, activeflow_id: INNER, source: None, targets, text, created: AT, updated: AT })
}

fn place() -> Box<Conferencecall> {
    let (id, conference_id, status) = (Uuid::from_u128(50), Uuid::from_u128(51), ConferencecallStatus::Joining);
    Box::new(Conferencecall { id, conference_id, call_id: LEG, status, created: AT, updated: AT })
}

fn usage(key: u128, cost_type: CostType, (reference_id, made_by): (Uuid, Option<Uuid>)) -> Item {
    let (key, rate, duration) = (Uuid::from_u128(key), Micros(4), Duration::ZERO);
    let usage = Usage { key, cost_type, reference_id, made_by, rate, units: 1, duration };
    item(EventKind::BillingUsed(Box::new(usage)))
}

fn shortage(call_id: Uuid, made_by: Option<Uuid>) -> Box<Shortage> {
    let cost_type = CostType::CallPstnOutgoing;
    Box::new(Shortage { call_id, made_by, cost_type, rate: Micros(4), balance: Micros(0), ends: true })
}

fn file() -> RecordedFile {
    let duration = Duration::from_secs(1);
    RecordedFile { path: "a.wav".into(), format: RecordingFormat::Wav, octets: 1, duration }
}

/// All that an activeflow may bring about, in an order in which it may happen.
fn all() -> Vec<Item> {
    let made = |change: fn(&mut CallRecord)| {
        call(CALL, |record| {
            record.made_by = Some(FLOW);
            change(record);
        })
    };
    let rung = |change: fn(&mut CallRecord)| {
        call(LEG, |record| {
            record.master_call_id = Some(CALL);
            change(record);
        })
    };
    let ended = |record: &mut CallRecord| {
        let charge = Charge { cost_type: CostType::CallPstnOutgoing, rate: Micros(7), duration: Some(Duration::ZERO) };
        (record.status, record.charge, record.hungup) = (Status::Hangup, Some(charge), Some(AT));
        record.progressing = Some(AT);
    };
    let inner = || activeflow(INNER, |flow| (flow.origin, flow.call_id) = (Origin::Call, Some(CALL)));
    let next = || activeflow(NEXT, |flow| (flow.origin, flow.follows) = (Origin::Nothing, Some(INNER)));
    let after = || activeflow(AFTER, |flow| flow.origin = Origin::Recording(RECORDING));
    vec![
        item(EventKind::ActiveflowCreated(own_activeflow())),
        item(EventKind::GroupcallCreated(groupcall(GroupcallStatus::Progressing))),
        item(EventKind::CallCreated(made(|_| {}))),
        item(EventKind::CallRinging(made(|_| {}))),
        item(EventKind::CallAnswered(made(|record| record.status = Status::Progressing))),
        item(EventKind::GroupcallProgressing(groupcall(GroupcallStatus::Progressing))),
        item(EventKind::GroupcallUpdated(groupcall(GroupcallStatus::Progressing))),
        item(EventKind::ActiveflowCreated(inner())),
        item(EventKind::CallUpdated(made(|record| record.activeflow_id = Some(INNER)))),
        item(EventKind::DtmfReceived(Box::new(Dtmf { id: Uuid::from_u128(60), call_id: CALL, digit: '5', at: AT }))),
        item(EventKind::MessageCreated(message())),
        item(EventKind::MessageUpdated(message())),
        item(EventKind::CallCreated(rung(|_| {}))),
        item(EventKind::CallCanceling(rung(|_| {}))),
        recording((RECORDING, LEG), RecordingStatus::Initiating),
        recording((RECORDING, LEG), RecordingStatus::Recording),
        item(EventKind::ConferencecallJoining(place())),
        item(EventKind::ConferencecallJoined(place())),
        item(EventKind::ConferencecallLeaving(place())),
        item(EventKind::ConferencecallLeaved(place())),
        item(EventKind::BillingSpent(shortage(LEG, None))),
        item(EventKind::ActiveflowCreated(next())),
        item(EventKind::BillingRefused(shortage(Uuid::nil(), Some(NEXT)))),
        item(EventKind::CallTerminating(made(|_| {}))),
        item(EventKind::CallHungup(rung(|record| record.status = Status::Hangup))),
        item(EventKind::CallHungup(made(ended))),
        item(EventKind::GroupcallHangup(groupcall(GroupcallStatus::Hangup))),
        recording((RECORDING, LEG), RecordingStatus::Ended),
        item(EventKind::ActiveflowCreated(after())),
        usage(70, CostType::Recording, (RECORDING, None)),
        usage(71, CostType::Sms, (MESSAGE, None)),
        usage(72, CostType::Email, (Uuid::nil(), Some(AFTER))),
        item(EventKind::ActiveflowUpdated(activeflow(FLOW, |flow| flow.running = false))),
    ]
}

/// What may happen to it once it is over, also after a restart.
fn later() -> Vec<Item> {
    let (sha256, object) = ("0".repeat(64), "a.wav".to_owned());
    let mut over = own_activeflow();
    over.running = false;
    vec![
        Item::RecordingFiled(Found { id: RECORDING, file: file() }, NOW),
        Item::RecordingStored(RECORDING, Step::Begun { object, upload_id: None }, NOW),
        Item::RecordingStored(RECORDING, Step::Uploaded { sha256 }, NOW),
        Item::RecordingDeleted(RECORDING, NOW),
        Item::CallDeleted(CALL, NOW),
        Item::GroupcallDeleted(GROUP, NOW),
        item(EventKind::ActiveflowUpdated(over)),
        Item::ActiveflowDeleted(FLOW, NOW),
    ]
}

#[test]
fn a_web_server_of_an_activeflow_is_told_of_all_that_belongs_to_it() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let mut bench = Bench::open(folder.path());
    let mut seen = Vec::new();
    for item in all() {
        let told = bench.brings(&item);
        assert!(!told.is_empty(), "nothing is told of {item:?}");
        if let Item::Event(event) = &item {
            // What is used is told as what it costs.
            let name = event.kind.name();
            assert_eq!(told[0], name, "{told:?}");
            let and_charge = name == "call_hungup" && told.get(1).is_some_and(|kind| kind == "billing_created");
            assert!(told.len() == 1 || and_charge, "{told:?}");
        }
        seen.extend(told);
    }
    drop(bench);
    let mut bench = Bench::open(folder.path());
    for item in later() {
        let told = bench.brings(&item);
        assert_eq!(told.len(), 1, "{item:?}: {told:?}");
        seen.extend(told);
    }
    let missing: Vec<&str> = TOLD.into_iter().filter(|kind| !seen.iter().any(|seen| seen == kind)).collect();
    assert!(missing.is_empty(), "nothing proves that these are told: {missing:?}");
}

#[test]
fn every_kind_of_event_is_known_to_belong_to_an_activeflow_or_to_none() {
    // The words in quotes behind an arrow are the names.
    let source = include_str!("../../pbx/src/event.rs");
    let names: Vec<&str> =
        source.lines().filter_map(|line| line.split_once("=> \"")?.1.split_once('"')).map(|(name, _)| name).collect();
    assert!(names.len() > 50, "the names are no longer found where they were: {names:?}");
    let is_of_nobody = |name: &str| OF_NOBODY.iter().any(|start| name.starts_with(start));
    for name in names {
        let conferencecall = name.starts_with("conferencecall_");
        assert!(
            TOLD.contains(&name) != (is_of_nobody(name) && !conferencecall),
            "{name}: say here whether it belongs to an activeflow"
        );
    }
}

#[test]
fn what_belongs_to_somebody_else_is_not_told() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let mut bench = Bench::open(folder.path());
    bench.write(&[item(EventKind::ActiveflowCreated(own_activeflow()))]);
    let before = bench.told();
    let other = |change: fn(&mut CallRecord)| call(OTHER, change);
    bench.write(&[
        item(EventKind::CallCreated(other(|_| {}))),
        item(EventKind::CallAnswered(other(|record| record.status = Status::Progressing))),
        item(EventKind::DtmfReceived(Box::new(Dtmf { id: OTHER, call_id: OTHER, digit: '5', at: AT }))),
        recording((OTHER_RECORDING, OTHER), RecordingStatus::Recording),
        usage(80, CostType::Recording, (OTHER_RECORDING, None)),
        usage(81, CostType::Email, (Uuid::nil(), None)),
        item(EventKind::BillingRefused(shortage(Uuid::nil(), None))),
        item(EventKind::CallHungup(other(|record| record.status = Status::Hangup))),
        item(EventKind::SourceUnblocked { source: [192, 0, 2, 1].into() }),
    ]);
    assert_eq!(bench.told(), before);
}

#[test]
fn what_the_end_of_the_process_cuts_off_is_told_as_well() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let mut bench = Bench::open(folder.path());
    let (begun, recorded) = (EventKind::GroupcallCreated(groupcall(GroupcallStatus::Progressing)), (RECORDING, CALL));
    bench.write(&[
        item(EventKind::ActiveflowCreated(own_activeflow())),
        item(begun),
        item(EventKind::CallCreated(call(CALL, |record| record.made_by = Some(FLOW)))),
        recording(recorded, RecordingStatus::Recording),
    ]);
    drop(bench);
    let mut bench = Bench::open(folder.path());
    bench.writer.close_interrupted_calls(NOW).expect("it is written");
    bench.writer.close_interrupted_recordings(NOW, &[]).expect("it is written");
    let told = bench.told().split_off(4);
    assert_eq!(told, ["call_hungup", "groupcall_hangup", "activeflow_updated", "call_recording"]);
}
