//! What a batch leaves behind: rows, events, and what a restart finds.

use std::net::SocketAddr;
use std::sync::mpsc;
use std::time::Duration;

use pbx::call::record::{AddressKind, Quality};
use pbx::call::{Address, CallRecord, Direction, HangupBy, HangupReason, Status};
use pbx::conference::{Conference, ConferenceData, ConferenceStatus, Conferencecall, ConferencecallStatus};
use pbx::directory::{Agent, AgentAddress, AgentStatus, Extension, PasswordHash, Permission, RingMethod};
use pbx::registrar::Binding;
use pbx::sequence::{Participant, Role, Sequence, Step, StepKind};
use pbx::{Event, EventKind, UnixMicros};
use sip::{Flow, Transport};
use store::call::{CallHangupReason, CallStatus, Shown};
use store::journal::{Entry, Hooks};
use store::{Durability, Error, Item, Journal, PageRequest, Reader, Store, Timestamp, Writer, limits};
use uuid::Uuid;

const NOW: i64 = 1_795_342_560_000_000;

struct Opened {
    folder: tempfile::TempDir,
    store: Store,
    writer: Writer,
    reader: Reader,
}

fn open() -> Opened {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let (store, writer) = Store::open(&folder.path().join("tandem.db"), "tandem.example", &[9; 64]).expect("it opens");
    let reader = store.reader().expect("it can be read");
    Opened { folder, store, writer, reader }
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn event(kind: EventKind) -> Item {
    Item::Event(Event { at: UnixMicros(NOW), kind })
}

fn extension(number: u128) -> Extension {
    Extension {
        id: id(number),
        extension: number.to_string(),
        password: format!("secret-{number}"),
        name: "Ada".into(),
        detail: "third floor".into(),
        encryption: None,
        created: UnixMicros(NOW),
        updated: UnixMicros(NOW + 1),
        deleted: None,
    }
}

fn binding(number: u128, contact: &str) -> Binding {
    let address = |text: &str| text.parse::<SocketAddr>().expect("an address");
    Binding {
        extension_id: id(number),
        extension: number.to_string(),
        contact: contact.into(),
        flow: Flow {
            transport: Transport::Tcp,
            local: address("[2001:db8::1]:5060"),
            remote: address("[2001:db8::9]:40112"),
            connection: None,
        },
        path: vec!["<sip:edge.example.com;lr>".into(), "<sip:a,b@c>".into()],
        instance: Some("<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>".into()),
        reg_id: Some(2),
        q: 700,
        call_id: "a84b4c76e66710".into(),
        cseq: u32::MAX,
        user_agent: "baresip \"x\" – ü".into(),
        behind_nat: true,
        registered: UnixMicros(NOW),
        expires: UnixMicros(NOW + 60_000_000),
    }
}

fn call(number: u128, status: Status) -> Box<CallRecord> {
    let address =
        |target: &str| Address { kind: AddressKind::Extension, target: target.into(), target_name: "Ada".into() };
    Box::new(CallRecord {
        id: id(number),
        master_call_id: Some(id(77)),
        made_by: None,
        chained_call_ids: vec![id(78), id(79)],
        flow_id: Some(id(87)),
        activeflow_id: Some(id(88)),
        groupcall_id: None,
        source: address("1001"),
        destination: address("1002"),
        direction: Direction::Outgoing,
        status,
        hangup_by: (status == Status::Hangup).then_some(HangupBy::Remote),
        hangup_reason: (status == Status::Hangup).then_some(HangupReason::Busy),
        hangup_cause: (status == Status::Hangup).then_some(17),
        codec: Some("PCMA/8000".into()),
        encryption: Some("AEAD_AES_128_GCM"),
        ice_transport: Some("tcp"),
        peer: "udp 192.0.2.7:5060".into(),
        sip_call_id: "x@y".into(),
        held: true,
        controls: Default::default(),
        recording_id: (status == Status::Progressing).then_some(id(81)),
        recording_ids: vec![id(80), id(81)],
        created: UnixMicros(NOW),
        updated: UnixMicros(NOW + 5),
        ringing: Some(UnixMicros(NOW + 1)),
        progressing: None,
        hungup: (status == Status::Hangup).then_some(UnixMicros(NOW + 5)),
        charge: None,
        quality: Some(Quality {
            packets_received: 5,
            packets_sent: 6,
            packets_lost: 7,
            gaps: 3,
            loss_percent: 58.25,
            jitter_ms: 0.5,
            jitter_max_ms: 2.5,
            round_trip_ms: Some(1.25),
            opinion: Some(4.25),
            remote_loss_percent: Some(12.5),
        }),
    })
}

#[test]
fn a_call_s_row_equals_its_last_event_and_its_events_are_in_order() {
    let mut one = open();
    let items = [
        event(EventKind::CallCreated(call(1, Status::Dialing))),
        event(EventKind::CallCreated(call(2, Status::Dialing))),
        event(EventKind::CallRinging(call(1, Status::Ringing))),
        event(EventKind::CallHungup(call(1, Status::Hangup))),
    ];
    let committed = one.writer.write(&items, Durability::Acknowledged).expect("it is written");
    assert_eq!((committed.latest_seq, committed.events), (4, 4));
    let events = one.reader.events_after(0, 10).expect("the log");
    let names: Vec<_> = events.iter().map(|event| (event.seq, event.kind.as_str())).collect();
    assert_eq!(names, [(1, "call_created"), (2, "call_created"), (3, "call_ringing"), (4, "call_hungup")]);
    let row = one.reader.call(id(1)).expect("a row").expect("the call");
    assert_eq!(serde_json::to_string(&row).expect("JSON"), events[3].data.get());
    assert_eq!(row.hangup_reason, CallHangupReason::Busy);
    let page = one.reader.calls(Shown::All, PageRequest::default()).expect("a page");
    assert_eq!(page.result.iter().map(|call| call.id).collect::<Vec<_>>(), [id(2), id(1)], "newest first");
    let live = one.reader.calls(Shown::Live, PageRequest::default()).expect("a page");
    assert_eq!(live.result.iter().map(|call| call.id).collect::<Vec<_>>(), [id(2)]);
}

#[test]
fn pages_follow_each_other_without_gap_or_repeat_while_calls_come_in() {
    let mut one = open();
    let create = |number| event(EventKind::CallCreated(call(number, Status::Dialing)));
    let items: Vec<Item> = (1..=25).map(create).collect();
    one.writer.write(&items, Durability::Batched).expect("it is written");
    let (mut token, mut seen) = (String::new(), Vec::new());
    loop {
        let request = PageRequest::new(10, &token).expect("a token of ours");
        let page = one.reader.calls(Shown::All, request).expect("a page");
        seen.extend(page.result.iter().map(|call| call.id.as_u128()));
        one.writer.write(&[create(100 + seen.len() as u128)], Durability::Batched).expect("it is written");
        if page.next_page_token.is_empty() {
            break;
        }
        token = page.next_page_token;
    }
    assert_eq!(seen, (1..=25).rev().collect::<Vec<u128>>());
    assert_eq!(PageRequest::new(10, "'; DROP TABLE call"), None);
    let last = one.reader.calls(Shown::All, PageRequest::new(28, "").expect("the first")).expect("a page");
    assert_eq!(
        (last.result.len(), last.next_page_token.as_str()),
        (28, ""),
        "a page that ends with the list has no next"
    );
}

#[test]
fn a_restart_finds_extensions_and_contacts_as_they_were() {
    let mut one = open();
    let mut moved = binding(1001, "sip:a");
    let items = [
        event(EventKind::ExtensionCreated(extension(1001))),
        event(EventKind::ExtensionCreated(extension(1002))),
        event(EventKind::ExtensionRegistered(Box::new(binding(1001, "sip:a")))),
        event(EventKind::ExtensionRegistered(Box::new(binding(1001, "sip:b")))),
        event(EventKind::ExtensionRegistered(Box::new(binding(1002, "sip:c")))),
        Item::Refreshed(Box::new(binding(1001, "sip:b"))),
        event(EventKind::ExtensionUnregistered(Box::new(binding(1001, "sip:b")))),
        Item::Refreshed(Box::new(binding(1002, "sip:c"))),
        event(EventKind::ExtensionDeleted(Extension { deleted: Some(UnixMicros(NOW)), ..extension(1002) })),
        Item::Refreshed(Box::new(moved.clone())),
        Item::Refreshed({
            moved.expires = UnixMicros(NOW + 99_000_000);
            Box::new(moved.clone())
        }),
    ];
    one.writer.write(&items, Durability::Acknowledged).expect("it is written");
    let identity = one.store.identity().clone();
    let Opened { folder, store, writer, reader } = one;
    drop((store, writer, reader));
    let (store, _writer) =
        Store::open(&folder.path().join("tandem.db"), "tandem.example", &[1; 64]).expect("it opens again");
    assert_eq!(*store.identity(), identity, "entropy matters at the first start only");
    let reader = store.reader().expect("it can be read");
    let restored = reader.restore().expect("what it remembers");
    assert_eq!(restored.extensions, [extension(1001)]);
    assert_eq!(restored.bindings, [moved]);
    let shown = reader.extension(id(1001), Timestamp(NOW)).expect("a row").expect("the extension");
    assert_eq!(shown.registrations.expect("the API shows them").len(), 1);
    let later = reader.registrations(id(1001), Timestamp(NOW + 100_000_000)).expect("rows");
    assert!(later.is_empty(), "an expired contact is not shown");
    assert_eq!(reader.extension(id(1002), Timestamp(NOW)).expect("a row"), None);
}

#[test]
fn no_event_tells_a_password_and_a_registration_tells_whose_it_is() {
    let mut one = open();
    let items = [
        event(EventKind::ExtensionCreated(extension(1001))),
        event(EventKind::ExtensionUpdated(extension(1001))),
        event(EventKind::ExtensionRegistered(Box::new(binding(1001, "sip:a")))),
        event(EventKind::ExtensionDeleted(extension(1001))),
        event(EventKind::ExtensionUnregistered(Box::new(binding(1001, "sip:a")))),
        event(EventKind::SourceBlocked { source: [192, 0, 2, 1].into(), failures: 10, until: UnixMicros(NOW + 1) }),
        event(EventKind::SourceUnblocked { source: [192, 0, 2, 1].into() }),
    ];
    one.writer.write(&items, Durability::Acknowledged).expect("it is written");
    let events = one.reader.events_after(0, 100).expect("the log");
    assert_eq!(events.len(), items.len());
    for event in &events {
        let text = serde_json::to_string(event).expect("JSON");
        assert!(!text.contains("secret") && !text.contains("password"), "{text}");
    }
    for event in [&events[2], &events[4]] {
        let data: serde_json::Value = serde_json::from_str(event.data.get()).expect("JSON");
        assert_eq!((&data["extension"], &data["registration"]["contact"]), (&"1001".into(), &"sip:a".into()));
        assert_eq!((event.resource(), event.resource_id), ("extension", id(1001)));
    }
    let blocked = serde_json::to_string(&events[5]).expect("JSON");
    assert_eq!(
        blocked,
        r#"{"type":"source_blocked","data":{"source":"192.0.2.1","failures":10,"until":"2026-11-22T10:16:00.000001Z"},"seq":6,"tm":"2026-11-22T10:16:00.000000Z"}"#
    );
}

#[test]
fn calls_that_were_up_at_a_crash_are_closed_once() {
    let mut one = open();
    let items = [
        event(EventKind::CallCreated(call(1, Status::Dialing))),
        event(EventKind::CallAnswered(call(2, Status::Progressing))),
        event(EventKind::CallHungup(call(3, Status::Hangup))),
    ];
    one.writer.write(&items, Durability::Acknowledged).expect("it is written");
    assert_eq!(one.writer.close_interrupted_calls(Timestamp(NOW + 9)).expect("closed"), 2);
    assert_eq!(one.writer.close_interrupted_calls(Timestamp(NOW + 10)).expect("closed"), 0);
    let events = one.reader.events_after(3, 100).expect("the log");
    assert_eq!(events.iter().map(|event| event.kind.as_str()).collect::<Vec<_>>(), ["call_hungup", "call_hungup"]);
    let closed = one.reader.call(id(2)).expect("a row").expect("the call");
    assert_eq!((closed.status, closed.hangup_reason), (CallStatus::Hangup, CallHangupReason::Failed));
    assert_eq!(closed.tm_hangup, Some(Timestamp(NOW + 9)));
}

#[test]
fn conferences_come_back_and_those_in_them_at_a_crash_have_left() {
    let mut one = open();
    let data = ConferenceData { extension: Some("800".into()), ..ConferenceData::default() };
    let conference = |number, ended| {
        Box::new(Conference {
            id: id(number),
            name: "Round".into(),
            detail: String::new(),
            data: data.clone(),
            timeout: Duration::from_secs(600),
            status: ConferenceStatus::Progressing,
            pre_flow_id: Some(id(20)),
            post_flow_id: Some(id(21)),
            conferencecall_ids: vec![id(7)],
            recording_id: Some(id(22)),
            recording_ids: vec![id(23), id(22)],
            created: UnixMicros(NOW),
            updated: UnixMicros(NOW + 1),
            ended,
        })
    };
    let place = |number, status| {
        let (created, updated) = (UnixMicros(NOW), UnixMicros(NOW + 1));
        Box::new(Conferencecall { id: id(number), conference_id: id(1), call_id: id(9), status, created, updated })
    };
    let items = [
        event(EventKind::ConferenceCreated(conference(1, None))),
        event(EventKind::ConferenceDeleted(conference(2, Some(UnixMicros(NOW + 2))))),
        event(EventKind::ConferencecallJoined(place(7, ConferencecallStatus::Joined))),
        event(EventKind::ConferencecallLeaved(place(8, ConferencecallStatus::Leaved))),
    ];
    one.writer.write(&items, Durability::Acknowledged).expect("it is written");
    assert_eq!(one.reader.restore().expect("rows").conferences, [*conference(1, None)]);
    let there = |one: &Opened| one.reader.conferencecalls(PageRequest::default()).expect("rows").result;
    assert_eq!(there(&one).iter().map(|place| place.id).collect::<Vec<_>>(), [id(7)]);
    one.writer.close_interrupted_calls(Timestamp(NOW + 9)).expect("closed");
    assert!(there(&one).is_empty());
    let left = one.reader.conferencecall(id(7)).expect("a row").expect("the place");
    assert_eq!(left.tm_delete, Some(Timestamp(NOW + 9)));
    let last = one.reader.events_after(4, 100).expect("the log");
    assert_eq!(last.iter().map(|event| event.kind.as_str()).collect::<Vec<_>>(), ["conferencecall_leaved"]);
}

#[test]
fn only_the_record_of_a_call_that_is_over_can_be_deleted() {
    let mut one = open();
    let delete = |number| Item::CallDeleted(id(number), Timestamp(NOW + 9));
    let created = |number, status| event(EventKind::CallCreated(call(number, status)));
    let items =
        [created(1, Status::Progressing), created(2, Status::Hangup), delete(1), delete(2), delete(2), delete(3)];
    let committed = one.writer.write(&items, Durability::Acknowledged).expect("it is written");
    assert_eq!(committed.events, 3, "one call_deleted");
    assert!(one.reader.call(id(1)).expect("a row").is_some());
    assert!(one.reader.call(id(2)).expect("a row").is_none());
}

#[test]
fn a_ladder_comes_back_as_it_went_and_the_oldest_make_room() {
    let mut one = open();
    let ladder = |number: u128| Sequence {
        call_id: id(number),
        participants: vec![
            Participant { role: Role::Phone(id(5)), name: "1001".into(), detail: "192.0.2.7".into() },
            Participant { role: Role::Media, name: "media".into(), detail: String::new() },
        ],
        steps: (0..400)
            .map(|at| Step {
                at: UnixMicros(NOW + at),
                from: 0,
                to: 1,
                kind: StepKind::Sip,
                label: "INVITE".into(),
                detail: "INVITE sip:ü SIP/2.0\r\n".repeat(20),
            })
            .collect(),
        omitted: 3,
    };
    one.writer.write(&[Item::Sequence(Box::new(ladder(1)))], Durability::Batched).expect("it is written");
    let read = one.reader.sequence(id(1)).expect("a row").expect("the ladder");
    assert_eq!(read, (&ladder(1)).into());
    assert_eq!((read.steps[399].offset_us, read.participants[0].call_id), (399, id(5)));
    assert_eq!(one.reader.sequence(id(2)).expect("no row"), None);
    let small = |number: u128| Sequence { steps: Vec::new(), ..ladder(number) };
    let many = limits::SEQUENCES as u128 + 9;
    let items: Vec<Item> = (2..many).map(|number| Item::Sequence(Box::new(small(number)))).collect();
    one.writer.write(&items, Durability::Batched).expect("they are written");
    let kept = (1..many).filter(|number| one.reader.sequence(id(*number)).expect("a row").is_some()).count();
    assert_eq!(kept as i64, limits::SEQUENCES);
    assert!(one.reader.sequence(id(many - 1)).expect("a row").is_some(), "the newest is kept");
}

#[test]
fn the_log_is_bounded_by_number_and_by_age_and_its_numbers_go_on() {
    let mut one = open();
    let blocked = |at: i64| {
        Item::Event(Event { at: UnixMicros(at), kind: EventKind::SourceUnblocked { source: [192, 0, 2, 1].into() } })
    };
    let many: Vec<Item> = (0..limits::EVENTS + limits::EVENT_SLACK + 10).map(|_| blocked(NOW)).collect();
    for batch in many.chunks(limits::BATCH) {
        one.writer.write(batch, Durability::Batched).expect("it is written");
    }
    let (first, last) = one.reader.event_range().expect("a log");
    assert!(last - first < limits::EVENTS + limits::EVENT_SLACK, "{first} to {last}");
    let age = limits::EVENT_AGE.as_micros() as i64;
    while one.writer.trim(Timestamp(NOW + age + 1)).expect("trimmed").events > 0 {}
    assert_eq!(one.reader.event_range().expect("a log"), (last, last), "the newest is kept, however old");
    let next = one.writer.write(&[blocked(NOW + age)], Durability::Batched).expect("it is written");
    assert_eq!(next.latest_seq, last + 1);
}

#[test]
fn cursors_only_go_forward() {
    let mut one = open();
    for seq in [5, 3] {
        one.writer.write(&[Item::Cursor("webhook".into(), seq)], Durability::Acknowledged).expect("it is written");
    }
    assert_eq!(one.reader.cursor("webhook").expect("a cursor"), 5);
    assert_eq!(one.reader.cursor("cloud").expect("a cursor"), 0);
}

#[test]
fn an_agent_is_found_by_name_and_its_hash_stays_inside() {
    let mut one = open();
    let agent = Agent {
        id: id(1),
        username: "admin".into(),
        password_hash: PasswordHash("$argon2id$".into()),
        name: "Administrator".into(),
        detail: String::new(),
        ring_method: RingMethod::Linear,
        status: AgentStatus::Busy,
        permission: Permission::Admin,
        tag_ids: vec![id(4)],
        addresses: vec![AgentAddress { kind: AddressKind::Tel, target: "+4930123".into(), ..AgentAddress::default() }],
        created: UnixMicros(NOW),
        updated: UnixMicros(NOW),
        deleted: None,
    };
    let create = |agent: &Agent| {
        Item::Event(Event { at: UnixMicros(NOW), kind: EventKind::AgentCreated(Box::new(agent.clone())) })
    };
    one.writer.write(&[create(&agent)], Durability::Acknowledged).expect("it is written");
    let account = one.reader.agent_by_username("admin").expect("a row").expect("an agent");
    assert_eq!(account.record, store::agent::Record::new(&agent, one.store.identity()));
    assert_eq!(account.password_hash, "$argon2id$");
    assert_eq!(one.reader.agent(id(1)).expect("a row"), Some(account));
    assert_eq!(one.reader.agent_by_username("nobody").expect("no row"), None);
    let events = one.reader.events_after(0, 10).expect("the log");
    assert!(events[0].kind == "agent_created" && !events[0].data.get().contains("argon2"));
    assert_eq!(one.reader.restore().expect("it can be read").agents, vec![agent.clone()]);
    let refused = one.writer.write(&[create(&Agent { id: id(2), ..agent })], Durability::Acknowledged);
    assert!(matches!(refused, Err(Error::Refused(_))), "a user name is taken once");
    assert_eq!(
        one.writer.write(&[], Durability::Acknowledged).expect("an empty batch").latest_seq,
        1,
        "nothing is left of a failed batch"
    );
}

#[test]
fn a_second_process_is_kept_out() {
    let one = open();
    let path = one.folder.path().join("tandem.db");
    let error = Store::open(&path, "", &[0; 64]).expect_err("it is in use");
    assert!(matches!(error, Error::InUse(_)), "{error}");
}

#[test]
fn a_full_disk_fails_a_batch_as_a_whole_and_says_so() {
    let mut one = open();
    one.writer.limit_pages(30).expect("a limit");
    let items: Vec<Item> = (1..2_000).map(|number| event(EventKind::ExtensionCreated(extension(number)))).collect();
    let error = one.writer.write(&items, Durability::Acknowledged).expect_err("there is no room");
    assert!(matches!(error, Error::Full(_)) && error.is_transient(), "{error}");
    assert_eq!(one.reader.latest_seq().expect("a log"), 0, "nothing of the batch is there");
    let committed = one.writer.write(&items[..3], Durability::Acknowledged).expect("a small one fits");
    assert_eq!(committed.latest_seq, 3);
}

#[test]
fn the_journal_tells_after_the_commit_and_writes_what_waits_before_it_closes() {
    let Opened { folder: _folder, store, writer, reader } = open();
    let (woken, wakes) = mpsc::channel();
    let hooks = Hooks {
        clock: Box::new(|| Timestamp(NOW)),
        committed: Box::new(move |seq| woken.send(seq).expect("the test listens")),
        failed: Box::new(|error| panic!("{error}")),
    };
    let journal = Journal::start(writer, hooks).expect("the thread starts");
    let (done, answers) = mpsc::channel();
    for number in 1..=100 {
        let (done, reader) = (done.clone(), store.reader().expect("a reader"));
        let entry = Entry {
            items: vec![event(EventKind::ExtensionCreated(extension(number)))],
            done: Some(Box::new(move |committed| {
                let seen = reader.extension(id(number), Timestamp(NOW)).expect("a row").is_some();
                done.send((seen, committed.latest_seq)).expect("the test listens");
            })),
        };
        journal.submit(entry).ok().expect("there is room");
    }
    journal.close();
    let answers: Vec<(bool, i64)> = answers.try_iter().collect();
    assert_eq!(answers.len(), 100);
    assert!(answers.iter().all(|(seen, _)| *seen), "an answer comes after the commit");
    assert_eq!(wakes.iter().last(), Some(100));
    assert_eq!(reader.latest_seq().expect("a log"), 100);
    let statistics = journal.statistics();
    assert_eq!((statistics.items, statistics.waiting, statistics.refused), (100, 0, 0));
    assert!(journal.submit(Entry { items: vec![Item::Probe(Timestamp(NOW))], done: None }).is_err(), "it is closed");
    assert_eq!(journal.statistics().refused, 1);
}

#[test]
fn the_journal_waits_for_a_full_disk_and_reports_it() {
    let Opened { folder: _folder, store: _store, mut writer, reader } = open();
    writer.limit_pages(30).expect("a limit");
    let (failed, failures) = mpsc::channel();
    let hooks = Hooks {
        clock: Box::new(|| Timestamp(NOW)),
        committed: Box::new(|_| ()),
        failed: Box::new(move |error| failed.send(error).expect("the test listens")),
    };
    let journal = Journal::start(writer, hooks).expect("the thread starts");
    let items = (1..2_000).map(|number| event(EventKind::ExtensionCreated(extension(number)))).collect();
    let (done, answers) = mpsc::channel::<()>();
    let entry = Entry { items, done: Some(Box::new(move |_| done.send(()).expect("the test listens"))) };
    journal.submit(entry).ok().expect("there is room");
    while journal.statistics().failing.is_none() {
        std::thread::yield_now();
    }
    let items = vec![Item::Probe(Timestamp(NOW)), event(EventKind::ExtensionCreated(extension(3_000)))];
    journal.submit(Entry { items, done: None }).ok().expect("there is room");
    assert!(answers.try_recv().is_err(), "nobody is told that it was written");
    journal.close();
    let error = failures.recv_timeout(Duration::from_secs(1)).expect("closing ends the waiting");
    assert!(matches!(error, Error::Full(_)), "{error}");
    assert_eq!(reader.latest_seq().expect("a log"), 0);
    assert_eq!(journal.statistics().lost, 2_000, "what it had in hand, and what waited behind it");
}
