//! The cloud as the administrator set it, and the thread that sends records there.

pub mod configuration;
mod dial;

use std::sync::{Arc, PoisonError};

use anyhow::{Context, Result, anyhow};
use api::cloud::CloudState;
use delivery::Pace;
use delivery::cloud::sender::Surroundings;
use delivery::cloud::{Broker, Link, Sender, Way, broker};
use store::journal::Entry;
use store::sealed::BoxKey;
use store::{Item, Journal, Store};
use tokio::sync::watch;
use ureq::tls::{ClientCert, PrivateKey, RootCerts, TlsConfig};
use uuid::Uuid;

use crate::data_folder::DataFolder;
use crate::options::Options;
use crate::options::cloud::CloudService;
use crate::process::now;
use crate::web;

/// Starts the thread, if a cloud is set. Its token is given once, and kept.
pub fn start(
    (options, folder): (&Options, &DataFolder),
    (store, journal): (&Store, &Journal),
    events: &watch::Receiver<i64>,
    pace: &Arc<Pace>,
) -> Result<Option<Sender>> {
    // The log keeps everything for a cloud from the first moment on, and nothing for one that is gone.
    let place = match &options.cloud {
        Some(_) => Item::Cursor(delivery::cloud::sender::NAME.into(), 0),
        None => Item::CursorDropped(delivery::cloud::sender::NAME.into()),
    };
    let full = |_| anyhow!("the store takes nothing at the start");
    journal.submit(Entry { items: vec![place], done: None }).map_err(full)?;
    let Some(service) = &options.cloud else { return Ok(None) };
    let own = BoxKey::open(folder.path())?;
    if let Some(token) = std::env::var("TANDEM_CLOUD_TOKEN").ok().filter(|token| !token.is_empty()) {
        own.seal("cloud", &token)?;
    }
    let way = way(service, store.identity().customer_id, own.open_secret("cloud")?, pace)?;
    tracing::info!(?way, "records are sent to a cloud");
    let events = events.clone();
    let sender = Sender::start(Surroundings {
        store: store.clone(),
        journal: journal.clone(),
        way,
        clock: Box::new(now),
        latest: Box::new(move || *events.borrow()),
    });
    Ok(Some(sender.context("cannot start the thread that sends records")?))
}

/// The way that the address asks for: HTTPS to a cloud, or AMQP to the RabbitMQ of a fleet.
fn way(service: &CloudService, appliance_id: Uuid, secret: Option<String>, pace: &Arc<Pace>) -> Result<Box<dyn Way>> {
    let way = if broker::is_for(&service.url) {
        Broker::new(&service.url, secret, dial::dial(service)?).map(|broker| Box::new(broker) as Box<dyn Way>)
    } else {
        let agent = web::cloud_agent(tls(service)?);
        let link = Link::new(&service.url, appliance_id, secret, agent);
        link.map(|link| Box::new(link.paced(Arc::clone(pace))) as Box<dyn Way>)
    };
    way.map_err(|reason| anyhow!("--cloud-url: {reason}"))
}

/// What the API tells of it.
pub fn state(
    sender: Option<&Sender>,
    standing: &configuration::Shared,
    options: &Options,
) -> Option<api::state::CloudView> {
    let (state, url) = (sender?.state.clone(), options.cloud.as_ref()?.url.clone());
    let standing = standing.clone();
    Some(Arc::new(move || {
        let state = state.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let configuration = configuration::lock(&standing).clone();
        CloudState {
            configuration_version: configuration.version,
            configuration_failure: configuration.failure,
            url: url.clone(),
            cursor: state.cursor,
            failure: state.failure,
            taken: state.taken,
            failures: state.failures,
            records_per_second: state.rate,
        }
    }))
}

fn tls(service: &CloudService) -> Result<TlsConfig> {
    let mut tls = TlsConfig::builder();
    if let Some(path) = &service.roots {
        tls = tls.root_certs(RootCerts::new_with_certs(&web::certificates(path)?));
    }
    if let Some((certificate, key)) = &service.certificate {
        let pem = std::fs::read(key).with_context(|| format!("cannot read {}", key.display()))?;
        let key = PrivateKey::from_pem(&pem).with_context(|| format!("{} is no key", key.display()))?;
        tls = tls.client_cert(Some(ClientCert::new_with_certs(&web::certificates(certificate)?, key)));
    }
    Ok(tls.build())
}
