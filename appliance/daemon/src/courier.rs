//! The bucket of recordings as the administrator set it, and the thread that brings them there.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use api::state::BucketLink;
use delivery::Pace;
use delivery::recording::courier::Surroundings;
use delivery::recording::{Account, Bucket, Courier, Rules};
use store::sealed::BoxKey;
use store::{Identity, Journal, Store};
use tokio::sync::watch;

use crate::data_folder::DataFolder;
use crate::options::Options;
use crate::process::now;
use crate::{limits, web};

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// The bucket, if one is set. Its secret is given once, and kept.
fn bucket((options, folder): (&Options, &DataFolder), identity: &Identity) -> Result<Option<Bucket>> {
    let Some(account) = &options.bucket.account else { return Ok(None) };
    let own = BoxKey::open(folder.path())?;
    if let Some(secret) = std::env::var("TANDEM_BUCKET_SECRET").ok().filter(|secret| !secret.is_empty()) {
        own.seal("bucket", &secret)?;
    }
    let Some(secret) = own.open_secret("bucket")? else {
        bail!("the bucket's secret is missing: give it once in TANDEM_BUCKET_SECRET")
    };
    let tls = web::tls(account.roots.as_deref())?;
    let name = account.name.clone().unwrap_or_else(|| format!("recordings-{}", identity.customer_id));
    let (endpoint, region, key_id) = (account.url.clone(), account.region.clone(), account.key_id.clone());
    let account = Account { endpoint, region, name, key_id, secret };
    let bucket = Bucket::new(&account, web::bucket_agent(tls), Arc::new(now)).map_err(|error| anyhow!(error))?;
    tracing::info!(?bucket, "recordings are brought to a bucket");
    Ok(Some(bucket))
}

/// Starts the thread. Links to what is in the bucket, if there is one, come with it.
pub fn start(
    (options, folder): (&Options, &DataFolder),
    (store, journal): (&Store, &Journal),
    events: &watch::Receiver<i64>,
    pace: Arc<Pace>,
) -> Result<(Courier, Option<BucketLink>)> {
    let bucket = bucket((options, folder), store.identity())?.map(|bucket| bucket.paced(pace));
    let links = bucket.clone().map(|bucket| Arc::new(move |object: &str| bucket.link(object)) as BucketLink);
    let days = |days: u16| DAY * u32::from(days);
    let set = &options.bucket;
    // In the bucket they are kept: then the box need not have them.
    let box_days = set.recording_days.or(bucket.is_some().then_some(0));
    let events = events.clone();
    let courier = Courier::start(Surroundings {
        store: store.clone(),
        journal: journal.clone(),
        bucket,
        folder: folder.recordings(),
        rules: Rules {
            box_age: box_days.map(days),
            bucket_age: (set.bucket_days > 0).then(|| days(set.bucket_days)),
            room: limits::RECORDING_ROOM,
            last_room: limits::RECORDING_LAST_ROOM,
        },
        clock: Box::new(now),
        latest: Box::new(move || *events.borrow()),
    });
    Ok((courier.context("cannot start the thread that carries recordings")?, links))
}
