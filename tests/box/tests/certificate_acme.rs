//! Certificates of a real ACME server: by HTTP-01, by DNS-01 over a webhook, renewed by themselves, and what is said where there is none.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use box_tests::pebble::{self, Pebble};
use box_tests::web_server::{WebServer, give};
use box_tests::{Exchange, event_log, openssl, wait};
use serde_json::{Value, json};

const NAME: &str = "pbx.example.test";

fn start() -> Result<(Exchange, SocketAddr)> {
    let https = SocketAddr::from(([127, 0, 0, 1], ports::free(1)));
    let exchange = Exchange::start_as(|plan| plan.arguments = vec!["--https".into(), https.to_string()])?;
    Ok((exchange, https))
}

fn order(acme: &Pebble, more: Value) -> Result<Value> {
    let mut body = json!({
        "directory_url": acme.directory_url, "roots": acme.roots, "contact": "admin@example.test", "names": [NAME],
        "challenge": "http-01", "terms_of_service_agreed": true, "dns_wait": 0,
    });
    body.as_object_mut().context("an object")?.extend(more.as_object().context("an object")?.clone());
    Ok(body)
}

fn await_status(exchange: &Exchange, status: &str) -> Result<Value> {
    let found = wait::until(&format!("the order to be {status}"), || {
        exchange.get("/v1.0/certificate").ok().filter(|shown| shown["acme"]["status"] == status)
    });
    found.with_context(|| format!("{:?}", exchange.get("/v1.0/certificate")))
}

/// Whether the box shows one for that name, vouched for by this root.
fn is_shown(https: SocketAddr, root: &Path, name: &str) -> Result<bool> {
    let said = openssl::handshake(https, root, &["-servername", name, "-verify_hostname", name])?;
    Ok(said.contains("Verify return code: 0 (ok)"))
}

#[test]
fn the_web_port_proves_it_and_it_is_renewed_before_it_ends() -> Result<()> {
    let (exchange, https) = start()?;
    let acme = Pebble::start(exchange.http().port(), 9)?;
    // Nobody is where the name leads: the server says so, and the box says it.
    acme.tell_names("add-a", &json!({ "host": format!("{NAME}."), "addresses": ["127.0.0.2"] }))?;
    let asked = exchange.put("/v1.0/certificate/acme", order(&acme, json!({}))?)?;
    assert_eq!((&asked["origin"], &asked["acme"]["status"]), (&json!("own"), &json!("ordering")));
    let failed = await_status(&exchange, "failing")?;
    let failure = failed["acme"]["failure"].as_str().unwrap_or_default();
    ensure!(failure.contains(NAME) && failure.contains("acme:error:connection"), "in the server's words: {failure}");
    ensure!(failed["origin"] == "own" && failed["acme"]["tm_next"].is_string(), "{failed}");

    acme.tell_names("clear-a", &json!({ "host": format!("{NAME}.") }))?;
    exchange.put("/v1.0/certificate/acme", order(&acme, json!({}))?)?;
    let valid = await_status(&exchange, "valid")?;
    assert_eq!((&valid["origin"], &valid["names"]), (&json!("acme"), &json!([NAME])));
    let root = acme.root()?;
    ensure!(is_shown(https, &root, NAME)?, "it is shown to who asks for the name");
    let authority = tempfile::NamedTempFile::new()?;
    std::fs::write(authority.path(), ureq::get(exchange.url("/authority.pem")).call()?.body_mut().read_to_string()?)?;
    let own = openssl::handshake(https, authority.path(), &["-noservername", "-verify_ip", "127.0.0.1"])?;
    ensure!(own.contains("Verify return code: 0 (ok)"), "the box's own is shown to who comes by address: {own}");
    ensure!(is_shown(https, authority.path(), "tandem.local")?, "and to who asks for another name");

    // Six seconds later there is another one, and nobody did anything.
    let first = valid["fingerprint"].clone();
    wait::until("the renewal", || {
        exchange.get("/v1.0/certificate").ok().filter(|shown| shown["fingerprint"] != first)
    })?;
    ensure!(is_shown(https, &root, NAME)?, "the new one is shown");
    let told = event_log::read(&exchange)?;
    let of = |wanted: &str| {
        told.iter()
            .filter_map(|event| serde_json::to_value(event).ok())
            .filter(|event| event["type"] == "certificate_updated" && event["data"]["acme"]["status"] == wanted)
            .count()
    };
    ensure!(of("failing") == 1 && of("valid") >= 2, "{} and {}", of("failing"), of("valid"));

    // A restart asks the same server by the same account.
    let exchange = exchange.stop_and_restart()?;
    let again = await_status(&exchange, "valid")?;
    assert_eq!(again["acme"]["names"], json!([NAME]));
    let ended = exchange.delete("/v1.0/certificate/acme")?;
    assert_eq!((&ended["origin"], &ended["acme"]), (&json!("own"), &Value::Null));
    ensure!(!is_shown(https, &root, NAME)?, "what nobody wants is shown to nobody");
    let unknown = ureq::get(exchange.url("/.well-known/acme-challenge/nothing")).call();
    ensure!(matches!(unknown, Err(ureq::Error::StatusCode(404))), "{unknown:?}");
    for file in std::fs::read_dir(exchange.folder())?.flatten().filter(|file| file.path().is_file()) {
        let octets = std::fs::read(file.path())?;
        ensure!(!octets.windows(9).any(|part| part == b"key_pkcs8"), "a key lies open in {}", file.path().display());
    }
    Ok(())
}

#[test]
fn who_makes_records_proves_wildcards() -> Result<()> {
    let (exchange, https) = start()?;
    let acme = Pebble::start(exchange.http().port(), 3_600)?;
    let names = acme.names();
    let hook = WebServer::start(move |asked, connection| {
        let said: Value = serde_json::from_str(&asked.body).unwrap_or_default();
        let host = format!("{}.", said["name"].as_str().unwrap_or_default());
        let done = match said["action"].as_str() {
            Some("present") => pebble::tell(names, "set-txt", &json!({ "host": host, "value": said["value"] })),
            _ => pebble::tell(names, "clear-txt", &json!({ "host": host })),
        };
        give(connection, if done.is_ok() { 200 } else { 500 }, ("text/plain", b""))
    })?;
    let more = json!({
        "challenge": "dns-01", "names": ["*.example.test"], "dns_hook_url": hook.url("/dns"), "dns_hook_token": "open-sesame",
    });
    exchange.put("/v1.0/certificate/acme", order(&acme, more)?)?;
    let valid = await_status(&exchange, "valid")?;
    ensure!(!valid.to_string().contains("/dns") && !valid.to_string().contains("open-sesame"), "{valid}");
    let root = acme.root()?;
    ensure!(is_shown(https, &root, "a.example.test")? && is_shown(https, &root, "b.example.test")?);
    ensure!(!is_shown(https, &root, "a.b.example.test")?, "a wildcard is one label");
    let asked = hook.asked();
    let actions: Vec<Value> = asked
        .iter()
        .map(|asked| serde_json::from_str::<Value>(&asked.body).map(|said| said["action"].clone()))
        .collect::<Result<_, _>>()?;
    assert_eq!(actions, ["present", "cleanup"]);
    ensure!(asked.iter().all(|asked| asked.head.iter().any(|line| line == "authorization: Bearer open-sesame")));

    // A hook that does not do it is said to.
    let broken = WebServer::start(|_, connection| give(connection, 503, ("text/plain", b"")))?;
    let more = json!({ "challenge": "dns-01", "dns_hook_url": broken.url("/dns") });
    exchange.put("/v1.0/certificate/acme", order(&acme, more)?)?;
    let failed = await_status(&exchange, "failing")?;
    ensure!(failed["acme"]["failure"].as_str().is_some_and(|why| why.contains("DNS hook answers 503")), "{failed}");
    ensure!(failed["origin"] == "acme", "the one that is there counts on: {failed}");

    // A server that is none, and one that nobody vouches for.
    for (more, said) in [
        (json!({ "directory_url": format!("https://{https}/livez") }), "certificate"),
        (json!({ "roots": "" }), "certificate"),
    ] {
        exchange.put("/v1.0/certificate/acme", order(&acme, more)?)?;
        let failed = await_status(&exchange, "failing")?;
        ensure!(failed["acme"]["failure"].as_str().is_some_and(|why| why.contains(said)), "{failed}");
    }
    Ok(())
}
