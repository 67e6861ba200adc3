//! The real socket, asked as the exchange asks.
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;

use serde_json::json;
use smol::LocalExecutor;
use smol::channel::{Receiver, unbounded};

use super::*;
use crate::network::{Kernel, NetworkSettings};
use crate::rescue::Wish;
use crate::update::tests::{BUILD, Disks, bundle};
use hal::slot::Slot;

/// The test's own network stays as it is.
struct Kernelless;

impl Kernel for Kernelless {
    fn apply(&self, _: &NetworkSettings) -> Result<()> {
        Ok(())
    }
}

struct Stage {
    socket: PathBuf,
    events: Receiver<Event>,
    folder: tempfile::TempDir,
    slots: Disks,
}

impl Stage {
    fn open() -> Stage {
        let slots = Disks::new();
        let updater = slots.updater(Slot::A);
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let (socket, data) = (folder.path().join("run/board"), folder.path().to_path_buf());
        let (sender, events) = unbounded();
        let (at, (ready, is_ready)) = (socket.clone(), std::sync::mpsc::channel());
        std::thread::spawn(move || {
            let executor: Executor = Box::leak(Box::new(LocalExecutor::new()));
            let listener = open(&at).expect("the folder is ours");
            ready.send(()).expect("the test waits");
            let settings = NetworkSettings::default();
            let network = Network::new(executor, Box::new(Kernelless), data.join("network.json"), settings);
            let (network, name) = (Rc::new(network), Name::default());
            let board = Rc::new(Board { events: sender, data, has_watchdog: true, network, name, updater });
            smol::block_on(executor.run(serve(executor, listener, board)));
        });
        is_ready.recv().expect("the socket is made");
        Stage { socket, events, folder, slots }
    }

    fn connect(&self) -> UnixStream {
        UnixStream::connect(&self.socket).expect("somebody listens")
    }

    fn ask(&self, line: &str) -> Value {
        let mut stream = self.connect();
        stream.write_all(line.as_bytes()).expect("it reads");
        let _ = stream.shutdown(std::net::Shutdown::Write);
        answer(stream)
    }

    fn wish(&self) -> Wish {
        match self.events.try_recv() {
            Ok(Event::Wish(wish)) => wish,
            other => panic!("{other:?}"),
        }
    }
}

fn answer(stream: UnixStream) -> Value {
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).expect("it answers");
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
}

#[test]
fn each_order_reaches_the_keeper() {
    let stage = Stage::open();
    assert_eq!(stage.ask("{\"do\":\"reboot\"}\n"), json!({ "ok": null }));
    assert_eq!(stage.wish(), Wish::Restart);
    assert_eq!(stage.ask("{\"do\":\"power_off\",\"beside\":1}\n"), json!({ "ok": null }));
    assert_eq!(stage.wish(), Wish::PowerOff);
    assert!(!stage.folder.path().join("factory-reset").exists());
    assert_eq!(stage.ask("{\"do\":\"factory_reset\"}\n"), json!({ "ok": null }));
    assert_eq!(stage.wish(), Wish::Restart);
    assert!(stage.folder.path().join("factory-reset").exists(), "the order is on the disk");
}

#[test]
fn an_order_that_cannot_be_written_changes_nothing() {
    let stage = Stage::open();
    std::fs::create_dir(stage.folder.path().join("factory-reset")).expect("the folder is ours");
    let answer = stage.ask("{\"do\":\"factory_reset\"}\n");
    let sentence = answer["error"].as_str().expect("it is refused");
    assert!(sentence.starts_with("nothing will be erased: the order cannot be written"), "{sentence}");
    assert!(stage.events.is_empty());
}

#[test]
fn the_state_tells_what_the_box_is() {
    let state = &Stage::open().ask("{\"do\":\"state\"}\n")["ok"];
    assert_eq!(state["version"], env!("CARGO_PKG_VERSION"));
    assert!(state["kernel"].as_str().is_some_and(|kernel| kernel.contains('.')), "{state}");
    assert!(state["uptime"].as_i64().is_some_and(|seconds| seconds > 0), "{state}");
    assert_eq!(state["watchdog"], true);
}

#[test]
fn the_network_is_shown_checked_and_tried() {
    let stage = Stage::open();
    let shown = &stage.ask("{\"do\":\"network\"}\n")["ok"];
    assert_eq!((&shown["settings"]["hostname"], &shown["trial"]), (&json!("tandem"), &Value::Null), "{shown}");
    assert!(shown["addresses"].is_array() && shown["mdns_name"].is_null(), "{shown}");
    let wrong = stage.ask("{\"do\":\"network_set\",\"network\":{\"vlan\":5000}}\n");
    assert_eq!(wrong, json!({ "error": "must be a number from 1 to 4094, or null", "field": "vlan" }));
    assert_eq!(stage.ask("{\"do\":\"network_check\",\"network\":{\"vlan\":50}}\n"), json!({ "ok": null }));
    assert_eq!(stage.ask("{\"do\":\"network_check\"}\n")["field"], "network");
    let none = json!({ "error": "there are no settings on trial" });
    assert_eq!(stage.ask("{\"do\":\"network_confirm\"}\n"), none);
    let tried = &stage.ask("{\"do\":\"network_set\",\"network\":{\"hostname\":\"desk\"}}\n")["ok"];
    assert_eq!(tried["trial"]["settings"]["hostname"], "desk", "{tried}");
    assert_eq!(tried["settings"]["hostname"], "tandem");
}

#[test]
fn nonsense_is_refused_with_a_sentence() {
    let stage = Stage::open();
    let long = format!("{{\"do\":\"{}\"}}\n", "a".repeat(20_000));
    for (line, sentence) in [
        ("\n", "that is no JSON: EOF while parsing a value at line 2 column 0"),
        ("reboot\n", "that is no JSON: expected value at line 1 column 1"),
        ("[]\n", "nothing says what to do"),
        ("{\"do\":7}\n", "nothing says what to do"),
        ("{\"do\":\"dance\"}\n", "the board knows no \"dance\""),
        ("{\"do\":\"reboot\"}", "the request breaks off"),
        ("", "the request breaks off"),
        (&long, "the request is too long"),
    ] {
        assert_eq!(stage.ask(line), json!({ "error": sentence }), "{line:.40}");
    }
    assert!(stage.events.is_empty());
}

#[test]
fn so_many_at_a_time_and_then_again() {
    let stage = Stage::open();
    // Whoever is answered in part has a place.
    let mut silent: Vec<UnixStream> = (0..CONVERSATIONS).map(|_| stage.connect()).collect();
    let refused = json!({ "error": "too many ask the board at a time" });
    assert_eq!(answer(stage.connect()), refused);
    let mut freed = silent.pop().expect("there are several");
    freed.write_all(b"{}\n").expect("it reads");
    let mut rest = String::new();
    freed.read_to_string(&mut rest).expect("it answers and closes");
    assert_eq!(rest, "{\"error\":\"nothing says what to do\"}\n");
    // The place is given back in the same turn in which the connection is closed, or in the next.
    let mut again = std::iter::repeat_with(|| stage.ask("{\"do\":\"state\"}\n")).take(1_000);
    assert!(again.any(|answer| answer["ok"].is_object()));
}

impl Stage {
    /// Sends a bundle as the exchange does, and gives the lines of the answer.
    fn send(&self, octets: &[u8]) -> Vec<Value> {
        let mut stream = self.connect();
        stream.write_all(b"{\"do\":\"update\"}\n").expect("it reads");
        // Whoever refuses the beginning does not read to the end.
        let _ = stream.write_all(octets).and_then(|()| stream.shutdown(std::net::Shutdown::Write));
        let lines = BufReader::new(stream).lines().map_while(Result::ok);
        lines.map(|line| serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))).collect()
    }
}

#[test]
fn a_bundle_is_installed_and_then_tried() {
    let stage = Stage::open();
    let state = &stage.ask("{\"do\":\"update_state\"}\n")["ok"];
    assert_eq!((&state["running"], &state["slots"]["b"]), (&json!("a"), &Value::Null), "{state}");
    let refused = stage.ask("{\"do\":\"update_switch\"}\n");
    assert_eq!(refused["reason"], "EMPTY_SLOT", "{refused}");
    let answer = stage.send(&bundle(BUILD, 700_000));
    let (last, before) = answer.split_last().expect("there is an answer");
    assert_eq!(last, &json!({ "ok": { "build": BUILD, "version": "0.2.0" } }));
    assert!(before.iter().any(|line| line["progress"]["step"] == "verifying"), "{before:?}");
    let state = &stage.ask("{\"do\":\"update_state\"}\n")["ok"];
    assert_eq!((&state["slots"]["b"]["build"], &state["on_trial"]), (&json!(BUILD), &Value::Null), "{state}");
    assert!(stage.events.is_empty(), "nobody has asked for a restart");
    assert_eq!(stage.ask("{\"do\":\"update_switch\"}\n")["ok"]["build"], json!(BUILD));
    assert_eq!(stage.wish(), Wish::Restart);
    assert_eq!(stage.slots.state().on_trial(), Some(Slot::B));
    assert_eq!(stage.ask("{\"do\":\"update_reported\"}\n"), json!({ "ok": null }));
}

#[test]
fn a_bundle_that_is_none_is_refused_with_a_reason() {
    let stage = Stage::open();
    let mut changed = bundle(BUILD, 700_000);
    changed[60] ^= 1;
    let short = bundle(BUILD, 700_000);
    for (octets, reason) in [
        (&b"a shopping list, and a long one"[..], "NO_BUNDLE"),
        (&changed, "WRONG_SIGNATURE"),
        (&short[..300_000], "TRUNCATED"),
        (b"", "TRUNCATED"),
    ] {
        let answer = stage.send(octets);
        let last = answer.last().expect("there is an answer");
        assert!(last["reason"] == reason && last["error"].is_string(), "{reason}: {last}");
    }
    assert_eq!(stage.slots.state().on_trial(), None);
}
