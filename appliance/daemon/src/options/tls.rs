//! Where the box is spoken to encrypted.

use std::net::SocketAddr;

use clap::Args;

/// The addresses at which TLS is spoken; none unless it is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tls {
    /// Where the API and the web page are served by HTTPS.
    pub https: Option<SocketAddr>,
    /// Where SIP is spoken over TLS.
    pub sips: Option<SocketAddr>,
    /// The names that the box's own certificate has beside its addresses.
    pub host_names: Vec<String>,
    /// Whether the web page is for HTTPS alone.
    pub redirect: bool,
}

/// What the command line says of them.
#[derive(Debug, Default, Args)]
pub struct TlsFlags {
    /// Where the API and the web page are served by HTTPS [default: nowhere]
    #[arg(long, env = "TANDEM_HTTPS", value_name = "ADDR:PORT")]
    pub https: Option<SocketAddr>,
    /// Where SIP is spoken over TLS [default: nowhere; the usual port is 5061]
    #[arg(long, env = "TANDEM_SIPS", value_name = "ADDR:PORT")]
    pub sips: Option<SocketAddr>,
    /// The names of the box, for its own certificate [default: tandem,tandem.local]
    #[arg(long, env = "TANDEM_HOST_NAMES", value_name = "NAME,…", value_delimiter = ',', num_args = 1)]
    pub host_names: Option<Vec<String>>,
    /// Whether those who ask for the web page by HTTP are led to HTTPS: true or false [default: false]
    #[arg(long, env = "TANDEM_HTTPS_REDIRECT", value_name = "BOOL")]
    pub https_redirect: Option<bool>,
}

impl TlsFlags {
    /// What counts, where `file` says what the file says.
    pub fn complete(self, file: TlsFlags) -> Tls {
        let usual = || ["tandem", "tandem.local"].map(str::to_string).to_vec();
        Tls {
            https: self.https.or(file.https),
            sips: self.sips.or(file.sips),
            host_names: self.host_names.or(file.host_names).unwrap_or_else(usual),
            redirect: self.https_redirect.or(file.https_redirect).unwrap_or(false),
        }
    }
}
