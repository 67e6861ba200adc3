//! `/v1.0/transfers`.

use axum::extract::State as Shared;
use pbx::call::transfer::{NewTransfer, TransferKind, TransferRecord};
use pbx::{Command, Reply};
use serde::{Deserialize, Serialize};
use store::Timestamp;
use store::address::Address;
use store::value::Tree;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::body::Json;
use crate::call::create::read_addresses;
use crate::exchange::ask;
use crate::failure::{ErrorEnvelope, Failure};
use crate::state::State;

/// How whoever is transferred comes to the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum TransferType {
    /// The one who transfers talks to the other first; whoever is transferred hears music until it hangs up.
    Attended,
    /// The one who transfers leaves at once. Where nobody answers, it is rung again.
    Blind,
}

/// A transfer to be begun.
#[derive(Debug, Deserialize, ToSchema)]
pub struct TransferCreate {
    /// How.
    transfer_type: TransferType,
    /// The call of the one who transfers whom it talks to.
    transferer_call_id: Uuid,
    /// To whom, 1 to 20 addresses of the types `extension`, `tel`, `conference` and `agent`: whoever answers first.
    #[schema(value_type = Vec<Address>)]
    transferee_addresses: Vec<Tree>,
}

/// A transfer that was begun. What comes of it is seen at its calls.
#[derive(Debug, Serialize, ToSchema)]
pub struct Transfer {
    /// Its id.
    id: Uuid,
    /// The box's customer.
    customer_id: Uuid,
    /// How.
    #[serde(rename = "type")]
    kind: TransferType,
    /// The call of the one who transfers.
    transferer_call_id: Uuid,
    /// To whom.
    transferee_addresses: Vec<Address>,
    /// The call that is transferred.
    transferee_call_id: Uuid,
    /// The groupcall of those who are rung; nil: this box makes none.
    groupcall_id: Uuid,
    /// The bridge they meet in; nil: they are brought together at once.
    confbridge_id: Uuid,
    /// When it was begun.
    tm_create: Timestamp,
    /// When it was changed.
    tm_update: Timestamp,
    /// When it was deleted: never.
    tm_delete: Option<Timestamp>,
}

/// Sends whom a call talks to to somebody else.
#[utoipa::path(
    post,
    path = "/v1.0/transfers",
    request_body = TransferCreate,
    responses(
        (status = 200, body = Transfer),
        (status = 400, body = ErrorEnvelope, description = "INVALID_JSON_BODY, INVALID_ARGUMENT"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "CALL_NOT_FOUND"),
        (status = 409, body = ErrorEnvelope, description = "CALL_STATE_INVALID: it talks to nobody"),
    ),
    tag = "transfers"
)]
pub(crate) async fn create(
    Shared(state): Shared<State>,
    Json(new): Json<TransferCreate>,
) -> Result<axum::Json<Transfer>, Failure> {
    let TransferCreate { transfer_type, transferer_call_id: call, transferee_addresses } = new;
    let addresses = read_addresses("transferee_addresses", transferee_addresses)?;
    let kind = match transfer_type {
        TransferType::Attended => TransferKind::Attended,
        TransferType::Blind => TransferKind::Blind,
    };
    match ask(&state, Command::CreateTransfer(NewTransfer { kind, call, addresses })).await? {
        Reply::Transfer(transfer) => Ok(axum::Json(Transfer::new(&transfer, state.store().identity().customer_id))),
        _ => Err(Failure::internal()),
    }
}

impl Transfer {
    fn new(transfer: &TransferRecord, customer_id: Uuid) -> Transfer {
        let created = Timestamp::from(transfer.created);
        Transfer {
            id: transfer.id,
            customer_id,
            kind: match transfer.asked.kind {
                TransferKind::Attended => TransferType::Attended,
                TransferKind::Blind => TransferType::Blind,
            },
            transferer_call_id: transfer.asked.call,
            transferee_addresses: transfer.asked.addresses.iter().map(Address::from).collect(),
            transferee_call_id: transfer.transferee,
            groupcall_id: Uuid::nil(),
            confbridge_id: Uuid::nil(),
            tm_create: created,
            tm_update: created,
            tm_delete: None,
        }
    }
}
