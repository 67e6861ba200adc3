//! Providers: those through whom we call the world.

use std::collections::BTreeMap;

use pbx::directory::provider::{codec_names, read_codecs};
use pbx::directory::{Provider, ProviderData, Register};
use pbx::provider::{Health, ProviderRecord, Standing, State};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use sip::Transport;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::encryption::Encryption;
use crate::page::{Page, PageRequest};
use crate::timestamp::Timestamp;
use crate::word::words;
use crate::{Error, kept};

const TABLE: &str = "provider";

words! {
    /// What a provider speaks.
    ProviderType as "ProviderType" { Sip = "sip" }
}

words! {
    /// What SIP is carried by.
    ProviderTransport as "ProviderTransport" { Udp = "udp", Tcp = "tcp", Tls = "tls" }
}

words! {
    /// Whether a provider is there: whether it answered OPTIONS, whatever it answered.
    HealthStatus as "HealthStatus" { Unknown = "unknown", Healthy = "healthy", Unhealthy = "unhealthy" }
}

words! {
    /// Whether we are registered with a provider.
    RegistrationStatus as "RegistrationStatus" {
        Unregistered = "unregistered", Registering = "registering", Registered = "registered", Failing = "failing",
    }
}

/// How things stand with our registration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ProviderRegistration)]
pub struct Registration {
    /// Whether we are registered.
    pub status: RegistrationStatus,
    /// What the provider last said, or why it said nothing.
    pub answer: String,
    /// Until when we are registered.
    pub until: Option<Timestamp>,
    /// Where the provider saw our request come from.
    pub seen_at: Option<String>,
}

/// What the exchange knows of a provider beyond VoIPBIN's fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ProviderMetadata)]
pub struct Metadata {
    /// How things stand with our registration.
    pub registration: Registration,
    /// Why there is no connection to it over TLS: what is wrong with its certificate, or that nobody is there; empty: nothing
    /// is known to be wrong.
    pub trouble: String,
}

/// Who we are to a provider, without the password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ProviderRegister)]
pub struct Registered {
    /// The realm that may ask for the password; empty: any.
    pub realm: String,
    /// The user name.
    pub username: String,
    /// For how many seconds we register; 0: not at all.
    pub expires: u32,
}

/// A provider as the API shows it and events carry it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Provider)]
pub struct Record {
    /// Its id, for ever.
    pub id: Uuid,
    /// What it speaks.
    #[serde(rename = "type")]
    pub kind: ProviderType,
    /// Its name in the network, or its address.
    pub hostname: String,
    /// Its port; `null`: what the name says, or that of SIP.
    pub port: Option<u16>,
    /// What SIP is carried by; `null`: what the name says, or UDP.
    pub transport: Option<ProviderTransport>,
    /// What stands before every number.
    pub tech_prefix: String,
    /// What stands behind every number.
    pub tech_postfix: String,
    /// Headers of every INVITE.
    pub tech_headers: BTreeMap<String, String>,
    /// What the exchange knows beyond that.
    pub metadata: Metadata,
    /// Its name.
    pub name: String,
    /// A remark.
    pub detail: String,
    /// The codecs that it is offered, the preferred one first, as `pcma,pcmu`; empty: those of the exchange.
    pub codecs: String,
    /// The number that calls of extensions come from; empty: the user name, or the extension's own.
    pub caller_id: String,
    /// Whether audio is encrypted with it: `off`, `optional`, `required`; empty: as the box is set.
    pub encryption: Encryption,
    /// Who vouches for its certificate where it speaks TLS (PEM); empty: those whom browsers trust.
    pub tls_roots: String,
    /// Who we are there; `null`: nobody it knows.
    pub register: Option<Registered>,
    /// Whether it is there.
    pub health_status: HealthStatus,
    /// When it was last asked.
    pub health_checked_at: Option<Timestamp>,
    /// When it was made.
    pub tm_create: Timestamp,
    /// When it was last changed.
    pub tm_update: Timestamp,
    /// When it was deleted.
    pub tm_delete: Option<Timestamp>,
}

impl Record {
    /// The public form.
    pub fn new(record: &ProviderRecord) -> Record {
        let ProviderRecord { provider, state } = record;
        let data = &provider.data;
        let registered = |register: &Register| Registered {
            realm: register.realm.clone(),
            username: register.username.clone(),
            expires: register.expires,
        };
        Record {
            id: provider.id,
            kind: ProviderType::Sip,
            hostname: data.hostname.clone(),
            port: data.port,
            transport: data.transport.map(Into::into),
            tech_prefix: data.tech_prefix.clone(),
            tech_postfix: data.tech_postfix.clone(),
            tech_headers: data.tech_headers.iter().cloned().collect(),
            metadata: Metadata { registration: state.into(), trouble: state.trouble.clone() },
            name: data.name.clone(),
            detail: data.detail.clone(),
            codecs: codec_names(&data.codecs),
            caller_id: data.caller_id.clone(),
            encryption: data.encryption.into(),
            tls_roots: data.tls_roots.clone(),
            register: data.register.as_ref().map(registered),
            health_status: state.health.into(),
            health_checked_at: state.checked.map(Into::into),
            tm_create: provider.created.into(),
            tm_update: provider.updated.into(),
            tm_delete: provider.deleted.map(Into::into),
        }
    }
}

/// A provider as it lies in the database.
#[derive(Serialize, Deserialize)]
struct Row {
    name: String,
    detail: String,
    hostname: String,
    port: Option<u16>,
    transport: Option<ProviderTransport>,
    tech_prefix: String,
    tech_postfix: String,
    tech_headers: Vec<(String, String)>,
    codecs: String,
    caller_id: String,
    #[serde(default = "Encryption::of_the_box")]
    encryption: Encryption,
    #[serde(default)]
    tls_roots: String,
    register: Option<RegisterRow>,
}

#[derive(Serialize, Deserialize)]
struct RegisterRow {
    realm: String,
    username: String,
    password: String,
    expires: u32,
}

impl From<&ProviderData> for Row {
    fn from(data: &ProviderData) -> Row {
        let data = data.clone();
        let register = data.register.map(|register| {
            let Register { realm, username, password, expires } = register;
            RegisterRow { realm, username, password, expires }
        });
        Row {
            codecs: codec_names(&data.codecs),
            name: data.name,
            detail: data.detail,
            hostname: data.hostname,
            port: data.port,
            transport: data.transport.map(Into::into),
            tech_prefix: data.tech_prefix,
            tech_postfix: data.tech_postfix,
            tech_headers: data.tech_headers,
            caller_id: data.caller_id,
            encryption: data.encryption.into(),
            tls_roots: data.tls_roots,
            register,
        }
    }
}

impl From<Row> for ProviderData {
    fn from(row: Row) -> ProviderData {
        let register = row.register.map(|register| {
            let RegisterRow { realm, username, password, expires } = register;
            Register { realm, username, password, expires }
        });
        ProviderData {
            codecs: read_codecs(&row.codecs).unwrap_or_default(),
            name: row.name,
            detail: row.detail,
            hostname: row.hostname,
            port: row.port,
            transport: row.transport.map(Into::into),
            tech_prefix: row.tech_prefix,
            tech_postfix: row.tech_postfix,
            tech_headers: row.tech_headers,
            caller_id: row.caller_id,
            encryption: row.encryption.into(),
            tls_roots: row.tls_roots,
            register,
        }
    }
}

pub(crate) fn save(connection: &Connection, provider: &Provider) -> Result<(), Error> {
    kept::save(connection, TABLE, provider, &Row::from(&provider.data))
}

fn record_of(row: pbx::directory::table::Entry<Row>) -> Record {
    Record::new(&ProviderRecord { provider: kept::with_data(row, Into::into), state: State::default() })
}

/// The provider with this id, unless it is deleted. How things stand with it only the exchange knows.
pub(crate) fn get(connection: &Connection, id: Uuid) -> Result<Option<Record>, Error> {
    Ok(kept::get::<Row>(connection, TABLE, id)?.map(record_of))
}

/// A page of providers, the newest first.
pub(crate) fn list(connection: &Connection, page: PageRequest) -> Result<Page<Record>, Error> {
    kept::list::<Row, _>(connection, TABLE, page, record_of)
}

/// All providers that are not deleted.
pub(crate) fn all(connection: &Connection) -> Result<Vec<Provider>, Error> {
    Ok(kept::all::<Row>(connection, TABLE)?.into_iter().map(|row| kept::with_data(row, Into::into)).collect())
}

impl From<&State> for Registration {
    fn from(state: &State) -> Registration {
        let status = match state.standing {
            Standing::Unregistered => RegistrationStatus::Unregistered,
            Standing::Registering => RegistrationStatus::Registering,
            Standing::Registered => RegistrationStatus::Registered,
            Standing::Failing => RegistrationStatus::Failing,
        };
        let seen_at = state.seen_at.map(|address| address.to_string());
        Registration { status, answer: state.answer.clone(), until: state.until.map(Into::into), seen_at }
    }
}

impl From<Health> for HealthStatus {
    fn from(health: Health) -> HealthStatus {
        match health {
            Health::Unknown => HealthStatus::Unknown,
            Health::Healthy => HealthStatus::Healthy,
            Health::Unhealthy => HealthStatus::Unhealthy,
        }
    }
}

impl From<Transport> for ProviderTransport {
    fn from(transport: Transport) -> ProviderTransport {
        match transport {
            Transport::Udp => ProviderTransport::Udp,
            Transport::Tls => ProviderTransport::Tls,
            _ => ProviderTransport::Tcp,
        }
    }
}

impl From<ProviderTransport> for Transport {
    fn from(transport: ProviderTransport) -> Transport {
        match transport {
            ProviderTransport::Udp => Transport::Udp,
            ProviderTransport::Tcp => Transport::Tcp,
            ProviderTransport::Tls => Transport::Tls,
        }
    }
}
