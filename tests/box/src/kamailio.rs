//! A provider: Debian's kamailio, which asks for a password, keeps registrations, and calls those who are registered.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::baresip::Setup;
use crate::child::Child;
use crate::{Exchange, Phone, ports, wait};

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

    /// Makes it a provider of an exchange, over which all numbers of Germany are called; returns its record once the exchange has
    /// registered.
    pub fn connect(&self, exchange: &Exchange) -> Result<Value> {
        let made = exchange.post(
            "/v1.0/providers",
            json!({
                "type": "sip", "name": "World", "detail": "", "hostname": self.address.ip(),
                "port": self.address.port(), "tech_prefix": "", "tech_postfix": "", "tech_headers": {},
                "register": { "realm": "provider", "username": "box", "password": PASSWORD, "expires": 600 },
            }),
        )?;
        let id = &made["id"];
        let route = json!({ "provider_id": id, "target": "+49", "priority": 0, "name": "", "detail": "" });
        exchange.post("/v1.0/routes", route)?;
        await_registered(exchange, id.as_str().context("an id")?)?;
        Ok(made)
    }

    /// A phone of the provider's, not yet there: somebody in the world, who speaks with a voice of 1,300 Hz.
    pub fn setup(&self, exchange: &Exchange, number: &str) -> Setup {
        let setup = Setup { password: PASSWORD.into(), registrar: self.address, ..Setup::new(exchange, number) };
        setup.playing(1_300)
    }

    /// The same, registered.
    pub fn somebody(&self, exchange: &Exchange, number: &str) -> Result<Phone> {
        let phone = self.setup(exchange, number).start()?;
        phone.await_registered()?;
        Ok(phone)
    }
}

/// Waits until an exchange is registered with a provider of this id.
pub fn await_registered(exchange: &Exchange, id: &str) -> Result<Value> {
    wait::until("the registration", || {
        let provider = exchange.get(&format!("/v1.0/providers/{id}")).ok()?;
        (provider["metadata"]["registration"]["status"] == "registered").then_some(provider)
    })
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
