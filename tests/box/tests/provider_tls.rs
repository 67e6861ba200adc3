//! Providers over TLS: a real kamailio, found by NAPTR and SRV, known by its certificate; and those that are not who they have to be.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use box_tests::baresip::Setup;
use box_tests::certificates::Certificates;
use box_tests::kamailio::{self, PASSWORD};
use box_tests::name_server::NameServer;
use box_tests::{Exchange, Kamailio, event_log, wait};
use serde_json::{Value, json};

const DOMAIN: &str = "provider.test";

/// Certificates, and whom they are shown by.
struct Telco {
    certificates: Certificates,
    address: SocketAddr,
    /// The first of the ports over TLS.
    tls: u16,
    shown: &'static [&'static str],
}

impl Telco {
    fn new(shown: &'static [&'static str]) -> Result<Telco> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, ports::free(2)));
        Ok(Telco { certificates: Certificates::make()?, address, tls: ports::free(8), shown })
    }

    fn start(&self) -> Result<Kamailio> {
        let of = |(index, name): (usize, &&str)| {
            (self.tls + index as u16, self.certificates.certificate(name), self.certificates.key(name))
        };
        let tls: Vec<_> = self.shown.iter().enumerate().map(of).collect();
        Kamailio::start_with(self.address, &tls)
    }

    /// The name leads to the first of the ports, as RFC 3263 has it.
    fn names(&self) -> Result<NameServer> {
        NameServer::start(&[
            format!("--naptr-record={DOMAIN},10,50,s,SIPS+D2T,,_sips._tcp.{DOMAIN}"),
            format!("--naptr-record={DOMAIN},20,50,s,SIP+D2U,,_sip._udp.{DOMAIN}"),
            format!("--srv-host=_sips._tcp.{DOMAIN},sbc.{DOMAIN},{}", self.tls),
            format!("--srv-host=_sip._udp.{DOMAIN},sbc.{DOMAIN},{}", self.address.port()),
            format!("--host-record=sbc.{DOMAIN},127.0.0.1"),
            format!("--host-record={DOMAIN},127.0.0.1"),
        ])
    }
}

fn start(names: &NameServer) -> Result<Exchange> {
    Exchange::start_as(|plan| plan.arguments = names.options().to_vec())
}

fn provider(exchange: &Exchange, more: Value) -> Result<String> {
    let register = json!({ "username": "box", "password": PASSWORD, "expires": 600 });
    let mut body = json!({ "hostname": DOMAIN, "register": register, "targets": ["all"] });
    body.as_object_mut().context("an object")?.extend(more.as_object().context("an object")?.clone());
    let made = exchange.post("/v1.0/providers/setup", body)?;
    Ok(made["id"].as_str().context("an id")?.to_owned())
}

#[test]
fn calls_go_both_ways_over_one_connection_that_comes_back() -> Result<()> {
    let telco = Telco::new(&["provider-uri"])?;
    let (world, names) = (telco.start()?, telco.names()?);
    let exchange = start(&names)?;
    let roots = json!({ "tls_roots": telco.certificates.authority()?, "encryption": "required" });
    let id = provider(&exchange, roots)?;
    let known = kamailio::await_registered(&exchange, &id)?;
    assert_eq!((&known["transport"], &known["metadata"]["trouble"]), (&Value::Null, &json!("")));
    let mut alice = Setup::new(&exchange, "1001").playing(440).registered(&exchange)?;
    let mut bob = Setup { encryption: "srtp-mand", ..world.setup(&exchange, "+4930999") }.start()?;
    bob.await_registered()?;
    alice.dial("+4930999")?;
    bob.await_event("CALL_INCOMING")?;
    bob.command("accept", "")?;
    alice.await_event("CALL_ESTABLISHED")?;
    wait::let_pass(Duration::from_secs(2));
    alice.command("hangup", "")?;
    bob.await_event("CALL_CLOSED")?;
    let call = exchange.await_call("the call", |call| call["direction"] == "outgoing" && call["status"] == "hangup")?;
    let metadata = &call["metadata"];
    assert_eq!(metadata["peer"], format!("tls 127.0.0.1:{}", telco.tls));
    ensure!(metadata["encryption"].is_string(), "it is encrypted: {metadata}");

    // What calls us comes along the connection that we hold: there is no other way in.
    let to = json!([{ "type": "extension", "target": "1001" }]);
    let actions = json!([{ "type": "answer" }, { "type": "connect", "option": { "destinations": to } }]);
    exchange.add_number("+4930500", actions)?;
    let ring_us = |bob: &mut box_tests::Phone, alice: &mut box_tests::Phone| -> Result<()> {
        bob.dial("+4930500")?;
        alice.await_event("CALL_INCOMING")?;
        alice.command("accept", "")?;
        bob.await_event("CALL_ESTABLISHED")?;
        wait::let_pass(Duration::from_secs(1));
        bob.command("hangup", "")?;
        alice.await_event("CALL_CLOSED").map(drop)
    };
    ring_us(&mut bob, &mut alice)?;
    let call =
        exchange.await_call("the call", |call| call["direction"] == "incoming" && call["source"]["type"] == "tel")?;
    assert_eq!(call["metadata"]["peer"], format!("tls 127.0.0.1:{}", telco.tls));

    // It ends; the box notices by itself, and is there again.
    drop((world, bob));
    let failing = |known: Value| (known["metadata"]["trouble"] != "").then_some(known);
    let path = format!("/v1.0/providers/{id}");
    let gone = wait::until("the box to notice", || exchange.get(&path).ok().and_then(failing))?;
    assert_eq!(gone["metadata"]["trouble"], "nobody listens for TLS there", "{gone}");
    let world = telco.start()?;
    kamailio::await_registered(&exchange, &id)?;
    let mut bob = Setup { encryption: "srtp-mand", ..world.setup(&exchange, "+4930998") }.start()?;
    bob.await_registered()?;
    ring_us(&mut bob, &mut alice)?;
    assert_eq!(exchange.get(&path)?["metadata"]["trouble"], "");
    ensure!(alice.heard()?.share_of(1_300.0) > 0.3, "the world is heard");
    exchange.assert_no_errors();
    Ok(())
}

#[test]
fn who_is_not_who_it_has_to_be_gets_nothing_and_the_next_is_tried() -> Result<()> {
    let telco = Telco::new(&["provider", "provider-expired", "provider-elsewhere", "provider-unknown"])?;
    let (world, names) = (telco.start()?, telco.names()?);
    let exchange = start(&names)?;
    let authority = telco.certificates.authority()?;
    let plain = telco.address.port();
    let mut wrong = Vec::new();
    for (priority, (port, said)) in [
        (telco.tls + 1, "its certificate has expired on 20"),
        (telco.tls + 2, "its certificate is not for provider.test, but for"),
        (telco.tls + 3, "nobody who is trusted has signed its certificate"),
        (plain, "it takes too long to agree on TLS"),
        (ports::free(1), "nobody listens for TLS there"),
    ]
    .into_iter()
    .enumerate()
    {
        let more =
            json!({ "name": said, "port": port, "transport": "tls", "tls_roots": authority, "priority": priority });
        wrong.push((provider(&exchange, more)?, said));
    }
    for (id, said) in &wrong {
        let known = wait::until(said, || {
            let known = exchange.get(&format!("/v1.0/providers/{id}")).ok()?;
            (known["metadata"]["trouble"] != "").then_some(known)
        })?;
        let trouble = known["metadata"]["trouble"].as_str().unwrap_or_default();
        ensure!(trouble.starts_with(said), "{said}: {known}");
        wait::until("the registration to fail", || {
            let known = exchange.get(&format!("/v1.0/providers/{id}")).ok()?;
            (known["metadata"]["registration"]["status"] == "failing").then_some(())
        })?;
    }
    // Whoever vouches for everybody on the web does not for these.
    let last = json!({ "port": telco.tls, "transport": "tls", "tls_roots": authority, "priority": 9 });
    let right = provider(&exchange, last)?;
    kamailio::await_registered(&exchange, &right)?;
    let mut bob = world.somebody(&exchange, "+4930999")?;
    let mut alice = Setup::new(&exchange, "1001").registered(&exchange)?;
    // One that nobody has asked yet how it is: those that are known not to be there come last.
    let (said, next) = (wrong[0].1, telco.tls + 1);
    provider(&exchange, json!({ "port": next, "transport": "tls", "tls_roots": authority, "register": null }))?;
    alice.dial("+4930999")?;
    bob.await_event("CALL_INCOMING")?;
    bob.command("accept", "")?;
    alice.await_event("CALL_ESTABLISHED")?;
    alice.command("hangup", "")?;
    let call = exchange.await_call("the call", |call| call["direction"] == "outgoing" && call["status"] == "hangup")?;
    let master = call["master_call_id"].as_str().unwrap_or_default();
    let ladder = exchange.get(&format!("/v1.0/calls/{master}/sequence"))?.to_string();
    ensure!(ladder.contains(said) && ladder.contains("left for the next one"), "{said} is not in {ladder}");
    let told = event_log::read(&exchange)?;
    for (id, said) in &wrong {
        let is_told = told.iter().any(|event| {
            let event = serde_json::to_value(event).unwrap_or_default();
            event["type"] == "provider_updated"
                && event["data"]["id"] == **id
                && event["data"]["metadata"]["trouble"].as_str().is_some_and(|trouble| trouble.starts_with(said))
        });
        ensure!(is_told, "no event says of it: {said}");
    }
    let refused = exchange.put(&format!("/v1.0/providers/{right}"), json!({ "tls_roots": "trust me" }));
    ensure!(refused.is_err_and(|error| error.to_string().contains("tls_roots")));
    exchange.assert_no_errors();
    Ok(())
}
