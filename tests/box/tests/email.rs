//! E-mails of flows, over a real mail server: with the recording of the call as attachment, and while the server is away.

use std::time::Duration;

use anyhow::{Context, Result};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use box_tests::baresip::Setup;
use box_tests::name_server::NameServer;
use box_tests::{Exchange, MailServer, wait};
use serde_json::{Value, json};

fn exchange_with(server: &str, more: &[String]) -> Result<Exchange> {
    Exchange::start_as(|plan| {
        let url = format!("smtp://{server}");
        plan.arguments = ["--smtp-url", &url, "--smtp-from", "Reception <box@example.com>"].map(String::from).into();
        plan.arguments.extend_from_slice(more);
    })
}

fn email(recordings: Value) -> Value {
    json!({ "type": "email_send", "option": {
        "destinations": [{ "type": "email", "target": "ada@example.com" }],
        "subject": "Grüße von ${voipbin.call.source.target}",
        "content": "It is attached.",
        "attachments": recordings,
    } })
}

#[test]
fn a_message_left_on_the_telephone_comes_by_mail() -> Result<()> {
    let server = MailServer::start_at(MailServer::free_address())?;
    let exchange = exchange_with(&server.address.to_string(), &[])?;
    let attached = json!([{ "reference_type": "recording", "reference_id": "${voipbin.recording.id}" }]);
    let actions = json!([
        { "type": "answer" },
        { "type": "record_start", "option": { "format": "mp3", "duration": 60 } },
        { "type": "sleep", "option": { "duration": 1500 } },
        { "type": "record_stop" },
        email(attached),
        { "type": "hangup" },
    ]);
    exchange.add_number("500", actions)?;
    let mut caller = Setup::new(&exchange, "1001").registered(&exchange)?;
    caller.dial("500")?;
    caller.await_event("CALL_CLOSED")?;
    let mail = server.await_mail()?;
    for line in ["From: Reception <box@example.com>", "To: ada@example.com", "Content-Type: multipart/mixed"] {
        assert!(mail.contains(line), "{line} is not in {mail}");
    }
    assert!(mail.contains("Subject: =?utf-8?b?"), "it is no ASCII: {mail}");
    assert!(mail.contains("It is attached."), "{mail}");
    let recordings = exchange.get("/v1.0/recordings")?;
    let id = recordings["result"][0]["id"].as_str().context("there is a recording")?;
    let (_, part) = mail.split_once(&format!("filename=\"recording-{}.mp3\"", &id[..8])).context("it is attached")?;
    let (_, body) = part.split_once("\n\n").context("a part has a head and a body")?;
    let body: String = body.lines().take_while(|line| !line.starts_with("--")).collect();
    let octets = BASE64_STANDARD.decode(body.trim())?;
    let expected = recordings["result"][0]["metadata"]["octets"].as_u64();
    assert_eq!(Some(octets.len() as u64), expected, "the whole file");
    assert!(octets.starts_with(b"ID3") || octets[0] == 0xFF, "it is an MP3");
    exchange.assert_no_errors();
    Ok(())
}

#[test]
fn a_mail_server_that_is_away_gets_it_when_it_is_back() -> Result<()> {
    let address = MailServer::free_address();
    let names = NameServer::start(&["--host-record=mail.test,127.0.0.1".into()])?;
    let nameservers = ["--nameservers".to_string(), names.address.to_string()];
    let exchange = exchange_with(&format!("mail.test:{}", address.port()), &nameservers)?;
    exchange.add_number("500", json!([email(json!([])), { "type": "sleep", "option": { "duration": 60000 } }]))?;
    let mut caller = Setup::new(&exchange, "1001").registered(&exchange)?;
    caller.dial("500")?;
    // Nobody is there for the first attempt.
    wait::let_pass(Duration::from_millis(1_500));
    let server = MailServer::start_at(address)?;
    let mail = server.await_mail()?;
    assert!(mail.contains("It is attached.") && !mail.contains("multipart"), "{mail}");
    exchange.assert_no_errors();
    Ok(())
}
