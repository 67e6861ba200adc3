//! SIPp (Debian's `sip-tester`): a second, independent SIP stack, run to its end with a scenario of ours.

use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::child::Child;
use crate::{Api, wait};

/// A call by the extension 1001, which speaks G.711 and knows no telephone events, to a number. `talk` is what it does once it is
/// answered, in SIPp's words; then it hangs up.
pub fn call(number: &str, talk: &str) -> String {
    let invite = |cseq, authentication| INVITE.replace("{cseq}", cseq).replace("{authentication}", authentication);
    let second = invite("2", "\n[authentication username=1001 password=secret1001]");
    let call = CALL.replace("{first}", &invite("1", "")).replace("{second}", &second);
    call.replace("{number}", number).replace("{talk}", talk)
}

/// SIPp while it runs.
pub struct Load {
    /// The process.
    pub process: Child,
    folder: tempfile::TempDir,
}

/// Runs a scenario against the exchange once and fails unless SIPp calls it a success.
pub fn run(exchange: &Api, scenario: &str, arguments: &[&str]) -> Result<()> {
    let once = ["-m", "1", "-timeout", "15", "-timeout_error"];
    start(exchange, scenario, &[&once, arguments].concat())?.end(wait::PATIENCE)
}

/// Has SIPp run a scenario against the exchange, as often as the arguments say.
pub fn start(exchange: &Api, scenario: &str, arguments: &[&str]) -> Result<Load> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("scenario.xml");
    std::fs::write(&file, scenario)?;
    let mut command = Command::new("sipp");
    let (at, host) = (exchange.sip_address(), exchange.sip_address().ip().to_string());
    command.current_dir(folder.path()).arg(at.to_string()).arg("-sf").arg(&file);
    command.args(["-i", &host, "-mi", &host, "-p", &ports::free(2).to_string(), "-mp", &ports::free(4).to_string()]);
    command.args(["-trace_err", "-error_file", "errors.log", "-nostdin"]).args(arguments);
    Ok(Load { process: Child::start(&mut command)?, folder })
}

impl Load {
    /// Waits until it has ended by itself, and fails unless all went well.
    pub fn end(mut self, limit: Duration) -> Result<()> {
        match self.process.wait(limit) {
            Some(status) if status.success() => Ok(()),
            status => {
                let errors = std::fs::read_to_string(self.folder.path().join("errors.log")).unwrap_or_default();
                let errors: String = errors.chars().take(4_000).collect();
                bail!("sipp ended with {status:?}:\n{errors}\n{}", self.process.said().join("\n"))
            }
        }
    }

    /// Ends it, whatever it does.
    pub fn kill(mut self) {
        self.process.signal(libc::SIGKILL);
        self.process.wait(wait::PATIENCE);
    }
}

const INVITE: &str = r#"<send retrans="500"><![CDATA[
INVITE sip:{number}@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:1001@[remote_ip]>;tag=[call_number]
To: <sip:{number}@[remote_ip]>
Call-ID: [call_id]
CSeq: {cseq} INVITE
Contact: <sip:1001@[local_ip]:[local_port]>{authentication}
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: [len]

v=0
o=- 1 1 IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 8 0
]]></send>"#;

const CALL: &str = r#"<?xml version="1.0"?><scenario name="call">
{first}
<recv response="100" optional="true"></recv>
<recv response="401" auth="true"></recv>
<send><![CDATA[
ACK sip:{number}@[remote_ip]:[remote_port] SIP/2.0
[last_Via:]
[last_From:]
[last_To:]
Call-ID: [call_id]
CSeq: 1 ACK
Max-Forwards: 70
Content-Length: 0

]]></send>
{second}
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
{talk}
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
