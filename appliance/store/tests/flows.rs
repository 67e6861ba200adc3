//! Flows, numbers and activeflows: what a batch leaves behind, and what a restart finds.

use pbx::directory::{Number, NumberKind};
use pbx::flow::{Action, ActiveflowRecord, Flow, Value};
use pbx::{Event, EventKind, UnixMicros};
use rusqlite::Connection;
use store::activeflow::ActiveflowStatus;
use store::number::NumberStatus;
use store::{Durability, Item, PageRequest, Reader, Store, Timestamp, Writer, limits};
use uuid::Uuid;

const NOW: i64 = 1_795_342_560_000_000;

struct Opened {
    folder: tempfile::TempDir,
    _store: Store,
    writer: Writer,
    reader: Reader,
}

fn open(folder: tempfile::TempDir) -> Opened {
    let path = folder.path().join("tandem.db");
    let (store, writer) = Store::open(&path, "tandem.example", &[9; 64]).expect("it opens");
    let reader = store.reader().expect("it can be read");
    Opened { folder, _store: store, writer, reader }
}

fn new() -> Opened {
    open(tempfile::tempdir().expect("a temporary folder can be made"))
}

impl Opened {
    fn write(&mut self, kinds: impl IntoIterator<Item = EventKind>) {
        let event = |kind| Item::Event(Event { at: UnixMicros(NOW), kind });
        let items: Vec<Item> = kinds.into_iter().map(event).collect();
        self.writer.write(&items, Durability::Acknowledged).expect("it is written");
    }

    fn again(self) -> Opened {
        let Opened { folder, _store, writer, reader } = self;
        drop((_store, writer, reader));
        open(folder)
    }

    fn events(&self) -> Vec<store::event_log::Record> {
        self.reader.events_after(0, 100).expect("the log")
    }
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

/// An action with every kind of value in it, names out of order.
fn action(number: u128) -> Action {
    let inner = [("z", Value::Null), ("a", Value::Real(0.1)), ("m", Value::from(true))];
    let list = vec![Value::from(i64::MIN), Value::from(inner), Value::from("ü \u{0} ${x}")];
    let option = Value::from([("text", Value::from(list)), ("", Value::Real(1e300)), ("0", Value::from(7))]);
    Action { id: id(number), next_id: (number > 1).then(|| id(number - 1)), name: "talk".into(), option }
}

fn flow(number: u128) -> Box<Flow> {
    Box::new(Flow {
        id: id(number),
        name: "Welcome".into(),
        detail: "the first thing they hear".into(),
        actions: vec![action(1), action(2)].into(),
        on_complete_flow_id: (number > 1).then(|| id(1)),
        created: UnixMicros(NOW),
        updated: UnixMicros(NOW + 1),
        deleted: None,
    })
}

fn number(which: u128) -> Box<Number> {
    Box::new(Number {
        id: id(which),
        number: format!("+49301234{which}"),
        kind: if which > 1 { NumberKind::Virtual } else { NumberKind::Normal },
        call_flow_id: (which > 1).then(|| id(1)),
        message_flow_id: (which == 1).then(|| id(2)),
        rtp_debug: which > 1,
        name: "Front desk".into(),
        detail: String::new(),
        created: UnixMicros(NOW),
        updated: UnixMicros(NOW + 1),
        deleted: None,
    })
}

fn activeflow(number: u128, running: bool) -> Box<ActiveflowRecord> {
    Box::new(ActiveflowRecord {
        id: id(number),
        flow_id: Some(id(1)),
        running,
        origin: pbx::flow::record::Origin::Call,
        call_id: running.then(|| id(9)),
        follows: Some(id(8)),
        on_complete_flow_id: None,
        webhook: None,
        current: running.then(|| action(2)),
        executed: if running { Vec::new() } else { vec![action(1), action(2)] },
        failure: (!running).then(|| "talk: nobody is there to speak".into()),
        created: UnixMicros(NOW),
        updated: UnixMicros(NOW + 1),
    })
}

#[test]
fn flows_and_numbers_come_back_at_a_restart_as_they_were() {
    let mut one = new();
    let changed = Box::new(Flow { actions: vec![action(3)].into(), name: "Other".into(), ..*flow(2) });
    let gone = |at| Some(UnixMicros(at));
    one.write([
        EventKind::FlowCreated(flow(1)),
        EventKind::FlowCreated(flow(2)),
        EventKind::FlowUpdated(changed.clone()),
        EventKind::FlowCreated(flow(3)),
        EventKind::FlowDeleted(Box::new(Flow { deleted: gone(NOW + 2), ..*flow(3) })),
        EventKind::NumberCreated(number(1)),
        EventKind::NumberCreated(number(2)),
        EventKind::NumberUpdated(Box::new(Number { call_flow_id: None, ..*number(2) })),
        EventKind::NumberCreated(number(3)),
        EventKind::NumberDeleted(Box::new(Number { deleted: gone(NOW + 2), ..*number(3) })),
    ]);
    let one = one.again();
    let restored = one.reader.restore().expect("what it remembers");
    assert_eq!(restored.flows, [*flow(1), *changed]);
    assert_eq!(restored.numbers, [*number(1), Number { call_flow_id: None, ..*number(2) }]);
    let flows = one.reader.flows(PageRequest::default()).expect("a page").result;
    assert_eq!(flows.iter().map(|flow| flow.id).collect::<Vec<_>>(), [id(2), id(1)], "newest first");
    let numbers = one.reader.numbers(PageRequest::default()).expect("a page").result;
    assert_eq!(numbers.iter().map(|number| number.id).collect::<Vec<_>>(), [id(2), id(1)]);
    assert_eq!((one.reader.flow(id(3)).expect("rows"), one.reader.number(id(3)).expect("rows")), (None, None));
}

#[test]
fn a_row_equals_its_last_event() {
    let mut one = new();
    one.write([
        EventKind::FlowCreated(flow(1)),
        EventKind::NumberCreated(number(2)),
        EventKind::ActiveflowCreated(activeflow(3, true)),
        EventKind::ActiveflowUpdated(activeflow(3, false)),
        EventKind::NumberDeleted(Box::new(Number { deleted: Some(UnixMicros(NOW)), ..*number(2) })),
    ]);
    let events = one.events();
    let names: Vec<_> = events.iter().map(|event| (event.kind.as_str(), event.resource(), event.resource_id)).collect();
    let wanted = [
        ("flow_created", "flow", id(1)),
        ("number_created", "number", id(2)),
        ("activeflow_created", "activeflow", id(3)),
        ("activeflow_updated", "activeflow", id(3)),
        ("number_deleted", "number", id(2)),
    ];
    assert_eq!(names, wanted);
    let flow = one.reader.flow(id(1)).expect("a row").expect("the flow");
    let ended = one.reader.activeflow(id(3)).expect("a row").expect("the activeflow");
    assert_eq!(serde_json::to_string(&flow).expect("JSON"), events[0].data.get());
    assert_eq!(serde_json::to_string(&ended).expect("JSON"), events[3].data.get());
    assert_eq!(ended.metadata.failure.as_deref(), Some("talk: nobody is there to speak"));
    let deleted: serde_json::Value = serde_json::from_str(events[4].data.get()).expect("JSON");
    assert_eq!(deleted["status"], NumberStatus::Deleted.word());
    let shown: serde_json::Value = serde_json::from_str(events[0].data.get()).expect("JSON");
    assert!(shown.get("findings").is_none(), "an event tells no findings");
    let first = r#"{"id":"00000000-0000-0000-0000-000000000001","next_id":"00000000-0000-0000-0000-000000000000","type":"talk","option":{"text":[-9223372036854775808,{"z":null,"a":0.1,"m":true},"ü \u0000 ${x}"],"":1e+300,"0":7}}"#;
    assert!(events[0].data.get().contains(first), "{}", events[0].data.get());
}

#[test]
fn what_ran_at_a_crash_is_over_once_and_says_why() {
    let mut one = new();
    one.write([EventKind::ActiveflowCreated(activeflow(1, true)), EventKind::ActiveflowUpdated(activeflow(2, false))]);
    for _ in 0..2 {
        assert_eq!(one.writer.close_interrupted_calls(Timestamp(NOW + 9)).expect("closed"), 0, "no call was up");
    }
    let events = one.events();
    assert_eq!(events.len(), 3, "one event for the one that ran");
    let ended = one.reader.activeflow(id(1)).expect("a row").expect("the activeflow");
    assert_eq!((ended.status, ended.current_action.is_none()), (ActiveflowStatus::Ended, true));
    assert_eq!(ended.executed_actions, store::action::records(&[action(2)]), "what it was at");
    assert_eq!(ended.metadata.failure.as_deref(), Some("the exchange ended in the middle of it"));
    assert_eq!(ended.tm_update, Timestamp(NOW + 9));
    assert_eq!(serde_json::to_string(&ended).expect("JSON"), events[2].data.get());
    let other = one.reader.activeflow(id(2)).expect("a row").expect("the activeflow");
    assert_eq!(other.tm_update, Timestamp(NOW + 1), "it was over before");
}

#[test]
fn the_oldest_that_are_over_make_room_and_those_that_run_stay() {
    let mut one = new();
    one.write([
        EventKind::ActiveflowCreated(activeflow(1, true)),
        EventKind::ActiveflowCreated(activeflow(2, false)),
        EventKind::FlowCreated(flow(1)),
        EventKind::FlowDeleted(Box::new(Flow { deleted: Some(UnixMicros(NOW)), ..*flow(2) })),
        EventKind::NumberCreated(number(1)),
        EventKind::NumberDeleted(Box::new(Number { deleted: Some(UnixMicros(NOW)), ..*number(2) })),
    ]);
    let trimmed = one.writer.trim(Timestamp(NOW)).expect("trimmed");
    assert_eq!((trimmed.activeflows, trimmed.flows), (0, 0), "there is room");
    // The newest row moves as far ahead as there may be rows, and leaves a copy of itself: written past the store.
    let path = one.folder.path().join("tandem.db");
    let raw = Connection::open(&path).expect("the file");
    for (table, keep) in [("activeflow", limits::ACTIVEFLOWS), ("flow", limits::FLOWS), ("number", limits::NUMBERS)] {
        let ahead = format!("UPDATE {table} SET number = number + {keep} WHERE number = 2");
        let copy = format!("CREATE TEMP TABLE copy AS SELECT * FROM {table} WHERE number > 2");
        let over = "UPDATE copy SET number = 2, id = x'000000000000000000000000000000ff'";
        let back = format!("INSERT INTO {table} SELECT * FROM copy");
        raw.execute_batch(&[&ahead, &copy, over, &back, "DROP TABLE copy"].join("; ")).expect("rows are moved");
    }
    drop(raw);
    let trimmed = one.writer.trim(Timestamp(NOW)).expect("trimmed");
    assert_eq!((trimmed.activeflows, trimmed.flows), (1, 2));
    assert!(one.reader.activeflow(id(1)).expect("a row").is_some(), "it runs");
    assert!(one.reader.activeflow(id(2)).expect("a row").is_some(), "it is new");
    assert!(one.reader.activeflow(id(0xff)).expect("no row").is_none(), "it is over, and old");
    let restored = one.reader.restore().expect("rows");
    assert_eq!((restored.flows.len(), restored.numbers.len()), (1, 1), "they are not deleted");
}

#[test]
fn a_column_that_is_no_list_of_actions_is_an_error_and_no_panic() {
    let mut one = new();
    one.write([EventKind::FlowCreated(flow(1))]);
    let raw = Connection::open(one.folder.path().join("tandem.db")).expect("the file");
    let deep = format!("[{}]", "[".repeat(1_000));
    for broken in ["", "{}", "[{}]", r#"[{"id":"x"}]"#, &deep] {
        raw.execute("UPDATE flow SET actions = ?1", [broken]).expect("a row");
        assert!(one.reader.flow(id(1)).is_err(), "{broken}");
        assert!(one.reader.restore().is_err(), "{broken}");
    }
}
