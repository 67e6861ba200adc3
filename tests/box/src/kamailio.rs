//! A provider: Debian's kamailio, which asks for a password, keeps registrations, and calls those who are registered.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::Command;

use anyhow::{Result, bail};

use crate::child::Child;
use crate::{ports, wait};

/// The password of everybody at the provider; baresip cannot read one with a space.
pub const PASSWORD: &str = "open-sesame";

/// A running provider.
pub struct Kamailio {
    /// The process.
    pub process: Child,
    /// Where it is.
    pub address: SocketAddr,
    _home: tempfile::TempDir,
}

impl Kamailio {
    /// Starts one. It asks everybody for the password (REGISTER by 401, INVITE by 407). What `box` calls rings whoever is
    /// registered with that number; what anybody else calls goes to `box`, the number standing in To.
    pub fn start() -> Result<Kamailio> {
        Kamailio::start_at(Ipv4Addr::LOCALHOST.into())
    }

    /// The same at another address of this machine.
    pub fn start_at(host: IpAddr) -> Result<Kamailio> {
        let home = tempfile::tempdir()?;
        let address = SocketAddr::new(host, ports::free(2));
        let file = home.path().join("kamailio.cfg");
        std::fs::write(&file, config(address))?;
        let mut command = Command::new("/usr/sbin/kamailio");
        // In the foreground, in one process, with little memory, and its files in a folder of its own.
        command.arg("-f").arg(&file).args(["-DD", "-E", "-m", "32", "-M", "8", "-Y"]).arg(home.path());
        let mut process = Child::start(command.arg("-P").arg(home.path().join("pid")))?;
        let is_there = wait::until("the provider to answer", || {
            let gone = !process.is_running();
            (gone || answers(address)).then_some(!gone)
        })?;
        if !is_there {
            bail!("kamailio ended at once: {}", process.said().join("\n"));
        }
        Ok(Kamailio { process, address, _home: home })
    }
}

/// Whether OPTIONS is answered.
fn answers(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<bool> {
        let socket = std::net::UdpSocket::bind((address.ip(), 0))?;
        socket.set_read_timeout(Some(std::time::Duration::from_millis(200)))?;
        let own = socket.local_addr()?;
        let options = format!(
            "OPTIONS sip:{address} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bKready\r\nMax-Forwards: 5\r\n\
             From: <sip:test@{own}>;tag=1\r\nTo: <sip:{address}>\r\nCall-ID: ready\r\nCSeq: 1 OPTIONS\r\n\
             Content-Length: 0\r\n\r\n"
        );
        socket.send_to(options.as_bytes(), address)?;
        let mut answer = [0; 1_500];
        let length = socket.recv(&mut answer)?;
        Ok(answer[..length].starts_with(b"SIP/2.0 200"))
    };
    ask().unwrap_or(false)
}

fn config(address: SocketAddr) -> String {
    format!(
        r#"#!KAMAILIO
debug=1
log_stderror=yes
fork=no
auto_aliases=no
dns=no
rev_dns=no
listen=udp:{address}
listen=tcp:{address}

loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"

request_route {{
    if (!mf_process_maxfwd_header("10")) {{
        sl_send_reply("483", "Too Many Hops");
        exit;
    }}
    if (is_method("CANCEL")) {{
        if (t_check_trans()) t_relay();
        exit;
    }}
    if (has_totag()) {{
        loose_route();
        t_relay();
        exit;
    }}
    if (is_method("OPTIONS")) {{
        sl_send_reply("200", "OK");
        exit;
    }}
    if (is_method("REGISTER")) {{
        if (!pv_www_authenticate("provider", "{PASSWORD}", "0")) {{
            www_challenge("provider", "1");
            exit;
        }}
        save("location");
        exit;
    }}
    if (!is_method("INVITE")) {{
        sl_send_reply("405", "Method Not Allowed");
        exit;
    }}
    if (!pv_proxy_authenticate("provider", "{PASSWORD}", "0")) {{
        proxy_challenge("provider", "1");
        exit;
    }}
    if ($au != "box") $rU = "box";
    consume_credentials();
    record_route();
    if (!lookup("location")) {{
        sl_send_reply("404", "Not Found");
        exit;
    }}
    t_relay();
    exit;
}}
"#
    )
}
