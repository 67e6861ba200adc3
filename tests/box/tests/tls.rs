//! SIP and the page over TLS: real phones, openssl and curl, by the box's own authority and by a certificate that it is given.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use box_tests::baresip::Setup;
use box_tests::openssl::handshake;
use box_tests::{Exchange, wait};
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
        let said = handshake(to, &chain, &["-servername", "pbx.example.com", "-verify_hostname", "pbx.example.com"])?;
        assert!(said.contains("Verify return code: 0 (ok)"), "{said}");
    }
    // Who comes by an address is shown the box's own, which is for addresses.
    let said = handshake(https, &authority, &["-noservername", "-verify_ip", "127.0.0.1"])?;
    assert!(said.contains("Verify return code: 0 (ok)"), "{said}");
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

#[test]
fn a_scanner_finds_nothing_old_and_nothing_weak() -> Result<()> {
    let Secured { exchange, https, sips, .. } = start()?;
    for to in [https, sips] {
        // The groups are not asked for: it waits three seconds for each that there is not.
        let output = Command::new("sslscan")
            .args(["--no-colour", "--no-failed", "--no-groups", &to.to_string()])
            .output()
            .context("sslscan cannot be run")?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        for (version, is_spoken) in [
            ("SSLv2", false),
            ("SSLv3", false),
            ("TLSv1.0", false),
            ("TLSv1.1", false),
            ("TLSv1.2", true),
            ("TLSv1.3", true),
        ] {
            let word = if is_spoken { "enabled" } else { "disabled" };
            let line = said.lines().find(|line| line.starts_with(version)).unwrap_or_default();
            ensure!(line.ends_with(word), "{version} is to be {word}: {said}");
        }
        let suites: Vec<&str> =
            said.lines().filter(|line| line.starts_with("Preferred") || line.starts_with("Accepted")).collect();
        let is_strong = |suite: &&str| {
            let seals = suite.contains("_GCM_") || suite.contains("-GCM-") || suite.contains("CHACHA20");
            let forgets = suite.contains("TLSv1.3") || suite.contains("ECDHE-");
            seals && forgets && (suite.contains(" 128 bits ") || suite.contains(" 256 bits "))
        };
        ensure!(suites.len() == 6 && suites.iter().all(is_strong), "{suites:#?}");
        ensure!(!said.contains("vulnerable to heartbleed") || said.contains("not vulnerable to heartbleed"), "{said}");
        ensure!(said.contains("Session renegotiation not supported"), "{said}");
    }
    exchange.assert_no_errors();
    Ok(())
}

/// The first words of a client, as openssl says them.
fn client_hello() -> Result<Vec<u8>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut client = Command::new("openssl")
        .args(["s_client", "-connect", &listener.local_addr()?.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let (mut stream, _) = listener.accept()?;
    let mut head = [0; 5];
    stream.read_exact(&mut head)?;
    let mut body = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
    stream.read_exact(&mut body)?;
    client.kill()?;
    client.wait()?;
    Ok(body)
}

/// A record of a handshake.
fn record(body: &[u8]) -> Vec<u8> {
    [&[0x16, 3, 1][..], &(body.len() as u16).to_be_bytes(), body].concat()
}

fn connect(to: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(to)?;
    stream.set_read_timeout(Some(wait::PATIENCE))?;
    stream.set_write_timeout(Some(wait::PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

#[test]
fn a_hello_in_pieces_is_understood_and_one_without_an_end_is_cut_off() -> Result<()> {
    let Secured { exchange, https, sips, authority, _home } = start()?;
    let hello = client_hello()?;
    let before = exchange.process.resident();
    for to in [https, sips] {
        // An octet in each record.
        let mut stream = connect(to)?;
        stream.write_all(&hello.iter().flat_map(|octet| record(&[*octet])).collect::<Vec<u8>>())?;
        let mut first = [0];
        stream.read_exact(&mut first)?;
        assert_eq!(first[0], 0x16, "it goes on with the handshake");

        // It says that sixteen megabytes come, and they come; many at once.
        let endless = |_| -> Result<usize> {
            let mut stream = connect(to)?;
            let mut sent = 0;
            let mut piece = record(&[&[1, 0xff, 0xff, 0xff][..], &[0; 16_000]].concat());
            while sent < 16 << 20 {
                if stream.write_all(&piece).is_err() {
                    return Ok(sent);
                }
                sent += piece.len();
                piece = record(&[0; 16_000]);
            }
            Ok(sent)
        };
        let sent: Vec<usize> = (0..40).map(endless).collect::<Result<_>>()?;
        ensure!(sent.iter().all(|sent| *sent < 8 << 20), "somebody listened to all of it: {sent:?}");
        // Those who begin and say no more hold nobody up.
        let silent: Vec<TcpStream> = (0..100).map(|_| connect(to)).collect::<Result<_>>()?;
        for mut stream in &silent {
            stream.write_all(&record(&hello)[..20])?;
        }
        let said = handshake(to, &authority, &["-verify_ip", "127.0.0.1"])?;
        ensure!(said.contains("Verify return code: 0 (ok)"), "{said}");
        // Neither does what is no TLS.
        let mut stream = connect(to)?;
        stream.write_all(b"OPTIONS sip:tandem SIP/2.0\r\n\r\n")?;
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        ensure!(rest.first() != Some(&b'S'), "nothing is answered in clear");
    }
    let after = exchange.process.resident();
    ensure!(after < before + (24 << 20), "it has grown from {before} to {after} octets");
    // The endless ones, and those in clear.
    let cut = exchange.metric("sip_connections_cut_total")?;
    let refused = exchange.metric("https_handshakes_refused_total")?;
    ensure!(cut >= 41 && refused >= 41, "{cut} and {refused} connections were counted as cut off");
    exchange.assert_no_errors();
    Ok(())
}
