//! What one call brings about for others. A call knows nothing of other calls: it says what is to be done, and the
//! exchange does it as soon as it has let go of the call.

use uuid::Uuid;

use super::transfer::Goal;
use super::{CallKey, Failure, LegKey};
use crate::flow::record::Origin;
use crate::flow::{NewCall, Script};

/// Something to be done once the call that brought it about is out of hand.
#[derive(Debug)]
pub enum Affair {
    /// Peers reach us elsewhere.
    Moved,
    /// A call of a groupcall was answered.
    Answered {
        /// The groupcall.
        groupcall: Uuid,
        /// The call.
        call: Uuid,
    },
    /// A call of a groupcall is over.
    Over {
        /// The groupcall.
        groupcall: Uuid,
    },
    /// A call ends because the one that it is chained to has ended.
    HangUp(Uuid),
    /// A groupcall ends for the same reason.
    HangUpGroupcall(Uuid),
    /// A flow wants calls to be made.
    Make {
        /// The call that goes through it.
        call: CallKey,
        /// Which.
        new: Box<NewCall>,
    },
    /// A flow runs by itself, because another one, or a recording, is over.
    Run(Box<Script>, Origin),
    /// A phone wants the one it talks to to go elsewhere.
    Refer {
        /// Its leg, by its name.
        leg: LegKey,
        /// Where to.
        goal: Goal,
        /// Whether it wants to know how that gets on.
        is_watched: bool,
    },
    /// A phone takes the place of another one.
    Pickup {
        /// The leg that has to go, by its name.
        replaced: LegKey,
        /// The leg that comes, by its name.
        by: LegKey,
    },
    /// A phone that transferred is to know how that gets on.
    TransferProgress {
        /// Its leg, by its name.
        leg: LegKey,
        /// The status of the one who is rung.
        status: u16,
    },
    /// One of two who consulted has gone: the other one has whoever waits.
    Consulted {
        /// The leg that waits, by its name.
        waits: LegKey,
        /// The leg that is still there, by its name; `None`: they had not come to talk.
        stays: Option<LegKey>,
    },
    /// Nobody took the one whom a phone transferred.
    TransferFailed {
        /// The call of the one who is transferred.
        call: CallKey,
        /// Why.
        failure: Failure,
    },
}
