//! What the kernel's command line tells the box: `tandem.NAME=VALUE`.
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use crate::network::NetworkSettings;
use crate::ntp::source::Source;

/// Everything that can be set from outside the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How the box stands in the network, as long as nobody has set that.
    pub network: NetworkSettings,
    /// Who tells the time; empty: those that the network names, or a public pool.
    pub time_servers: Vec<Source>,
    /// After how long unpetted the watchdog resets the box.
    pub watchdog: Duration,
    /// How long the exchange may be unhealthy before the box is left to the watchdog.
    pub patience: Duration,
    /// How long people may be asked for help before that.
    pub rescue: Duration,
    /// What the exchange gets as environment, by the name of its flag in capitals.
    pub exchange: Vec<(String, String)>,
}

/// Flags of the exchange that may be given, and what they are when they are not.
const EXCHANGE: [(&str, Option<&str>); 19] = [
    ("sip", Some("0.0.0.0:5060")),
    ("sips", Some("0.0.0.0:5061")),
    ("http", Some("[::]:80")),
    ("https", Some("[::]:443")),
    ("https_redirect", Some("true")),
    ("host_names", None),
    ("webrtc", Some("0.0.0.0:3478")),
    ("ice_servers", None),
    ("encryption", None),
    ("time_zone", None),
    ("rtp", Some("0.0.0.0:10000-19999")),
    ("advertise", None),
    ("nameservers", None),
    ("config", None),
    ("realm", None),
    ("digest", None),
    ("codecs", None),
    ("log", None),
    // For tests: a command line can be read by everybody on the box.
    ("admin_password", None),
];

impl Settings {
    /// Reads a command line. What cannot be used is left at its default and complained about.
    pub fn parse(command_line: &str) -> (Settings, Vec<String>) {
        let exchange = EXCHANGE.iter().filter_map(|(name, default)| Some((variable(name), (*default)?.to_owned())));
        let mut settings = Settings {
            network: NetworkSettings::default(),
            time_servers: Vec::new(),
            watchdog: Duration::from_secs(30),
            patience: Duration::from_secs(120),
            rescue: Duration::from_secs(3_600),
            exchange: exchange.collect(),
        };
        let mut complaints = Vec::new();
        for word in words(command_line) {
            let Some((name, value)) = word.strip_prefix("tandem.").and_then(|setting| setting.split_once('=')) else {
                continue;
            };
            if let Err(complaint) = settings.set(name, value) {
                complaints.push(format!("tandem.{name} is ignored: {complaint}"));
            }
        }
        (settings, complaints)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "ip" => self.network.set_ip(value)?,
            "vlan" => self.network.set_vlan(value)?,
            "hostname" => self.network.set_hostname(value)?,
            "ntp" => self.time_servers = value.split(',').map(str::parse).collect::<Result<_, _>>()?,
            "watchdog" => self.watchdog = seconds(value, 10)?,
            "patience" => self.patience = seconds(value, 1)?,
            "rescue" => self.rescue = seconds(value, 0)?,
            _ if EXCHANGE.iter().any(|(known, _)| *known == name) => {
                let name = variable(name);
                self.exchange.retain(|(known, _)| *known != name);
                self.exchange.push((name, value.to_owned()));
            }
            _ => return Err("there is no such setting".to_owned()),
        }
        Ok(())
    }

    /// Where the rescue page is shown: at the port of the page that people know.
    pub fn rescue_address(&self) -> SocketAddr {
        (Ipv6Addr::UNSPECIFIED, self.health_address().map_or(80, |address| address.port())).into()
    }

    /// The port of an address of the exchange, if it listens there.
    pub fn port(&self, name: &str) -> Option<u16> {
        let (_, address) = self.exchange.iter().find(|(known, _)| *known == variable(name))?;
        address.parse().ok().map(|address: SocketAddr| address.port())
    }

    /// Where the exchange answers its health check: on this box, at the port of its HTTP address.
    pub fn health_address(&self) -> Option<SocketAddr> {
        let (_, http) = self.exchange.iter().find(|(name, _)| name == "TANDEM_HTTP")?;
        let mut address: SocketAddr = http.parse().ok()?;
        if address.ip().is_unspecified() {
            address.set_ip(Ipv4Addr::LOCALHOST.into());
        }
        Some(address)
    }
}

fn variable(name: &str) -> String {
    format!("TANDEM_{}", name.to_uppercase())
}

/// Splits at spaces as the kernel does: double quotes keep them together and are dropped.
fn words(command_line: &str) -> impl Iterator<Item = String> {
    let mut quoted = false;
    let parts = command_line.trim().split(move |letter: char| {
        quoted ^= letter == '"';
        letter.is_ascii_whitespace() && !quoted
    });
    parts.map(|word| word.replace('"', ""))
}

fn seconds(value: &str, least: u64) -> Result<Duration, String> {
    match value.parse() {
        Ok(seconds) if (least..=3600).contains(&seconds) => Ok(Duration::from_secs(seconds)),
        _ => Err(format!("{value:?} is not a number of seconds from {least} to 3600")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable_of<'a>(settings: &'a Settings, name: &str) -> Option<&'a str> {
        settings.exchange.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    #[test]
    fn a_bare_command_line_gives_the_defaults() {
        let (settings, complaints) = Settings::parse("console=ttyAMA0 root=PARTLABEL=root ro quiet\n");
        assert_eq!(settings.network, NetworkSettings::default());
        assert_eq!(variable_of(&settings, "TANDEM_SIP"), Some("0.0.0.0:5060"));
        assert_eq!(variable_of(&settings, "TANDEM_ADVERTISE"), None);
        assert_eq!(settings.health_address(), Some(([127, 0, 0, 1], 80).into()));
        assert!(settings.time_servers.is_empty());
        assert!(complaints.is_empty(), "{complaints:?}");
    }

    #[test]
    fn time_servers_by_address_and_name() {
        let (settings, _) = Settings::parse("tandem.ntp=10.0.2.2:1123,ntp.office");
        let named = Source::Name("ntp.office".into(), 123);
        assert_eq!(settings.time_servers, [Source::Address(([10, 0, 2, 2], 1123).into()), named]);
    }

    #[test]
    fn the_network_by_words() {
        let (settings, complaints) =
            Settings::parse("tandem.ip=10.0.2.15/24,10.0.2.2 tandem.vlan=20 tandem.hostname=desk quiet");
        let mut network = NetworkSettings::default();
        network.set_ip("10.0.2.15/24,10.0.2.2").expect("it is right");
        network.set_vlan("20").expect("it is right");
        network.set_hostname("desk").expect("it is right");
        assert_eq!((settings.network, complaints), (network, Vec::new()));
        assert_eq!((Settings::parse("").0.port("https"), Settings::parse("").0.port("realm")), (Some(443), None));
    }

    #[test]
    fn the_last_of_two_values_counts_and_quotes_keep_spaces() {
        let (settings, _) =
            Settings::parse(r#"tandem.sip=1.2.3.4:5 tandem.sip=[::]:5070 tandem.admin_password="a b=c""#);
        assert_eq!(variable_of(&settings, "TANDEM_SIP"), Some("[::]:5070"));
        assert_eq!(variable_of(&settings, "TANDEM_ADMIN_PASSWORD"), Some("a b=c"));
        assert_eq!(settings.exchange.iter().filter(|(name, _)| name == "TANDEM_SIP").count(), 1);
    }

    #[test]
    fn nonsense_is_complained_about_and_changes_nothing() {
        let nonsense = "tandem.ip=10.0.2.15 tandem.ip=1.2.3.4/33 tandem.ip=1.2.3.4/24,gate tandem.ip= \
                        tandem.ntp=10.0.2.2,ntp:time tandem.watchdog=9 tandem.patience=soon tandem.advertize=1.2.3.4";
        let (settings, complaints) = Settings::parse(nonsense);
        assert_eq!(settings, Settings::parse("").0);
        assert_eq!(complaints.len(), 8, "{complaints:#?}");
        assert_eq!(complaints[7], "tandem.advertize is ignored: there is no such setting");
    }

    #[test]
    fn the_health_check_follows_the_http_address() {
        let health = |http: &str| Settings::parse(&format!("tandem.http={http}")).0.health_address();
        assert_eq!(health("0.0.0.0:8080"), Some(([127, 0, 0, 1], 8080).into()));
        assert_eq!(health("10.0.2.15:80"), Some(([10, 0, 2, 15], 80).into()));
        assert_eq!(health("eighty"), None);
    }
}
