//! The box among real servers: one that says where it is seen, one that knows names, providers over TCP and over IPv6.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result};
use box_tests::baresip::Setup;
use box_tests::kamailio::PASSWORD;
use box_tests::name_server::NameServer;
use box_tests::stun_server::StunServer;
use box_tests::{Exchange, Kamailio, WebServer, wait, web_server};
use serde_json::{Value, json};

#[test]
fn a_stun_server_that_is_found_by_its_name_says_where_the_box_is() -> Result<()> {
    let server = StunServer::start()?;
    let names = NameServer::start(&["--host-record=stun.test,127.0.0.1".into()])?;
    let exchange = Exchange::start_as(|plan| {
        plan.arguments = vec!["--advertise".into(), format!("stun:stun.test:{}", server.address.port())];
        plan.arguments.extend(names.options());
    })?;
    let seen = wait::until("the box to know where it is", || {
        let shown = exchange.get("/v1.0/box").ok()?;
        shown["sip"]["public_address"].as_str().map(str::to_string)
    })?;
    assert_eq!(seen, exchange.sip_address().to_string());
    exchange.assert_no_errors();
    Ok(())
}

/// Registers with a provider, and calls somebody over it.
fn call_over(exchange: &Exchange, provider: &Kamailio, data: Value) -> Result<String> {
    let mut data = data;
    data["register"] = json!({ "realm": "provider", "username": "box", "password": PASSWORD, "expires": 600 });
    let made = exchange.post("/v1.0/providers", data)?;
    let id = made["id"].as_str().context("an id")?;
    exchange.post("/v1.0/routes", json!({ "provider_id": id, "target": "+49" }))?;
    wait::until("the registration", || {
        let provider = exchange.get(&format!("/v1.0/providers/{id}")).ok()?;
        (provider["metadata"]["registration"]["status"] == "registered").then_some(())
    })?;
    let world = Setup { password: PASSWORD.into(), registrar: provider.address, ..Setup::new(exchange, "+4930999") };
    let mut world = Setup { host: provider.address.ip(), ..world.playing(1_300).answering() }.start()?;
    world.await_registered()?;
    exchange.add_extension("1001")?;
    let mut alice = Setup::new(exchange, "1001").playing(440).start()?;
    exchange.await_registrations("1001", 1)?;
    alice.dial("+4930999")?;
    alice.await_event("CALL_ESTABLISHED")?;
    wait::let_pass(Duration::from_secs(2));
    alice.command("hangup", "")?;
    world.await_event("CALL_CLOSED")?;
    let over = |call: &Value| call["direction"] == "outgoing" && call["status"] == "hangup";
    let call = exchange.await_call("the call", over)?;
    alice.heard()?.assert_tone(1_300);
    world.heard()?.assert_tone(440);
    exchange.assert_no_errors();
    let master = call["master_call_id"].as_str().unwrap_or_default();
    Ok(exchange.get(&format!("/v1.0/calls/{master}/sequence"))?.to_string())
}

#[test]
fn a_provider_is_found_by_its_services_and_called_over_tcp() -> Result<()> {
    let provider = Kamailio::start()?;
    let port = provider.address.port();
    let names = NameServer::start(&[
        "--naptr-record=provider.test,10,10,s,SIP+D2T,,_sip._tcp.provider.test".into(),
        format!("--srv-host=_sip._tcp.provider.test,first.provider.test,{port},10,60"),
        format!("--srv-host=_sip._tcp.provider.test,second.provider.test,{port},10,40"),
        "--srv-host=_sip._tcp.provider.test,nobody.provider.test,9,20,0".into(),
        "--host-record=first.provider.test,127.0.0.1".into(),
        "--host-record=second.provider.test,127.0.0.1".into(),
        "--host-record=nobody.provider.test,127.0.0.1".into(),
    ])?;
    let exchange = Exchange::start_as(|plan| plan.arguments = names.options().into())?;
    let ladder = call_over(&exchange, &provider, json!({ "name": "World", "hostname": "provider.test" }))?;
    for words in [format!("TCP {}", provider.address), "SIP/2.0/TCP".into()] {
        assert!(ladder.to_uppercase().contains(&words), "{words} is not in {ladder}");
    }
    Ok(())
}

#[test]
fn a_provider_is_called_over_ipv6() -> Result<()> {
    let provider = Kamailio::start_at(Ipv6Addr::LOCALHOST.into())?;
    let exchange = Exchange::start_as(|plan| plan.host = IpAddr::from(Ipv6Addr::LOCALHOST))?;
    let at = json!({ "name": "World", "hostname": provider.address.ip(), "port": provider.address.port() });
    let ladder = call_over(&exchange, &provider, at)?;
    assert!(ladder.contains("c=IN IP6 ::1") && !ladder.contains("c=IN IP4"), "{ladder}");
    Ok(())
}

#[test]
fn web_servers_are_found_by_their_names_and_nobody_gets_near_by_one() -> Result<()> {
    let server = WebServer::start(|_, connection| web_server::give(connection, 200, ("text/plain", b"noted")))?;
    let names = NameServer::start(&["--host-record=web.test,127.0.0.1".into()])?;
    let own = SocketAddr::from((Ipv4Addr::LOCALHOST, server.address.port())).to_string();
    let exchange = Exchange::start_as(|plan| {
        plan.arguments = vec!["--own-web-servers".into(), own];
        plan.arguments.extend(names.options());
    })?;
    let tell = |port: u16, host: &str| {
        let option = json!({ "sync": true, "uri": format!("http://{host}:{port}/told"), "data": "x" });
        json!({ "actions": [{ "type": "webhook_send", "option": option }] })
    };
    exchange.post("/v1.0/activeflows", tell(server.address.port(), "web.test"))?;
    wait::until("the web server to be told", || (server.asked().len() == 1).then_some(()))?;
    // Another port of this machine was not named, whatever it is called; and a name that is nobody's is none.
    exchange.post("/v1.0/activeflows", tell(9, "web.test"))?;
    exchange.post("/v1.0/activeflows", tell(server.address.port(), "nobody.test"))?;
    wait::until("all flows to end", || {
        let flows = exchange.get("/v1.0/activeflows").ok()?;
        let ended = flows["result"].as_array()?.iter().filter(|flow| flow["status"] == "ended").count();
        (ended == 3).then_some(())
    })?;
    assert_eq!(server.asked().len(), 1);
    exchange.assert_no_errors();
    Ok(())
}
