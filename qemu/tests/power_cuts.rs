//! The power is cut at any moment, again and again, while calls are set up and recorded, somebody sets something, and an update is
//! written: every start reaches SIP in the old slot, all that the API told is there, every recording plays.
use std::collections::BTreeSet;
use std::io::Write;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use box_tests::{Api, sipp, soak, wait};
use hal::slot::Slot;
use images::board::Board;
use images::bundle::{Update, development_key};
use qemu::{BOARD, Disk, Machine, Setup};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);
const PASSWORD: &str = "correct horse battery";
/// As many calls as have ports, two for each.
const CALLS: &str = "12";

/// What the API has told so far.
#[derive(Default)]
struct Told {
    /// Calls that are over.
    calls: BTreeSet<String>,
    tag: String,
    /// What the tag is called since the latest of so many changes.
    name: String,
    changes: u32,
    /// Recordings that were listened to.
    played: BTreeSet<String>,
    /// Recordings of which nothing was written yet when the power went.
    unwritten: usize,
}

/// What the image holds, as an update that is written now and started in years.
const UPDATE: &str = "/v1.0/system/update?when=2099-01-01T00:00:00Z";

/// Has an update written until the power goes.
fn write_update(machine: &Machine, api: &Api, bundle: &Arc<[u8]>) -> Result<JoinHandle<()>> {
    let (mut stream, bundle) = (machine.begin_upload(UPDATE, api.token(), bundle.len())?, Arc::clone(bundle));
    Ok(std::thread::spawn(move || {
        for piece in bundle.chunks(64 << 10) {
            // The power may go in between; where it does is the point.
            if stream.write_all(piece).is_err() {
                return;
            }
        }
    }))
}

/// All of one resource.
fn all(api: &Api, resource: &str) -> Result<Vec<Value>> {
    let (mut all, mut next) = (Vec::new(), String::new());
    loop {
        let page = api.get(&format!("/v1.0/{resource}?page_size=100{next}"))?;
        all.extend(page["result"].as_array().cloned().unwrap_or_default());
        match page["next_page_token"].as_str().filter(|token| !token.is_empty()) {
            Some(token) => next = format!("&page_token={token}"),
            None => return Ok(all),
        }
    }
}

fn id(value: &Value) -> Result<String> {
    Ok(value["id"].as_str().with_context(|| format!("no id in {value}"))?.to_owned())
}

impl Told {
    /// What there has to be before anything can be cut.
    fn prepare(&mut self, api: &Api) -> Result<()> {
        api.add_extension("1001")?;
        let record = json!({"type": "record_start", "option": {"format": "wav"}});
        let actions = json!([{"type": "answer"}, record, {"type": "sleep", "option": {"duration": 5_000}}]);
        api.add_number("500", actions)?;
        self.name = "first".to_owned();
        self.tag = id(&api.post("/v1.0/tags", json!({"name": self.name, "detail": ""}))?)?;
        Ok(())
    }

    /// Holds that all that was told is there, and listens to what was recorded.
    fn check(&mut self, api: &Api) -> Result<()> {
        let name = &api.get(&format!("/v1.0/tags/{}", self.tag))?["name"];
        ensure!(*name == self.name.as_str(), "{name} was {}", self.name);
        let calls = all(api, "calls")?;
        ensure!(calls.iter().all(|call| call["status"] == "hangup"), "a call that the power ended is still up");
        let there: BTreeSet<String> = calls.iter().map(id).collect::<Result<_>>()?;
        let missing: Vec<&String> = self.calls.difference(&there).collect();
        ensure!(missing.is_empty(), "{} calls are gone: {missing:?}", missing.len());
        for recording in all(api, "recordings")? {
            let id = id(&recording)?;
            if self.played.contains(&id) {
                continue;
            }
            ensure!(recording["status"] == "ended", "{recording}");
            if recording["metadata"]["stored"] == "" {
                ensure!(recording["metadata"]["failure"].is_string(), "{recording}");
                self.unwritten += 1;
            } else {
                let fetched = api.fetch_recording(&recording)?;
                ensure!(fetched.looked.codec == "pcm_s16le", "{recording}");
            }
            self.played.insert(id);
        }
        Ok(())
    }

    /// Calls come, and somebody sets something, for as long.
    fn work(&mut self, api: &Api, time: Duration) -> Result<sipp::Load> {
        let scenario = sipp::call("500", r#"<pause milliseconds="700"/>"#);
        let load = sipp::start(api, &scenario, &["-m", "100000", "-r", "6", "-l", CALLS])?;
        let until = Instant::now() + time;
        while Instant::now() < until {
            self.changes += 1;
            let name = format!("change {}", self.changes);
            api.put(&format!("/v1.0/tags/{}", self.tag), json!({ "name": name, "detail": "" }))?;
            self.name = name;
            let calls = api.get("/v1.0/calls?page_size=20")?;
            let over = calls["result"].as_array().into_iter().flatten().filter(|call| call["status"] == "hangup");
            self.calls.extend(over.map(id).collect::<Result<Vec<_>>>()?);
            wait::let_pass(Duration::from_millis(20));
        }
        Ok(load)
    }
}

#[test]
fn whoever_cuts_the_power_again_and_again_loses_nothing() -> Result<()> {
    let disk = Disk::fresh()?;
    let setup = Setup::new(&disk)?.word(format!("tandem.admin_password=\"{PASSWORD}\""));
    let (mut told, rounds) = (Told::default(), soak::of(10, 100));
    let update = Update::of_image(&Board::open(BOARD)?, &images::out(BOARD).join("disk.img"))?;
    let bundle: Arc<[u8]> = Update { build: update.build + 1, ..update }.seal(&[development_key()?])?.into();
    for round in 0..=rounds {
        let mut machine = Machine::boot(&setup)?;
        qemu::first_register(machine.sip(), LIMIT)?;
        machine.wait_for("tandem answers", LIMIT)?;
        let api = Api::new(machine.http(), machine.sip().port(), PASSWORD)?;
        if round == 0 {
            told.prepare(&api)?;
        }
        told.check(&api).with_context(|| format!("after cut {round}; the console:\n{}", machine.console()))?;
        if round < rounds {
            // Another moment in each round, and the same ones in each run.
            let writing = write_update(&machine, &api, &bundle)?;
            let load = told.work(&api, Duration::from_millis(400 + round * 7_919 % 2_600))?;
            machine.kill()?;
            load.kill();
            writing.join().expect("it only writes");
            let state = disk.state()?;
            ensure!((state.permanent(), state.on_trial()) == (Slot::A, None), "{state:?}");
        }
    }
    let (calls, played) = (told.calls.len(), told.played.len());
    println!(
        "{rounds} cuts, {calls} calls were told, {played} recordings play, {} were not written yet",
        told.unwritten
    );
    ensure!(calls > 2 * rounds as usize && played > rounds as usize, "too little happened to prove anything");
    Ok(())
}
