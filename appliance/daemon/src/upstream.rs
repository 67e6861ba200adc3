//! What goes upstream whenever the line is there: recordings to a bucket, records to a cloud.

use std::num::NonZeroU64;
use std::sync::Arc;

use anyhow::Result;
use api::state::{BucketLink, CloudView};
use delivery::Pace;
use delivery::cloud::Sender;
use delivery::recording::Courier;
use store::{Journal, Store};
use tokio::sync::watch;

use crate::cloud::configuration::{self, ConfigurationThread};
use crate::data_folder::DataFolder;
use crate::options::Options;
use crate::{cloud, courier};

/// The threads that do it.
pub struct Upstream {
    /// The one that carries recordings; it clears up even where there is no bucket.
    pub courier: Courier,
    /// Makes links to what is in the bucket.
    pub links: Option<BucketLink>,
    /// Tells how it stands with the cloud.
    pub cloud_view: Option<CloudView>,
    sender: Option<Sender>,
    standing: configuration::Shared,
    configuration: Option<ConfigurationThread>,
}

impl Upstream {
    /// Starts them.
    pub fn start(
        (options, folder): (&Options, &DataFolder),
        (store, journal): (&Store, &Journal),
        events: &watch::Receiver<i64>,
    ) -> Result<Upstream> {
        let rate = options.bucket.upload_rate.and_then(|kbit| NonZeroU64::new(u64::from(kbit) * 1_000 / 8));
        let pace = Arc::new(Pace::new(rate));
        let sender = cloud::start((options, folder), (store, journal), events, &pace)?;
        let standing = configuration::Shared::default();
        let cloud_view = cloud::state(sender.as_ref(), &standing, options);
        let (courier, links) = courier::start((options, folder), (store, journal), events, pace)?;
        Ok(Upstream { courier, links, cloud_view, sender, standing, configuration: None })
    }

    /// Has configuration come down, where that is wanted; the API is needed to apply it.
    pub fn configure(
        mut self,
        (options, folder): (&Options, &DataFolder),
        (state, journal): (&api::State, &Journal),
    ) -> Result<Upstream> {
        self.configuration = configuration::start((options, folder), (state, journal), &self.standing)?;
        Ok(self)
    }

    /// Ends them. What is on its way goes again after the next start.
    pub fn stop(self) {
        if let Some(configuration) = self.configuration {
            configuration.stop();
        }
        self.courier.stop();
        if let Some(sender) = self.sender {
            sender.stop();
        }
    }
}
