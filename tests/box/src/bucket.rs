//! A service in the shape of S3 that nobody here wrote: moto's server, in a virtual environment that tests/setup.sh makes.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::child::Child;
use crate::wait;

/// The service, with buckets in its memory as long as it lives.
pub struct BucketService {
    /// The process.
    pub process: Child,
    /// Where it is.
    pub address: SocketAddr,
}

impl BucketService {
    /// Starts one without any bucket.
    pub fn start() -> Result<BucketService> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, ports::free(2)));
        let program = environment()?.join("bin/moto_server");
        let mut command = Command::new(&program);
        let mut process = Child::start(command.args(["-H", "127.0.0.1", "-p", &address.port().to_string()]))?;
        let is_there = wait::until("the bucket's service to answer", || {
            let gone = !process.is_running();
            (gone || ureq::get(format!("http://{address}/moto-api/")).call().is_ok()).then_some(!gone)
        })?;
        if !is_there {
            bail!("moto ended at once: {}", process.said().join("\n"));
        }
        Ok(BucketService { process, address })
    }

    /// Makes a bucket.
    pub fn make(&self, bucket: &str) -> Result<()> {
        ureq::put(self.url(bucket)).header("Authorization", SOMEBODY).send_empty()?;
        Ok(())
    }

    /// The names of what is in a bucket.
    pub fn objects(&self, bucket: &str) -> Result<Vec<String>> {
        let url = format!("{}?list-type=2", self.url(bucket));
        let text = ureq::get(url).header("Authorization", SOMEBODY).call()?.body_mut().read_to_string()?;
        Ok(text.split("<Key>").skip(1).filter_map(|rest| Some(rest.split_once('<')?.0.to_owned())).collect())
    }

    fn url(&self, bucket: &str) -> String {
        format!("http://{}/{bucket}", self.address)
    }
}

/// Moto believes whoever says who they are.
const SOMEBODY: &str =
    "AWS4-HMAC-SHA256 Credential=AKIATEST/20261122/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0";

/// Where tests/setup.sh made the environment.
pub fn environment() -> Result<PathBuf> {
    let caches = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let caches = caches.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
    let path = caches.context("there is a home")?.join("tandem/moto-5.2.5");
    if !path.join("ready").exists() {
        bail!("{} is missing: tests/setup.sh test makes it", path.display());
    }
    Ok(path)
}
