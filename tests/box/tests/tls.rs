//! SIP and the page over TLS: real phones, openssl and curl, by the box's own authority and by a certificate that it is given.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use box_tests::baresip::Setup;
use box_tests::{Exchange, ports, wait};
use serde_json::json;

struct Secured {
    exchange: Exchange,
    https: SocketAddr,
    sips: SocketAddr,
    authority: PathBuf,
    _home: tempfile::TempDir,
}

/// An exchange that speaks TLS, and the authority it says is to be trusted.
fn start() -> Result<Secured> {
    let (https, sips) = (ports::free(1), ports::free(1));
    let at = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
    let exchange = Exchange::start_as(|plan| {
        plan.arguments = vec!["--https".into(), at(https).to_string(), "--sips".into(), at(sips).to_string()];
    })?;
    let home = tempfile::tempdir()?;
    let authority = home.path().join("authority.pem");
    let said = ureq::get(exchange.url("/authority.pem")).call()?.body_mut().read_to_string()?;
    std::fs::write(&authority, said)?;
    Ok(Secured { exchange, https: at(https), sips: at(sips), authority, _home: home })
}

/// What openssl says of a handshake.
fn handshake(to: SocketAddr, authority: &Path, more: &[&str]) -> Result<String> {
    let output = Command::new("openssl")
        .args(["s_client", "-connect", &to.to_string(), "-verify_return_error", "-CAfile"])
        .arg(authority)
        .args(more)
        .stdin(Stdio::null())
        .output()
        .context("openssl cannot be run")?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr))
}

fn curl(authority: &Path, url: &str, more: &[&str]) -> Result<(bool, String)> {
    let output = Command::new("curl")
        .args(["--silent", "--show-error", "--include", "--noproxy", "*", "--cacert"])
        .arg(authority)
        .args(more)
        .arg(url)
        .output()
        .context("curl cannot be run")?;
    let said = [output.stdout, output.stderr].concat();
    Ok((output.status.success(), String::from_utf8_lossy(&said).into_owned()))
}

#[test]
fn a_phone_over_tls_and_one_without_hear_each_other() -> Result<()> {
    let secured = start()?;
    let exchange = &secured.exchange;
    let mut caller = Setup { encryption: "srtp", ..Setup::new(exchange, "1001") }
        .over_tls(secured.sips, secured.authority.clone())
        .playing(500)
        .registered(exchange)?;
    let mut callee = Setup::new(exchange, "1002").playing(900).answering().registered(exchange)?;
    let registered = exchange.registrations("1001")?;
    ensure!(registered[0].to_string().contains("tls"), "it is registered over TLS: {registered:?}");
    caller.dial("1002")?;
    caller.await_event("CALL_ESTABLISHED")?;
    wait::let_pass(std::time::Duration::from_secs(2));
    caller.command("hangup", "")?;
    callee.await_event("CALL_CLOSED")?;
    let of = |direction: &'static str| {
        exchange.await_call("the call", move |call| call["direction"] == direction && call["status"] == "hangup")
    };
    let (inward, outward) = (of("incoming")?, of("outgoing")?);
    let suites = (&inward["metadata"]["encryption"], &outward["metadata"]["encryption"]);
    assert!(suites.0.is_string() && suites.1.is_null(), "encrypted where SIP is: {suites:?}");
    // The other way the box has to use the connection that the phone holds.
    let mut held =
        Setup::new(exchange, "1003").over_tls(secured.sips, secured.authority.clone()).registered(exchange)?;
    let mut back = Setup::new(exchange, "1004").registered(exchange)?;
    back.dial("1003")?;
    held.await_event("CALL_INCOMING")?;
    held.command("accept", "")?;
    back.await_event("CALL_ESTABLISHED")?;
    back.command("hangup", "")?;
    held.await_event("CALL_CLOSED")?;
    assert!(caller.heard()?.share_of(900.0) > 0.3);
    assert!(callee.heard()?.share_of(500.0) > 0.3);
    exchange.assert_no_errors();
    Ok(())
}

#[test]
fn only_the_versions_that_count_are_spoken_and_only_for_whom_the_certificate_is() -> Result<()> {
    let Secured { exchange, https, sips, authority, _home } = start()?;
    for to in [https, sips] {
        for version in ["-tls1_2", "-tls1_3"] {
            let said = handshake(to, &authority, &[version, "-verify_ip", "127.0.0.1"])?;
            assert!(said.contains("Verify return code: 0 (ok)"), "{said}");
        }
        let said = handshake(to, &authority, &["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"])?;
        assert!(said.contains("alert") || said.contains("unsupported protocol"), "{said}");
        let said = handshake(to, &authority, &["-verify_hostname", "somebody.else"])?;
        assert!(said.contains("hostname mismatch"), "{said}");
        let said = handshake(to, &authority, &["-verify_hostname", "tandem.local"])?;
        assert!(said.contains("Verify return code: 0 (ok)"), "{said}");
    }
    let (worked, said) = curl(&authority, &format!("https://{https}/healthz"), &[])?;
    assert!(worked && said.starts_with("HTTP/1.1 200"), "{said}");
    let body = json!({ "username": "admin", "password": box_tests::exchange::ADMIN_PASSWORD }).to_string();
    let head = ["--data", &body, "--header", "content-type: application/json"];
    let (_, said) = curl(&authority, &format!("https://{https}/auth/login"), &head)?;
    assert!(said.contains("; Secure"), "the cookie goes by HTTPS alone: {said}");
    // What is no TLS, and what ends in the middle of it, holds nobody up.
    let (worked, _) = curl(&authority, &format!("http://{https}/healthz"), &[])?;
    assert!(!worked);
    exchange.assert_no_errors();
    Ok(())
}

#[test]
fn a_certificate_that_is_given_is_shown_at_once_and_taken_back() -> Result<()> {
    let Secured { exchange, https, sips, authority, _home } = start()?;
    let folder = tempfile::tempdir()?;
    let (key, chain) = (folder.path().join("key.pem"), folder.path().join("chain.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=pbx.example.com"])
        .args(["-addext", "subjectAltName=DNS:pbx.example.com", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&chain)
        .output()?;
    ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let given = json!({
        "certificate": std::fs::read_to_string(&chain)?,
        "private_key": std::fs::read_to_string(&key)?,
    });
    let shown = exchange.put("/v1.0/certificate", given)?;
    assert_eq!((&shown["origin"], &shown["names"]), (&json!("given"), &json!(["pbx.example.com"])));
    for to in [https, sips] {
        let said = handshake(to, &chain, &["-verify_hostname", "pbx.example.com"])?;
        assert!(said.contains("Verify return code: 0 (ok)"), "{said}");
    }
    let shown = exchange.delete("/v1.0/certificate")?;
    assert_eq!(shown["origin"], "own");
    let said = handshake(sips, &authority, &["-verify_ip", "127.0.0.1"])?;
    assert!(said.contains("Verify return code: 0 (ok)"), "{said}");
    let refused = exchange.put("/v1.0/certificate", json!({ "certificate": "x", "private_key": "y" }));
    let refused = refused.expect_err("it is none").to_string();
    assert!(refused.contains("certificate"), "{refused}");
    exchange.assert_no_errors();
    Ok(())
}
