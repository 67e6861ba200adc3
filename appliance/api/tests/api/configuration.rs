//! Documents of a cloud: all of one holds, or nothing; what the box changed itself is told.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use api::configuration::{Configurator, Document, Done, Memory, Refused};
use futures_util::FutureExt;
use serde_json::{Value, json};
use store::configuration::{Refusal, Side};

use crate::desk::{ADMIN, Desk};

/// What is kept, and after how many times more the process ends.
#[derive(Clone, Default)]
struct Kept {
    texts: Arc<Mutex<HashMap<String, String>>>,
    lists: Arc<Mutex<HashMap<String, Vec<String>>>>,
    left: Arc<AtomicUsize>,
    /// Octets that were written.
    written: Arc<AtomicUsize>,
}

impl Memory for Kept {
    fn write(&self, name: &str, text: &str) -> Result<(), String> {
        self.count(text.len());
        self.texts.lock().expect("nobody panicked").insert(name.into(), text.into());
        Ok(())
    }

    fn read(&self, name: &str) -> Result<Option<String>, String> {
        Ok(self.texts.lock().expect("nobody panicked").get(name).cloned())
    }

    fn append(&self, name: &str, lines: &[String]) -> Result<(), String> {
        self.count(lines.iter().map(String::len).sum());
        let mut lists = self.lists.lock().expect("nobody panicked");
        lists.entry(name.into()).or_default().extend(lines.iter().cloned());
        Ok(())
    }

    fn lines(&self, name: &str) -> Result<Vec<String>, String> {
        Ok(self.lists.lock().expect("nobody panicked").get(name).cloned().unwrap_or_default())
    }

    fn forget(&self, name: &str) -> Result<(), String> {
        self.count(0);
        self.lists.lock().expect("nobody panicked").remove(name);
        Ok(())
    }
}

impl Kept {
    fn count(&self, octets: usize) {
        let left = self.left.load(Ordering::Relaxed);
        assert!(left > 0, "the process ends here");
        self.left.store(left - 1, Ordering::Relaxed);
        self.written.fetch_add(octets, Ordering::Relaxed);
    }

    fn allow(&self, writes: usize) {
        self.left.store(writes, Ordering::Relaxed);
    }
}

/// A box and its cloud.
struct Office {
    desk: Desk,
    token: String,
    kept: Kept,
    configurator: Configurator,
}

impl Office {
    async fn open() -> Office {
        let desk = Desk::new();
        let token = desk.log_in(ADMIN).await;
        let kept = Kept::default();
        kept.allow(usize::MAX);
        let configurator = Configurator::open(&desk.state, Box::new(kept.clone())).expect("nothing is kept yet");
        Office { desk, token, kept, configurator }
    }

    /// The process ends and starts again.
    fn restart(&mut self) {
        self.configurator = Configurator::open(&self.desk.state, Box::new(self.kept.clone())).expect("it is readable");
    }

    async fn apply(&mut self, version: i64, resources: Value) -> Result<Done, Refused> {
        let id = self.desk.store.identity().customer_id;
        let text = json!({"appliance_id": id, "version": version, "resources": resources}).to_string();
        let document = Document::parse(text.as_bytes()).map_err(Refused::Document)?;
        self.configurator.apply(&document, Some("\"etag\"")).await
    }

    async fn refused(&mut self, version: i64, resources: Value) -> Refusal {
        match self.apply(version, resources).await {
            Err(Refused::Document(refusal)) => *refusal,
            other => panic!("it should be refused: {other:?}"),
        }
    }

    async fn list(&self, collection: &str) -> Vec<Value> {
        let page = self.desk.ask("GET", &format!("/v1.0/{collection}")).token(&self.token).send().await.json();
        page["result"].as_array().cloned().unwrap_or_default()
    }

    async fn names(&self, collection: &str) -> Vec<String> {
        let mut names: Vec<_> =
            self.list(collection).await.iter().map(|one| one["name"].as_str().unwrap_or_default().to_owned()).collect();
        names.sort();
        names
    }

    async fn put(&self, collection: &str, id: &Value, body: Value) {
        let path = format!("/v1.0/{collection}/{}", id.as_str().expect("an id"));
        let answer = self.desk.ask("PUT", &path).token(&self.token).json(body).send().await;
        assert!(answer.status.is_success(), "{}", answer.text);
    }
}

fn tag(key: &str, name: &str) -> Value {
    json!({"resource": "tags", "key": key, "data": {"name": name, "detail": ""}})
}

fn phone(key: &str, number: &str, name: &str) -> Value {
    let data = json!({"extension": number, "password": "secret-of-the-phone", "name": name});
    json!({"resource": "extensions", "key": key, "data": data})
}

#[tokio::test]
async fn a_document_holds_with_what_refers_to_what() {
    let mut office = Office::open().await;
    let flow = json!({"resource": "flows", "key": "menu", "data": {"name": "menu", "detail": "", "actions": [{"type": "answer"}]}});
    let number = |flow: &str| json!({"resource": "numbers", "key": "main", "data": {"number": "500", "call_flow_id": {"$ref": flow}}});
    let all = json!([phone("desk", "1001", "Ada"), flow, number("flows/menu")]);
    let done = office.apply(1, all.clone()).await.expect("it holds");
    assert_eq!((done.version, done.changed, done.conflicts.len()), (1, 3, 0));
    let menu = office.list("flows").await[0]["id"].clone();
    assert_eq!(office.list("numbers").await[0]["call_flow_id"], menu);

    // The same again changes nothing, and neither does a later one that says the same.
    assert_eq!(office.apply(1, all.clone()).await.expect("it holds").changed, 0);
    assert_eq!(office.apply(2, all).await.expect("it holds").changed, 0);
    assert_eq!(office.list("flows").await[0]["id"], menu);

    // What is no longer there goes, what uses others first.
    let done = office.apply(3, json!([phone("desk", "1001", "Grace")])).await.expect("it holds");
    assert_eq!(done.changed, 3);
    assert_eq!((office.names("extensions").await, office.list("numbers").await.len()), (vec!["Grace".to_owned()], 0));
    assert_eq!(office.list("flows").await.len(), 0);
}

#[tokio::test]
async fn nothing_of_a_wrong_document_holds_and_what_is_wrong_is_named() {
    let mut office = Office::open().await;
    office.apply(4, json!([tag("a", "one"), tag("b", "two"), phone("desk", "1001", "Ada")])).await.expect("it holds");
    let named = |refusal: &Refusal| {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        (refusal.reason.clone(), text(&refusal.key), text(&refusal.field))
    };
    let word = |reason: &str, key: &str, field: &str| (reason.to_owned(), key.to_owned(), field.to_owned());
    let bad = json!({"resource": "extensions", "key": "bad", "data": {"extension": "not a number", "password": "secret-of-the-phone"}});
    let refusal = office.refused(5, json!([tag("a", "changed"), tag("c", "new"), bad])).await;
    assert_eq!(named(&refusal), word("INVALID_ARGUMENT", "bad", "extension"), "{refusal:?}");
    let without = json!({"resource": "extensions", "key": "bad", "data": {"extension": "1009"}});
    let refusal = office.refused(5, json!([tag("c", "new"), without])).await;
    assert_eq!(named(&refusal), word("INVALID_JSON_BODY", "bad", "password"), "{refusal:?}");
    // The box has this number from somebody else.
    let refusal =
        office.refused(5, json!([tag("c", "new"), phone("desk", "1001", "Ada"), phone("other", "1001", "Eve")])).await;
    assert_eq!(named(&refusal), word("EXTENSION_ALREADY_EXISTS", "other", ""), "{refusal:?}");
    let refusal = office.refused(5, json!([phone("desk", "1002", "Ada")])).await;
    assert_eq!(named(&refusal), word("UNCHANGEABLE", "desk", "extension"), "{refusal:?}");
    let lost =
        json!({"resource": "numbers", "key": "n", "data": {"number": "500", "call_flow_id": {"$ref": "flows/none"}}});
    let refusal = office.refused(5, json!([tag("c", "new"), lost])).await;
    assert_eq!(named(&refusal), word("UNKNOWN_REFERENCE", "n", ""), "{refusal:?}");
    for (wrong, field) in [
        (json!([{"resource": "agents", "key": "a", "data": {}}]), "resource"),
        (json!([tag("", "x")]), "key"),
        (json!([tag("x", "x"), tag("x", "y")]), "key"),
    ] {
        assert_eq!(office.refused(5, wrong).await.field.as_deref(), Some(field));
    }
    assert_eq!(office.refused(3, json!([])).await.reason, "OLD_VERSION");
    assert_eq!(office.refused(0, json!([])).await.reason, "INVALID_DOCUMENT");
    assert_eq!(
        (office.names("tags").await, office.names("extensions").await),
        (vec!["one".to_owned(), "two".to_owned()], vec!["Ada".to_owned()])
    );
    assert_eq!(office.configurator.version(), 4);
    let other = json!({"appliance_id": uuid::Uuid::from_u128(7), "version": 9, "resources": []}).to_string();
    let other = Document::parse(other.as_bytes()).expect("it is one");
    let refused = office.configurator.apply(&other, None).await;
    assert!(matches!(&refused, Err(Refused::Document(refusal)) if refusal.reason == "WRONG_APPLIANCE"), "{refused:?}");
}

#[tokio::test]
async fn what_the_box_changed_itself_is_told_and_kept_unless_the_cloud_changes_it_too() {
    let mut office = Office::open().await;
    office.apply(1, json!([tag("a", "one"), tag("b", "two"), tag("c", "three")])).await.expect("it holds");
    let tags = office.list("tags").await;
    let id = |name: &str| tags.iter().find(|tag| tag["name"] == name).expect("it is there")["id"].clone();
    let (one, two, three) = (id("one"), id("two"), id("three"));
    office.put("tags", &one, json!({"name": "mine"})).await;
    office.put("tags", &two, json!({"name": "mine too"})).await;
    let path = format!("/v1.0/tags/{}", three.as_str().expect("an id"));
    office.desk.ask("DELETE", &path).token(&office.token).send().await;

    let next = json!([tag("a", "one"), tag("b", "TWO"), tag("c", "three")]);
    let done = office.apply(2, next).await.expect("it holds");
    let told: Vec<_> = done.conflicts.iter().map(|one| (one.key.as_str(), one.field.as_deref(), one.kept)).collect();
    assert_eq!(told, [("a", Some("name"), Side::Box), ("b", Some("name"), Side::Cloud), ("c", None, Side::Box)]);
    assert_eq!((&done.conflicts[0].of_box, &done.conflicts[0].of_cloud), (&json!("mine"), &json!("one")));
    assert_eq!(office.names("tags").await, ["TWO", "mine"]);

    // What was deleted comes back once the cloud says something new of it.
    let next = json!([tag("a", "mine"), tag("b", "TWO"), tag("c", "THREE")]);
    let done = office.apply(3, next.clone()).await.expect("it holds");
    let told: Vec<_> = done.conflicts.iter().map(|one| (one.key.as_str(), one.kept)).collect();
    assert_eq!(told, [("c", Side::Cloud)]);
    assert_eq!(office.names("tags").await, ["THREE", "TWO", "mine"]);
    assert_eq!(office.apply(4, next).await.expect("it holds").conflicts, [], "what both want is no conflict");
}

#[tokio::test]
async fn what_a_crash_leaves_half_done_is_undone() {
    let before = json!([tag("a", "one"), tag("b", "two")]);
    let after = json!([tag("a", "ONE"), tag("c", "three"), phone("desk", "1001", "Ada")]);
    // The process ends at each of the moments at which something is written down.
    for writes in 0..20 {
        let mut office = Office::open().await;
        office.apply(1, before.clone()).await.expect("it holds");
        office.kept.allow(writes);
        let cut = AssertUnwindSafe(office.apply(2, after.clone())).catch_unwind().await;
        office.kept.allow(usize::MAX);
        office.restart();
        if let Ok(done) = cut {
            done.expect("it holds");
            assert!(writes > 4, "each step is written down");
            return;
        }
        // A document that is refused shows what holds.
        assert_eq!(office.configurator.version(), 1);
        office.refused(3, json!([{"resource": "tags", "key": "x", "data": {"name": ""}}])).await;
        assert_eq!(office.names("tags").await, ["one", "two"], "after {writes} writes");
        assert_eq!(office.list("extensions").await.len(), 0, "after {writes} writes");
        office.apply(4, after.clone()).await.expect("it holds at last");
        assert_eq!(office.names("tags").await, ["ONE", "three"]);
    }
    panic!("it never went through");
}

#[tokio::test]
async fn what_is_written_grows_with_the_document_and_not_with_its_square() {
    let mut office = Office::open().await;
    let many = |name: &str| (0..1_000).map(|key| tag(&key.to_string(), &format!("{name} {key}"))).collect::<Value>();
    for (version, name) in [(1, "made"), (2, "changed")] {
        let document = many(name);
        let before = office.kept.written.load(Ordering::Relaxed);
        assert_eq!(office.apply(version, document.clone()).await.expect("it holds").changed, 1_000);
        let written = office.kept.written.load(Ordering::Relaxed) - before;
        let given = document.to_string().len();
        assert!(written < 8 * given, "{written} octets were written for a document of {given}");
    }
}
