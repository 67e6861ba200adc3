//! Where recordings are brought, and how long they are kept.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;

/// The least that an upload may take, in kbit/s: a part of it has half an hour.
const LEAST_RATE: u32 = 64;

/// A service in the shape of S3, but for its secret, and how long what is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BucketService {
    /// Where recordings go, if anywhere.
    pub account: Option<BucketAccount>,
    /// Days that they are kept there; 0: for ever.
    pub bucket_days: u16,
    /// Days that they are kept on the box, once they are in the bucket or, where there is none, once they are over.
    pub recording_days: Option<u16>,
    /// How many kbit/s what goes there and to the cloud may take of the line; as many as go, where it is not said.
    pub upload_rate: Option<u32>,
}

/// A bucket, but for its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketAccount {
    /// The service.
    pub url: String,
    /// The region that requests are signed for.
    pub region: String,
    /// The bucket's name; the usual one where none is given.
    pub name: Option<String>,
    /// The name of the key.
    pub key_id: String,
    /// Whose certificates the service may have; those that browsers trust unless told otherwise.
    pub roots: Option<PathBuf>,
}

/// What the command line says of it.
#[derive(Debug, Default, Args)]
pub struct BucketFlags {
    /// A service in the shape of S3 where recordings are brought. Its secret is what TANDEM_BUCKET_SECRET says, once: it is kept
    /// encrypted [default: none, recordings stay on the box]
    #[arg(long, env = "TANDEM_BUCKET_URL", value_name = "URL")]
    pub bucket_url: Option<String>,
    /// The region of the bucket [default: us-east-1]
    #[arg(long, env = "TANDEM_BUCKET_REGION", value_name = "NAME")]
    pub bucket_region: Option<String>,
    /// The bucket [default: recordings-<customer-id>]
    #[arg(long, env = "TANDEM_BUCKET_NAME", value_name = "NAME")]
    pub bucket_name: Option<String>,
    /// The name of the key, whose secret is TANDEM_BUCKET_SECRET
    #[arg(long, env = "TANDEM_BUCKET_KEY_ID", value_name = "NAME")]
    pub bucket_key_id: Option<String>,
    /// Whose certificates the service may have, PEM [default: those that browsers trust]
    #[arg(long, env = "TANDEM_BUCKET_ROOTS", value_name = "FILE")]
    pub bucket_roots: Option<PathBuf>,
    /// Days that recordings are kept in the bucket; 0: for ever [default: 90]
    #[arg(long, env = "TANDEM_BUCKET_DAYS", value_name = "DAYS")]
    pub bucket_days: Option<u16>,
    /// Days that recordings are kept on the box once they are in the bucket [default: 0], or, where there is none, once
    /// they are over [default: for ever]
    #[arg(long, env = "TANDEM_RECORDING_DAYS", value_name = "DAYS")]
    pub recording_days: Option<u16>,
    /// How many kbit/s recordings and records for the cloud may take of the line together [default: as many as go]
    #[arg(long, env = "TANDEM_UPLOAD_RATE", value_name = "KBIT", value_parser = clap::value_parser!(u32).range(i64::from(LEAST_RATE)..))]
    pub upload_rate: Option<u32>,
}

impl BucketFlags {
    /// What counts, where `file` says what the file says.
    pub fn complete(self, file: BucketFlags) -> Result<BucketService> {
        let key_id = self.bucket_key_id.or(file.bucket_key_id);
        let region = self.bucket_region.or(file.bucket_region);
        let name = self.bucket_name.or(file.bucket_name);
        let roots = self.bucket_roots.or(file.bucket_roots);
        let account = match self.bucket_url.or(file.bucket_url) {
            None if key_id.is_some() || name.is_some() || region.is_some() || roots.is_some() => {
                bail!("--bucket-url: which service is it?")
            }
            None => None,
            Some(url) => {
                let Some(key_id) = key_id.filter(|id| !id.is_empty()) else { bail!("--bucket-key-id: it is missing") };
                if let Some(name) = &name {
                    check_name(name)?;
                }
                let region = region.unwrap_or_else(|| "us-east-1".into());
                Some(BucketAccount { url, region, name, key_id, roots })
            }
        };
        let recording_days = self.recording_days.or(file.recording_days);
        if account.is_none() && recording_days == Some(0) {
            bail!("--recording-days: 0 would leave nothing of a recording; without a bucket one day is the least");
        }
        let bucket_days = self.bucket_days.or(file.bucket_days).unwrap_or(90);
        let upload_rate = self.upload_rate.or(file.upload_rate);
        if upload_rate.is_some_and(|rate| rate < LEAST_RATE) {
            bail!("--upload-rate: below {LEAST_RATE} kbit/s a recording would never get there");
        }
        Ok(BucketService { account, bucket_days, recording_days, upload_rate })
    }
}

/// What every service lets a bucket be called.
fn check_name(name: &str) -> Result<()> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-._".contains(c);
    if !(3..=63).contains(&name.len()) || !name.chars().all(is_plain) || name.starts_with(['-', '.']) {
        bail!("--bucket-name: 3 to 63 small letters, digits, hyphens and dots, and “{name}” is not that");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(url: &str, key_id: &str, name: &str) -> BucketFlags {
        let [bucket_url, bucket_key_id, bucket_name] =
            [url, key_id, name].map(|text| (!text.is_empty()).then(|| text.to_owned()));
        BucketFlags { bucket_url, bucket_key_id, bucket_name, ..BucketFlags::default() }
    }

    #[test]
    fn a_bucket_is_whole_or_not_there() {
        let complete = |url, key_id, name| flags(url, key_id, name).complete(BucketFlags::default());
        let none = complete("", "", "").expect("nothing is asked for");
        assert_eq!((none.account, none.bucket_days, none.recording_days), (None, 90, None));
        let some = complete("https://s3.example.org", "AK", "").expect("all is there").account.expect("there is one");
        assert_eq!((some.region.as_str(), some.name), ("us-east-1", None));
        for (url, key_id, name, said) in [
            ("", "AK", "", "--bucket-url"),
            ("https://s3.example.org", "", "", "--bucket-key-id"),
            ("https://s3.example.org", "AK", "../x", "--bucket-name"),
            ("https://s3.example.org", "AK", "ab", "--bucket-name"),
        ] {
            let reason = complete(url, key_id, name).expect_err("something is missing").to_string();
            assert!(reason.contains(said), "{reason}");
        }
    }

    #[test]
    fn without_a_bucket_nothing_goes_on_the_day_it_was_made() {
        let days = |days| BucketFlags { recording_days: Some(days), ..BucketFlags::default() };
        assert!(days(0).complete(BucketFlags::default()).is_err());
        assert_eq!(days(1).complete(BucketFlags::default()).expect("a day").recording_days, Some(1));
    }

    #[test]
    fn the_command_line_wins_over_the_file() {
        let file = BucketFlags { recording_days: Some(7), bucket_days: Some(30), ..flags("http://a", "A", "aaa") };
        let line = BucketFlags { recording_days: Some(1), ..flags("http://b", "", "") };
        let service = line.complete(file).expect("together they are whole");
        let account = service.account.expect("there is one");
        assert_eq!((account.url.as_str(), account.key_id.as_str()), ("http://b", "A"));
        assert_eq!((service.bucket_days, service.recording_days), (30, Some(1)));
    }
}
