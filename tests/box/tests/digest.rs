//! Which digest algorithms phones are offered, as flag, variable and key say.

use std::net::UdpSocket;

use anyhow::Result;
use box_tests::baresip::Setup;
use box_tests::{Exchange, wait};

/// The algorithms of the challenges to a REGISTER, in their order.
fn offered(exchange: &Exchange) -> Result<Vec<String>> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.set_read_timeout(Some(wait::PATIENCE))?;
    let port = socket.local_addr()?.port();
    let register = format!(
        "REGISTER sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bKd{port};rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:1001@127.0.0.1>;tag=1\r\nTo: <sip:1001@127.0.0.1>\r\nCall-ID: d{port}\r\n\
         CSeq: 1 REGISTER\r\nContact: <sip:1001@127.0.0.1:{port}>\r\nContent-Length: 0\r\n\r\n"
    );
    socket.send_to(register.as_bytes(), ("127.0.0.1", exchange.sip))?;
    let mut answer = [0; 4096];
    let length = socket.recv(&mut answer)?;
    let text = String::from_utf8_lossy(&answer[..length]).into_owned();
    let words = text.split(['\r', '\n', ',', ' ']).filter_map(|word| word.strip_prefix("algorithm="));
    Ok(words.map(str::to_string).collect())
}

#[test]
fn the_flag_chooses_and_a_phone_without_any_of_them_stays_out() -> Result<()> {
    let exchange = Exchange::start_as(|plan| plan.arguments = vec!["--digest".into(), "sha-512-256,sha-256".into()])?;
    exchange.add_extension("1001")?;
    assert_eq!(offered(&exchange)?, ["SHA-512-256", "SHA-256"]);
    // This baresip knows MD5 alone.
    let phone = Setup::new(&exchange, "1001").start()?;
    wait::until("the phone to give up", || {
        phone.process.said().iter().any(|line| line.contains("401 Unauthorized")).then_some(())
    })?;
    wait::let_pass(std::time::Duration::from_secs(1));
    assert_eq!(exchange.registrations("1001")?.len(), 0);
    exchange.assert_no_errors();
    Ok(())
}

#[test]
fn the_variable_and_the_file_choose_too() -> Result<()> {
    let exchange = Exchange::start_as(|plan| plan.starter = vec!["env".into(), "TANDEM_DIGEST=sha-256,md5".into()])?;
    assert_eq!(offered(&exchange)?, ["SHA-256", "MD5"]);
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), "digest = \"md5,sha-256\"\n")?;
    let name = file.path().display().to_string();
    let exchange = Exchange::start_as(|plan| plan.arguments = vec!["--config".into(), name])?;
    assert_eq!(offered(&exchange)?, ["MD5", "SHA-256"]);
    let exchange = Exchange::start()?;
    assert_eq!(offered(&exchange)?, ["MD5"], "unless told otherwise");
    Ok(())
}
