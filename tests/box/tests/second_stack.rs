//! SIPp, a SIP stack that shares nothing with baresip or with ours, registers, calls and hangs up.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use anyhow::Result;
use box_tests::baresip::Setup;
use box_tests::{Exchange, sipp};

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

const CALL: &str = r#"<?xml version="1.0"?><scenario name="call">
<send retrans="500"><![CDATA[
INVITE sip:1002@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:1001@[remote_ip]>;tag=[call_number]
To: <sip:1002@[remote_ip]>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:1001@[local_ip]:[local_port]>
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: [len]

v=0
o=- 1 1 IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 8 0
]]></send>
<recv response="100" optional="true"></recv>
<recv response="401" auth="true"></recv>
<send><![CDATA[
ACK sip:1002@[remote_ip]:[remote_port] SIP/2.0
[last_Via:]
[last_From:]
[last_To:]
Call-ID: [call_id]
CSeq: 1 ACK
Max-Forwards: 70
Content-Length: 0

]]></send>
<send retrans="500"><![CDATA[
INVITE sip:1002@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:1001@[remote_ip]>;tag=[call_number]
To: <sip:1002@[remote_ip]>
Call-ID: [call_id]
CSeq: 2 INVITE
Contact: <sip:1001@[local_ip]:[local_port]>
[authentication username=1001 password=secret1001]
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: [len]

v=0
o=- 1 1 IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 8 0
]]></send>
<recv response="100" optional="true"></recv>
<recv response="180" optional="true"></recv>
<recv response="200" rrs="true"></recv>
<send><![CDATA[
ACK [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
[last_From:]
[last_To:]
Call-ID: [call_id]
CSeq: 2 ACK
Max-Forwards: 70
Content-Length: 0

]]></send>
<pause milliseconds="500"/>
<send retrans="500"><![CDATA[
BYE [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
[last_From:]
[last_To:]
Call-ID: [call_id]
CSeq: 3 BYE
Max-Forwards: 70
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
    sipp::run(&exchange, CALL, &["-t", transport])?;
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
