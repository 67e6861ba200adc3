//! The cloud that is told of everything, if there is one.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;

/// A cloud, but for its token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudService {
    /// Where it is.
    pub url: String,
    /// The box's own certificate and its key.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// Whose certificates the cloud may have; those that browsers trust unless told otherwise.
    pub roots: Option<PathBuf>,
    /// Whose configuration holds; none comes down without.
    pub public_key: Option<PathBuf>,
}

/// What the command line says of it.
#[derive(Debug, Default, Args)]
pub struct CloudFlags {
    /// The cloud that is told of everything that happens, as docs/cloud-sync.md says; amqp(s)://USER@HOST/VHOST is the
    /// RabbitMQ of a fleet, as docs/fleet.md says. Its token or password is what TANDEM_CLOUD_TOKEN says, once: it is
    /// kept encrypted [default: none]
    #[arg(long, env = "TANDEM_CLOUD_URL", value_name = "URL")]
    pub cloud_url: Option<String>,
    /// The box's own certificate for the cloud, PEM
    #[arg(long, env = "TANDEM_CLOUD_CERTIFICATE", value_name = "FILE")]
    pub cloud_certificate: Option<PathBuf>,
    /// The certificate's key, PEM
    #[arg(long, env = "TANDEM_CLOUD_KEY", value_name = "FILE")]
    pub cloud_key: Option<PathBuf>,
    /// Whose certificates the cloud may have, PEM [default: those that browsers trust]
    #[arg(long, env = "TANDEM_CLOUD_ROOTS", value_name = "FILE")]
    pub cloud_roots: Option<PathBuf>,
    /// The public key (Ed25519, PEM) by which the cloud signs the box's configuration [default: none comes from it]
    #[arg(long, env = "TANDEM_CLOUD_PUBLIC_KEY", value_name = "FILE")]
    pub cloud_public_key: Option<PathBuf>,
}

impl CloudFlags {
    /// What counts, where `file` says what the file says.
    pub fn complete(self, file: CloudFlags) -> Result<Option<CloudService>> {
        let certificate = self.cloud_certificate.or(file.cloud_certificate);
        let roots = self.cloud_roots.or(file.cloud_roots);
        let public_key = self.cloud_public_key.or(file.cloud_public_key);
        let certificate = match (certificate, self.cloud_key.or(file.cloud_key)) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => bail!("--cloud-certificate and --cloud-key: one is nothing without the other"),
        };
        match self.cloud_url.or(file.cloud_url) {
            Some(url) => Ok(Some(CloudService { url, certificate, roots, public_key })),
            None if certificate.is_some() || roots.is_some() || public_key.is_some() => {
                bail!("--cloud-url: which cloud is it?")
            }
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cloud_is_whole_or_not_there() {
        let flags = |url: Option<&str>, certificate: Option<&str>, key: Option<&str>| CloudFlags {
            cloud_url: url.map(str::to_owned),
            cloud_certificate: certificate.map(PathBuf::from),
            cloud_key: key.map(PathBuf::from),
            cloud_roots: None,
            cloud_public_key: None,
        };
        let complete = |given: CloudFlags| given.complete(CloudFlags::default()).map_err(|error| error.to_string());
        assert_eq!(complete(flags(None, None, None)), Ok(None));
        let whole = complete(flags(Some("https://a"), Some("c"), Some("k"))).expect("it is whole").expect("a cloud");
        assert_eq!(whole.certificate, Some(("c".into(), "k".into())));
        for (wrong, said) in [
            (flags(Some("https://a"), Some("c"), None), "--cloud-key"),
            (flags(Some("https://a"), None, Some("k")), "--cloud-certificate"),
            (flags(None, Some("c"), Some("k")), "--cloud-url"),
        ] {
            let reason = complete(wrong).expect_err("something is missing");
            assert!(reason.contains(said), "{reason}");
        }
        let file = flags(Some("https://file"), None, None);
        let both = flags(None, Some("c"), Some("k")).complete(file).expect("together they are whole");
        assert_eq!(both.expect("a cloud").url, "https://file");
    }
}
