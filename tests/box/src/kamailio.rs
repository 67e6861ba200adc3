//! A provider: Debian's kamailio, which asks for a password, keeps registrations, and calls those who are registered.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::baresip::Setup;
use crate::child::Child;
use crate::{Exchange, Phone, wait};

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
        Kamailio::start_with(SocketAddr::new(host, ports::free(2)), &[])
    }

    /// The same at this address, and over TLS at each of these ports, where it shows another certificate (with its key). What it
    /// sends to who has registered goes along the connection by which that was done.
    pub fn start_with(address: SocketAddr, tls: &[(u16, PathBuf, PathBuf)]) -> Result<Kamailio> {
        let home = tempfile::tempdir()?;
        let file = home.path().join("kamailio.cfg");
        let mut text = config(address);
        if !tls.is_empty() {
            let shown = home.path().join("tls.cfg");
            std::fs::write(&shown, shown_by(address.ip(), tls))?;
            text = with_tls(&text, (address.ip(), tls), &shown);
        }
        std::fs::write(&file, text)?;
        let mut command = Command::new("/usr/sbin/kamailio");
        // In the foreground, with little memory, and its files in a folder of its own; streams need processes of their own.
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

/// Which certificate is shown at which port, as the module `tls` reads it; it wants a default one as well.
fn shown_by(host: IpAddr, tls: &[(u16, PathBuf, PathBuf)]) -> String {
    let profile = |(at, (_, certificate, key)): (String, &(u16, PathBuf, PathBuf))| {
        let (certificate, key) = (certificate.display(), key.display());
        format!("[server:{at}]\nmethod = TLSv1.2+\ncertificate = {certificate}\nprivate_key = {key}\n")
    };
    let each = tls.iter().map(|shown| (SocketAddr::new(host, shown.0).to_string(), shown));
    let profiles: String =
        tls.first().map(|shown| ("default".to_owned(), shown)).into_iter().chain(each).map(profile).collect();
    profiles + "[client:default]\nmethod = TLSv1.2+\nverify_certificate = no\n"
}

/// A configuration that speaks TLS as well.
fn with_tls(text: &str, (host, tls): (IpAddr, &[(u16, PathBuf, PathBuf)]), shown: &Path) -> String {
    let listen = |(port, ..): &(u16, PathBuf, PathBuf)| format!("listen=tls:{}\n", SocketAddr::new(host, *port));
    let listen: String = tls.iter().map(listen).collect();
    let modules = format!(
        "{listen}enable_tls=yes\nchildren=1\ntcp_children=1\n\nloadmodule \"tls.so\"\n\
         modparam(\"tls\", \"config\", \"{}\")\n",
        shown.display()
    );
    text.replace("fork=no\n", "")
        .replacen("\nloadmodule", &format!("{modules}loadmodule"), 1)
        .replace(
            "loadmodule \"auth.so\"\n",
            "loadmodule \"auth.so\"\nloadmodule \"nathelper.so\"\n\
             modparam(\"registrar|nathelper\", \"received_avp\", \"$avp(RECEIVED)\")\n",
        )
        .replace("        save(\"location\");", "        fix_nated_register();\n        save(\"location\");")
        // Whoever came over TLS is reached by the same connection within its dialogs, too.
        .replace("        loose_route();\n", "        loose_route();\n        handle_ruri_alias();\n")
        .replace(
            "    record_route();\n",
            "    record_route();\n    if ($proto == \"tls\") add_contact_alias();\n    t_on_reply(\"ALIAS\");\n",
        )
        + "\nonreply_route[ALIAS] {\n    if ($proto == \"tls\") add_contact_alias();\n}\n"
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
