//! One order, from the account to the certificate (RFC 8555 §7.4).

use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use instant_acme::{
    Account, AccountCredentials, AuthorizationStatus, ChallengeType, ExternalAccountKey, Identifier, NewAccount,
    NewOrder, Order, OrderStatus, RetryPolicy,
};
use rcgen::{CertificateParams, DistinguishedName, KeyPair};
use store::certificate::AcmeChallenge;

use super::http::Asker;
use super::{Desk, Wish, hook};
use crate::limits;

/// How long a server may take to look.
const PATIENCE: RetryPolicy =
    RetryPolicy::new().initial_delay(Duration::from_millis(500)).timeout(limits::ACME_PATIENCE);

/// The account at the server; made where there is none yet, and returned to be kept.
pub async fn account(wish: &Wish, known: Option<AccountCredentials>) -> Result<(Account, Option<AccountCredentials>)> {
    let builder = Account::builder_with_http(Box::new(Asker::new(&wish.roots)?));
    if let Some(known) = known {
        return Ok((builder.from_credentials(known).await?, None));
    }
    let contact: Vec<String> =
        Some(&wish.contact).filter(|it| !it.is_empty()).map(|it| format!("mailto:{it}")).into_iter().collect();
    let contact: Vec<&str> = contact.iter().map(String::as_str).collect();
    let new = NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
    let external =
        wish.external.as_ref().and_then(|(id, key)| Some(ExternalAccountKey::new(id.clone(), &external_key(key)?)));
    let (account, made) = builder.create(&new, wish.directory_url.clone(), external.as_ref()).await?;
    Ok((account, Some(made)))
}

/// The key of an account that was made elsewhere.
pub fn external_key(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok().filter(|key| !key.is_empty())
}

/// Asks for a certificate; returns its chain and its key (both PEM).
pub async fn obtain(desk: &Desk, wish: &Wish, account: &Account) -> Result<(String, String)> {
    let identifiers: Vec<Identifier> = wish.names.iter().cloned().map(Identifier::Dns).collect();
    let mut order = account.new_order(&NewOrder::new(&identifiers)).await?;
    let mut records = Vec::new();
    let proved = prove((desk, wish), &mut order, &mut records).await;
    for (name, value) in &records {
        if let Err(error) = hook::call(wish, "cleanup", (name, value)) {
            tracing::warn!(%error, name, "a record for the ACME server stays where it is");
        }
    }
    proved?;
    let key = KeyPair::generate().context("cannot make a key")?;
    let mut asked = CertificateParams::new(wish.names.clone()).context("a name that no certificate can have")?;
    asked.distinguished_name = DistinguishedName::new();
    let request = asked.serialize_request(&key).context("cannot sign a request")?;
    order.finalize_csr(request.der()).await?;
    let chain = order.poll_certificate(&PATIENCE).await?;
    Ok((chain, key.serialize_pem()))
}

/// Shows the server that the names are the box's, and waits until it has looked.
async fn prove((desk, wish): (&Desk, &Wish), order: &mut Order, records: &mut Vec<(String, String)>) -> Result<()> {
    let kind = match wish.challenge {
        AcmeChallenge::Http01 => ChallengeType::Http01,
        AcmeChallenge::Dns01 => ChallengeType::Dns01,
    };
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization?;
        match authorization.status {
            AuthorizationStatus::Valid => continue,
            AuthorizationStatus::Pending => {}
            other => bail!("the server's authorization is {other:?}"),
        }
        let challenge = authorization.challenge(kind.clone());
        let challenge = challenge.ok_or_else(|| anyhow!("the server has no challenge {kind:?} for this name"))?;
        let answer = challenge.key_authorization();
        match wish.challenge {
            AcmeChallenge::Http01 => desk.show_token(&challenge.token, answer.as_str()),
            AcmeChallenge::Dns01 => {
                let instant_acme::Identifier::Dns(name) = challenge.identifier().identifier else {
                    bail!("the server asks for something that is no name");
                };
                let record = (format!("_acme-challenge.{name}"), answer.dns_value());
                hook::call(wish, "present", (&record.0, &record.1))?;
                records.push(record);
            }
        }
    }
    if !records.is_empty() {
        tokio::time::sleep(Duration::from_secs(wish.dns_wait.into())).await;
    }
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization?;
        if authorization.status == AuthorizationStatus::Pending
            && let Some(mut challenge) = authorization.challenge(kind.clone())
        {
            challenge.set_ready().await?;
        }
    }
    match order.poll_ready(&PATIENCE).await {
        Ok(OrderStatus::Ready | OrderStatus::Valid) => Ok(()),
        Ok(_) => Err(anyhow!(why(order, &kind).await)),
        Err(error) => Err(error.into()),
    }
}

/// Why the server does not sign, in its own words.
async fn why(order: &mut Order, kind: &ChallengeType) -> String {
    let mut said = Vec::new();
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        let Ok(_) = authorization.refresh().await else { continue };
        let name = authorization.identifier().to_string();
        for challenge in authorization.challenges.iter().filter(|challenge| challenge.r#type == *kind) {
            said.extend(challenge.error.as_ref().map(|problem| format!("{name}: {problem}")));
        }
    }
    if said.is_empty() { "the server does not sign, and does not say why".into() } else { said.join("; ") }
}
