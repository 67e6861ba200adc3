//! SIPp, a SIP stack that shares nothing with baresip or with ours, registers, calls and hangs up.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use anyhow::Result;
use box_tests::baresip::Setup;
use box_tests::{Exchange, pcap, sipp};

const REGISTER: &str = r#"<?xml version="1.0"?><scenario name="register">
<send retrans="500"><![CDATA[
REGISTER sip:[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:1001@[remote_ip]>;tag=[call_number]
To: <sip:1001@[remote_ip]>
Call-ID: [call_id]
CSeq: 1 REGISTER
Contact: <sip:1001@[local_ip]:[local_port]>
Max-Forwards: 70
Expires: 300
Content-Length: 0

]]></send>
<recv response="401" auth="true"></recv>
<send retrans="500"><![CDATA[
REGISTER sip:[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:1001@[remote_ip]>;tag=[call_number]
To: <sip:1001@[remote_ip]>
Call-ID: [call_id]
CSeq: 2 REGISTER
Contact: <sip:1001@[local_ip]:[local_port]>
[authentication username=1001 password=secret1001]
Max-Forwards: 70
Expires: 300
Content-Length: 0

]]></send>
<recv response="200"></recv></scenario>"#;

fn register_and_call(host: IpAddr, transport: &str) -> Result<()> {
    let exchange = Exchange::start_as(|plan| plan.host = host)?;
    exchange.add_extension("1001")?;
    exchange.add_extension("1002")?;
    let _callee = Setup::new(&exchange, "1002").answering().start()?;
    exchange.await_registrations("1002", 1)?;
    sipp::run(&exchange, REGISTER, &["-t", transport])?;
    exchange.await_registrations("1001", 1)?;
    sipp::run(&exchange, &sipp::call("1002", "<pause milliseconds=\"500\"/>"), &["-t", transport])?;
    let over = |call: &serde_json::Value| call["direction"] == "incoming" && call["status"] == "hangup";
    let call = exchange.await_call("the record of SIPp's call", over)?;
    assert_ne!(call["tm_progressing"], serde_json::Value::Null, "{call}");
    exchange.assert_no_errors();
    Ok(())
}

#[test]
fn sipp_registers_and_calls_over_udp() -> Result<()> {
    register_and_call(Ipv4Addr::LOCALHOST.into(), "u1")
}

#[test]
fn sipp_registers_and_calls_over_tcp() -> Result<()> {
    register_and_call(Ipv4Addr::LOCALHOST.into(), "t1")
}

#[test]
fn sipp_registers_and_calls_over_udp_and_ipv6() -> Result<()> {
    register_and_call(Ipv6Addr::LOCALHOST.into(), "u1")
}

#[test]
fn sipp_registers_and_calls_over_tcp_and_ipv6() -> Result<()> {
    register_and_call(Ipv6Addr::LOCALHOST.into(), "t1")
}

#[test]
fn what_sipp_plays_is_heard_in_opus_and_g722() -> Result<()> {
    let exchange = Exchange::start()?;
    exchange.add_extension("1001")?;
    exchange.add_extension("1002")?;
    exchange.add_extension("1003")?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("tone.pcap");
    let tone = |sample: u32| 0.25 * (f64::from(sample) * 1_000.0 / 8_000.0 * std::f64::consts::TAU).sin();
    pcap::write(&file, &(0..8_000 * 4).map(tone).collect::<Vec<_>>())?;
    let talk = format!(
        "<nop><action><exec play_pcap_audio=\"{}\"/></action></nop><pause milliseconds=\"4000\"/>",
        file.display()
    );
    for (number, codecs) in [("1002", "opus/48000/2"), ("1003", "G722/16000/1")] {
        let callee = Setup { codecs, ..Setup::new(&exchange, number).answering() }.start()?;
        exchange.await_registrations(number, 1)?;
        sipp::run(&exchange, &sipp::call(number, &talk), &[])?;
        let heard = callee.heard()?;
        let middle = heard.part(heard.seconds() - 3.0, heard.seconds() - 0.5);
        middle.assert_tone_of_any_length(1_000);
        let level = 20.0 * (middle.level() / (0.25 / 2.0_f64.sqrt())).log10();
        println!("{codecs}: {level:+.2} dB, the longest silence {:.3} s", middle.longest_silence(0.02));
        assert!(level.abs() < 1.0 && middle.longest_silence(0.02) <= 0.02, "{level} dB");
    }
    exchange.assert_no_errors();
    Ok(())
}
