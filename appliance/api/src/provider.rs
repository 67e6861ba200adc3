//! `/v1.0/providers`.

use std::collections::BTreeMap;

use axum::extract::State as Shared;
use pbx::directory::provider::read_codecs;
use pbx::directory::{ProviderData, ProviderSetup, Register};
use pbx::{Command, Rejection, Reply};
use serde::Deserialize;
use store::Page;
use store::encryption::Encryption;
use store::provider::{ProviderTransport, ProviderType, Record};
use utoipa::ToSchema;

use crate::body::Json;
use crate::exchange::ask;
use crate::failure::{ErrorEnvelope, Failure};
use crate::parameters::{Id, PageParameters, Parameters};
use crate::state::State;

/// A new provider.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ProviderCreate {
    /// Its name in the network, or its address.
    hostname: String,
    /// All else.
    #[serde(flatten)]
    rest: ProviderUpdate,
}

/// A new provider, and the numbers that go through it.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ProviderSetupRequest {
    /// The provider.
    #[serde(flatten)]
    provider: ProviderCreate,
    /// What the numbers begin with: `+` and a country code, or `all`; a route is made for each. `["all"]` by default; none
    /// where it is empty.
    #[serde(default = "everywhere")]
    targets: Vec<String>,
    /// The priority of those routes, of several for the same numbers the lowest is tried first; 0 to 10000, 0 by default.
    #[serde(default)]
    priority: i32,
}

fn everywhere() -> Vec<String> {
    vec!["all".into()]
}

/// What changes of a provider.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ProviderUpdate {
    /// What it speaks: `sip`, and nothing else.
    #[serde(default, rename = "type")]
    _type: Option<ProviderType>,
    /// Its name in the network, or its address.
    hostname: Option<String>,
    /// Its port; 0 or not there: what the name says (RFC 3263), or that of SIP.
    port: Option<u16>,
    /// What SIP is carried by; not there: what the name says, or UDP.
    transport: Option<ProviderTransport>,
    /// What stands before every number.
    tech_prefix: Option<String>,
    /// What stands behind every number.
    tech_postfix: Option<String>,
    /// Headers of every INVITE; none of those that the exchange writes itself. At most 20.
    tech_headers: Option<BTreeMap<String, String>>,
    /// The codecs that it is offered, the preferred one first, as `pcma,pcmu`; empty: those of the exchange.
    codecs: Option<String>,
    /// The number that calls of extensions come from; empty: the user name, or the extension's own.
    caller_id: Option<String>,
    /// Whether audio is encrypted with it: `off`, `optional`, `required`; empty: as the box is set.
    encryption: Option<Encryption>,
    /// Who vouches for its certificate where it speaks TLS, at most 64 KiB (PEM); empty: those whom browsers trust. The certificate
    /// has to be for `hostname`.
    tls_roots: Option<String>,
    /// Who we are there.
    register: Option<ProviderRegister>,
    /// Its name.
    name: Option<String>,
    /// A remark.
    detail: Option<String>,
}

/// Who we are to a provider; what is not there stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ProviderRegister {
    /// The realm that may ask for the password; empty: any.
    realm: Option<String>,
    /// The user name; empty: nobody, and nothing is registered.
    username: Option<String>,
    /// The password; it is never shown again.
    password: Option<String>,
    /// For how many seconds to register, 60 to 86400; 0: not at all, the password is for calls. 3600 by default.
    expires: Option<u32>,
}

/// Lists the providers, newest first.
#[utoipa::path(
    get,
    path = "/v1.0/providers",
    params(PageParameters),
    responses((status = 200, body = Page<Record>), (status = 400, body = ErrorEnvelope), (status = 401, body = ErrorEnvelope)),
    tag = "providers"
)]
pub(crate) async fn list(
    Shared(state): Shared<State>,
    Parameters(parameters): Parameters<PageParameters>,
) -> Result<axum::Json<Page<Record>>, Failure> {
    let page = parameters.request()?;
    let mut listed = state.readers().read(move |reader| reader.providers(page)).await?;
    let Reply::Providers(known) = ask(&state, Command::ListProviders).await? else { return Err(Failure::internal()) };
    for record in &mut listed.result {
        if let Some(known) = known.iter().find(|known| known.provider.id == record.id) {
            *record = Record::new(known);
        }
    }
    Ok(axum::Json(listed))
}

/// Makes a provider: the box registers with it from now on, if that is set, and routes may lead to it.
#[utoipa::path(
    post,
    path = "/v1.0/providers",
    request_body = ProviderCreate,
    responses(
        (status = 200, body = Record),
        (status = 400, body = ErrorEnvelope, description = "INVALID_JSON_BODY, INVALID_ARGUMENT"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 429, body = ErrorEnvelope, description = "LIMIT_REACHED"),
    ),
    tag = "providers"
)]
pub(crate) async fn create(
    Shared(state): Shared<State>,
    Json(new): Json<ProviderCreate>,
) -> Result<axum::Json<Record>, Failure> {
    order(&state, Command::CreateProvider(Box::new(new.data()?))).await
}

/// Makes a provider and the routes that lead to it: all of them, or nothing. The box registers with it from now on, if that
/// is set, and calls go through it.
#[utoipa::path(
    post,
    path = "/v1.0/providers/setup",
    request_body = ProviderSetupRequest,
    responses(
        (status = 200, body = Record),
        (status = 400, body = ErrorEnvelope, description = "INVALID_JSON_BODY, INVALID_ARGUMENT"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 429, body = ErrorEnvelope, description = "LIMIT_REACHED"),
    ),
    tag = "providers"
)]
pub(crate) async fn set_up(
    Shared(state): Shared<State>,
    Json(new): Json<ProviderSetupRequest>,
) -> Result<axum::Json<Record>, Failure> {
    let ProviderSetupRequest { provider, targets, priority } = new;
    let setup = ProviderSetup { provider: provider.data()?, targets, priority };
    order(&state, Command::SetUpProvider(Box::new(setup))).await
}

/// Shows a provider.
#[utoipa::path(
    get,
    path = "/v1.0/providers/{id}",
    params(("id" = Uuid, Path)),
    responses((status = 200, body = Record), (status = 401, body = ErrorEnvelope), (status = 404, body = ErrorEnvelope, description = "PROVIDER_NOT_FOUND")),
    tag = "providers"
)]
pub(crate) async fn get(Shared(state): Shared<State>, Id(id): Id) -> Result<axum::Json<Record>, Failure> {
    order(&state, Command::ReadProvider(id)).await
}

/// Changes a provider; what is not there stays as it is.
#[utoipa::path(
    put,
    path = "/v1.0/providers/{id}",
    params(("id" = Uuid, Path)),
    request_body = ProviderUpdate,
    responses(
        (status = 200, body = Record),
        (status = 400, body = ErrorEnvelope, description = "INVALID_JSON_BODY, INVALID_ARGUMENT, INVALID_ID"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "PROVIDER_NOT_FOUND"),
    ),
    tag = "providers"
)]
pub(crate) async fn update(
    Shared(state): Shared<State>,
    Id(id): Id,
    Json(change): Json<ProviderUpdate>,
) -> Result<axum::Json<Record>, Failure> {
    let Reply::Provider(known) = ask(&state, Command::ReadProvider(id)).await? else { return Err(Failure::internal()) };
    let data = change.apply(known.provider.data)?;
    order(&state, Command::UpdateProvider(id, Box::new(data))).await
}

/// Deletes a provider that no route leads to. Its calls go on.
#[utoipa::path(
    delete,
    path = "/v1.0/providers/{id}",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = Record),
        (status = 400, body = ErrorEnvelope, description = "INVALID_ID"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "PROVIDER_NOT_FOUND"),
        (status = 409, body = ErrorEnvelope, description = "IN_USE: a route leads to it"),
    ),
    tag = "providers"
)]
pub(crate) async fn delete(Shared(state): Shared<State>, Id(id): Id) -> Result<axum::Json<Record>, Failure> {
    order(&state, Command::DeleteProvider(id)).await
}

/// Asks the exchange for a change, and shows the provider as it is after it.
async fn order(state: &State, command: Command) -> Result<axum::Json<Record>, Failure> {
    let Reply::Provider(record) = ask(state, command).await? else { return Err(Failure::internal()) };
    Ok(axum::Json(Record::new(&record)))
}

impl ProviderCreate {
    fn data(self) -> Result<ProviderData, Failure> {
        self.rest.apply(ProviderData { hostname: self.hostname, ..ProviderData::default() })
    }
}

impl ProviderUpdate {
    fn apply(self, mut data: ProviderData) -> Result<ProviderData, Failure> {
        if let Some(codecs) = self.codecs {
            let reason = "must be some of opus, g722, pcma, pcmu, g729, separated by commas";
            data.codecs = read_codecs(&codecs).ok_or(Rejection::Invalid { field: "codecs", reason })?;
        }
        if let Some(headers) = self.tech_headers {
            data.tech_headers = headers.into_iter().collect();
        }
        if let Some(port) = self.port {
            data.port = Some(port).filter(|port| *port != 0);
        }
        if let Some(register) = self.register {
            let known = data.register.unwrap_or(Register { expires: 3_600, ..Register::default() });
            data.register = Some(register.apply(known)).filter(|register| !register.username.is_empty());
        }
        data.hostname = self.hostname.unwrap_or(data.hostname);
        data.transport = self.transport.map(Into::into).or(data.transport);
        data.tech_prefix = self.tech_prefix.unwrap_or(data.tech_prefix);
        data.tech_postfix = self.tech_postfix.unwrap_or(data.tech_postfix);
        data.caller_id = self.caller_id.unwrap_or(data.caller_id);
        data.encryption = self.encryption.map_or(data.encryption, Into::into);
        data.tls_roots = self.tls_roots.unwrap_or(data.tls_roots);
        data.name = self.name.unwrap_or(data.name);
        data.detail = self.detail.unwrap_or(data.detail);
        Ok(data)
    }
}

impl ProviderRegister {
    fn apply(self, known: Register) -> Register {
        Register {
            realm: self.realm.unwrap_or(known.realm),
            username: self.username.unwrap_or(known.username),
            password: self.password.filter(|password| !password.is_empty()).unwrap_or(known.password),
            expires: self.expires.unwrap_or(known.expires),
        }
    }
}
