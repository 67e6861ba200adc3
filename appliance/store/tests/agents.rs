//! Agents and tags: what a batch leaves behind, what is listed, and what a restart finds.

use pbx::directory::{Agent, AgentStatus, PasswordHash, Permission, RingMethod, Tag};
use pbx::{Event, EventKind, UnixMicros};
use store::agent::Filter;
use store::{Durability, Item, PageRequest, Reader, Store, Timestamp, Writer, accesskey, customer};
use uuid::Uuid;

const NOW: i64 = 1_795_342_560_000_000;

struct Opened {
    folder: tempfile::TempDir,
    store: Store,
    writer: Writer,
    reader: Reader,
}

fn open(folder: tempfile::TempDir) -> Opened {
    let path = folder.path().join("tandem.db");
    let (store, writer) = Store::open(&path, "tandem.example", &[9; 64]).expect("it opens");
    let reader = store.reader().expect("it can be read");
    Opened { folder, store, writer, reader }
}

impl Opened {
    fn write(&mut self, kinds: impl IntoIterator<Item = EventKind>) {
        let event = |kind| Item::Event(Event { at: UnixMicros(NOW), kind });
        let items: Vec<Item> = kinds.into_iter().map(event).collect();
        self.writer.write(&items, Durability::Acknowledged).expect("it is written");
    }

    fn again(self) -> Opened {
        let Opened { folder, store, writer, reader } = self;
        drop((store, writer, reader));
        open(folder)
    }

    fn listed(&self, filter: &Filter, page: PageRequest) -> (Vec<String>, String) {
        let page = self.reader.agents(filter, page).expect("a page");
        (page.result.into_iter().map(|agent| agent.username).collect(), page.next_page_token)
    }
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn agent(number: u128, status: AgentStatus, tags: &[u128]) -> Box<Agent> {
    Box::new(Agent {
        id: id(number),
        username: format!("agent{number}"),
        password_hash: PasswordHash("$argon2id$".into()),
        name: String::new(),
        detail: String::new(),
        ring_method: RingMethod::RingAll,
        status,
        permission: Permission::Agent,
        tag_ids: tags.iter().map(|tag| id(*tag)).collect(),
        addresses: Vec::new(),
        created: UnixMicros(NOW),
        updated: UnixMicros(NOW),
        deleted: None,
    })
}

fn tag(number: u128, name: &str) -> Tag {
    let (created, updated) = (UnixMicros(NOW), UnixMicros(NOW));
    Tag { id: id(number), name: name.into(), detail: String::new(), created, updated, deleted: None }
}

#[test]
fn a_list_shows_those_that_the_filter_lets_through_in_pages() {
    let mut one = open(tempfile::tempdir().expect("a temporary folder can be made"));
    let status = |number: u128| if number.is_multiple_of(2) { AgentStatus::Available } else { AgentStatus::Away };
    let tags = |number: u128| if number.is_multiple_of(3) { vec![70, 71] } else { vec![70] };
    one.write((1..=12).map(|number| EventKind::AgentCreated(agent(number, status(number), &tags(number)))));
    let everything = PageRequest::default();
    assert_eq!(one.listed(&Filter::default(), everything).0.len(), 12);
    let available = Filter { status: Some(store::agent::AgentStatus::Available), ..Filter::default() };
    let (first, token) = one.listed(&available, PageRequest::new(4, "").expect("a page"));
    assert_eq!(first, ["agent12", "agent10", "agent8", "agent6"]);
    let (second, token) = one.listed(&available, PageRequest::new(4, &token).expect("our token"));
    assert_eq!((second, token), (vec!["agent4".to_owned(), "agent2".to_owned()], String::new()));
    let both = Filter { tag_ids: vec![id(71), id(70)], status: available.status };
    assert_eq!(one.listed(&both, everything).0, ["agent12", "agent6"]);
    assert!(one.listed(&Filter { tag_ids: vec![id(99)], status: None }, everything).0.is_empty());
}

fn accesskey(number: u128, agent: u128) -> accesskey::Account {
    let (name, detail, token_prefix) = ("crm".to_owned(), String::new(), "vb_abcde".to_owned());
    let (tm_create, tm_update) = (Timestamp(NOW), Timestamp(NOW));
    let (tm_expire, tm_delete, token) = (Some(Timestamp(NOW + 1)), None, None);
    let (id, customer_id) = (id(number), Uuid::nil());
    let record = accesskey::Record {
        id,
        customer_id,
        name,
        detail,
        token,
        token_prefix,
        tm_expire,
        tm_create,
        tm_update,
        tm_delete,
    };
    accesskey::Account { record, agent_id: Uuid::from_u128(agent), hash: [number as u8; 32] }
}

#[test]
fn access_keys_and_the_customer_are_there_after_a_restart() {
    let mut one = open(tempfile::tempdir().expect("a temporary folder can be made"));
    one.write([EventKind::AgentCreated(agent(1, AgentStatus::Offline, &[]))]);
    let named = customer::Change { name: Some("Analytical".into()), ..customer::Change::default() };
    let told = customer::Change { webhook_uri: Some("http://nas/".into()), ..customer::Change::default() };
    let renamed = accesskey::Change { name: Some("erp".into()), detail: None };
    let items = [
        Item::AccesskeyCreated(Box::new(accesskey(7, 1))),
        Item::AccesskeyCreated(Box::new(accesskey(8, 1))),
        Item::AccesskeyUpdated(id(7), renamed.clone(), Timestamp(NOW + 5)),
        Item::AccesskeyDeleted(id(8), Timestamp(NOW + 6)),
        Item::AccesskeyUpdated(id(8), renamed, Timestamp(NOW + 7)),
        Item::CustomerUpdated(Box::new(named), Timestamp(NOW + 8)),
        Item::CustomerUpdated(Box::new(told), Timestamp(NOW + 9)),
    ];
    one.writer.write(&items, Durability::Acknowledged).expect("it is written");
    let mut two = one.again();
    let (key, owner) = two.reader.accesskey_by_hash(&[7; 32]).expect("a row").expect("a key");
    assert_eq!((key.name.as_str(), key.tm_update, owner.id), ("erp", Timestamp(NOW + 5), id(1)));
    assert!(two.reader.accesskey_by_hash(&[8; 32]).expect("no row").is_none(), "a deleted key stays deleted");
    assert_eq!(two.reader.count_accesskeys().expect("a count"), 1);
    let customer = two.reader.customer().expect("a customer");
    assert_eq!((customer.name.as_str(), customer.webhook_uri.as_str()), ("Analytical", "http://nas/"));
    assert_eq!((customer.tm_create, customer.tm_update), (Timestamp(NOW), Timestamp(NOW + 9)));
    let gone = Agent { deleted: Some(UnixMicros(NOW)), ..*agent(1, AgentStatus::Offline, &[]) };
    two.write([EventKind::AgentDeleted(Box::new(gone))]);
    assert!(two.reader.accesskey_by_hash(&[7; 32]).expect("no row").is_none(), "it went with its agent");
    let names: Vec<_> = two.reader.events_after(3, 100).expect("the log").into_iter().map(|event| event.kind).collect();
    let wanted =
        ["accesskey_updated", "accesskey_deleted", "customer_updated", "customer_updated", "accesskey_deleted"];
    assert_eq!((&names[..5], names[5].as_str(), names.len()), (&wanted.map(String::from)[..], "agent_deleted", 6));
}

#[test]
fn what_was_changed_and_deleted_is_so_after_a_restart() {
    let mut one = open(tempfile::tempdir().expect("a temporary folder can be made"));
    let changed = Agent { status: AgentStatus::Ringing, ..*agent(2, AgentStatus::Offline, &[70]) };
    let deleted = Agent { deleted: Some(UnixMicros(NOW + 1)), ..*agent(1, AgentStatus::Offline, &[]) };
    one.write([
        EventKind::TagCreated(tag(70, "sales")),
        EventKind::TagCreated(tag(71, "support")),
        EventKind::AgentCreated(agent(1, AgentStatus::Offline, &[])),
        EventKind::AgentCreated(agent(2, AgentStatus::Offline, &[70])),
        EventKind::AgentStatusUpdated(Box::new(changed.clone())),
        EventKind::TagUpdated(tag(70, "selling")),
        EventKind::TagDeleted(Tag { deleted: Some(UnixMicros(NOW + 1)), ..tag(71, "support") }),
        EventKind::AgentDeleted(Box::new(deleted)),
    ]);
    let two = one.again();
    let restored = two.reader.restore().expect("it can be read");
    assert_eq!((restored.agents, restored.tags), (vec![changed], vec![tag(70, "selling")]));
    assert!(two.reader.agent_by_username("agent1").expect("no row").is_none());
    assert!(two.reader.tag(id(71)).expect("no row").is_none());
    let names: Vec<_> = two.reader.events_after(0, 100).expect("the log").into_iter().map(|event| event.kind).collect();
    assert_eq!(names[4..], ["agent_status_updated", "tag_updated", "tag_deleted", "agent_deleted"]);
    let page = two.reader.tags(PageRequest::default()).expect("a page");
    assert_eq!(page.result.iter().map(|tag| tag.name.as_str()).collect::<Vec<_>>(), ["selling"]);
}
