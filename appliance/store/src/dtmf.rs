//! Keys that phones pressed: events only, no rows.

use pbx::call::Dtmf;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::setting::Identity;
use crate::timestamp::Timestamp;

/// A key that a phone pressed, as events carry it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Dtmf)]
pub struct Record {
    /// Its id.
    pub id: Uuid,
    /// The box's customer.
    pub customer_id: Uuid,
    /// The call.
    pub call_id: Uuid,
    /// Which: `0`–`9`, `*`, `#`, `A`–`D`.
    pub digit: String,
    /// When it was pressed.
    pub tm_create: Timestamp,
}

impl Record {
    /// The public form.
    pub fn new(dtmf: &Dtmf, identity: &Identity) -> Record {
        Record {
            id: dtmf.id,
            customer_id: identity.customer_id,
            call_id: dtmf.call_id,
            digit: dtmf.digit.to_string(),
            tm_create: dtmf.at.into(),
        }
    }
}
