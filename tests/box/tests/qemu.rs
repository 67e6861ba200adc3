//! The same call with the exchange inside the booted arm64 image: phones on the host, everything between them in the guest.
//! It speaks, and finds web servers by their names, without a library.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use box_tests::baresip::Setup;
use box_tests::name_server::NameServer;
use box_tests::sound::read_wav;
use box_tests::{Api, WebServer, wait, web_server};
use serde_json::json;

const PASSWORD: &str = "only for this test";
const BOOT: Duration = Duration::from_secs(60);

#[test]
fn phones_talk_through_the_image_and_it_speaks_to_them() -> Result<()> {
    // The machine's network has this host at 10.0.2.2.
    let names = NameServer::start(&["--host-record=web.test,10.0.2.2".into()])?;
    let disk = qemu::Disk::fresh()?;
    let setup = qemu::Setup::new(&disk)?.word(format!("tandem.admin_password={}", PASSWORD.replace(' ', "_")));
    let setup = setup.word(format!("tandem.nameservers=10.0.2.2:{}", names.address.port()));
    let mut machine = qemu::Machine::boot(&setup)?;
    machine.wait_for("tandem answers", BOOT)?;
    let exchange = Api::new(machine.http(), machine.sip().port(), &PASSWORD.replace(' ', "_"))?;
    exchange.add_extension("1001")?;
    exchange.add_extension("1002")?;
    let mut caller = Setup::new(&exchange, "1001").playing(440).start()?;
    let mut callee = Setup::new(&exchange, "1002").playing(1000).over_tcp().start()?;
    exchange.await_registrations("1001", 1)?;
    exchange.await_registrations("1002", 1)?;
    caller.dial("1002")?;
    callee.await_event("CALL_INCOMING")?;
    callee.command("accept", "")?;
    caller.await_event("CALL_ESTABLISHED")?;
    let up = |call: &serde_json::Value| call["direction"] == "incoming" && call["status"] == "progressing";
    let call = exchange.await_call("the call", up)?;
    let id = call["id"].as_str().context("a call has an id")?;
    let recording = exchange.record(id, json!({ "format": "mp3" }))?;
    wait::let_pass(Duration::from_secs(4));
    exchange.steer_recording(id, "stop")?;
    let recording = exchange.await_ended(&recording)?;
    assert_eq!(exchange.fetch_recording(&recording)?.looked.codec, "mp3", "its helper works as well");
    callee.command("hangup", "")?;
    caller.await_event("CALL_CLOSED")?;
    let over = |call: &serde_json::Value| call["direction"] == "incoming" && call["status"] == "hangup";
    let call = exchange.await_call("the record of the ended call", over)?;
    assert_eq!((&call["hangup_by"], &call["hangup_reason"]), (&"local".into(), &"normal".into()), "{call}");
    caller.heard()?.assert_tone(1000);
    callee.heard()?.assert_tone(440);
    hear_it_speak(&exchange)?;
    machine.power_button()?;
    machine.wait_off(BOOT)?;
    Ok(())
}

/// Calls a number that tells a web server and then says something.
fn hear_it_speak(exchange: &Api) -> Result<()> {
    const TEXT: &str = "This is the box. Nobody is in the office.";
    let server = WebServer::start(|_, connection| web_server::give(connection, 200, ("text/plain", b"noted")))?;
    let uri = format!("http://web.test:{}/told", server.address.port());
    let actions = json!([
        { "type": "answer" },
        { "type": "webhook_send", "option": { "sync": true, "uri": uri, "data": "${voipbin.call.source.target}" } },
        { "type": "talk", "option": { "text": TEXT, "language": "en-US" } },
    ]);
    exchange.add_number("500", actions)?;
    let mut caller = Setup::new(exchange, "1001").playing(440).at_loudness(0.1).start()?;
    caller.await_registered()?;
    caller.dial("500")?;
    caller.await_event("CALL_CLOSED")?;
    let told: Vec<String> = server.asked().into_iter().map(|asked| asked.body).collect();
    assert_eq!(told, ["1001"], "it was found by its name");
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("spoken.wav");
    let said = std::process::Command::new("flite").args(["-voice", "kal", "-t", TEXT, "-o"]).arg(&path).status();
    ensure!(said.context("flite is installed by tests/setup.sh")?.success());
    let heard = caller.heard()?;
    let (at, likeness) = heard.find(&read_wav(&path)?);
    assert!(likeness > 0.9, "the box was not heard: {likeness:.2} at {at:.1} s of {:.1} s", heard.seconds());
    Ok(())
}
