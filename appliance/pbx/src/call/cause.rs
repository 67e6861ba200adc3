//! Why calls end: Q.850 causes, SIP status codes and VoIPBIN's hang-up reasons, and how each becomes the others.

use sip::header::Reason;

use super::record::HangupReason;

/// A cause of ITU-T Q.850, as Reason headers carry it (RFC 3326).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cause(pub u8);

impl Cause {
    /// Unallocated number.
    pub const UNALLOCATED: Cause = Cause(1);
    /// No route to destination: nobody is known through whom the number can be called.
    pub const NO_ROUTE: Cause = Cause(3);
    /// Normal call clearing.
    pub const NORMAL: Cause = Cause(16);
    /// User busy.
    pub const BUSY: Cause = Cause(17);
    /// No user responding.
    pub const NO_RESPONSE: Cause = Cause(18);
    /// No answer from user.
    pub const NO_ANSWER: Cause = Cause(19);
    /// Subscriber absent: known here, but no phone is registered.
    pub const ABSENT: Cause = Cause(20);
    /// Call rejected.
    pub const REJECTED: Cause = Cause(21);
    /// Answered elsewhere: another of the phones that rang took the call.
    pub const ANSWERED_ELSEWHERE: Cause = Cause(26);
    /// Invalid number format: it cannot be called at all.
    pub const INVALID_NUMBER: Cause = Cause(28);
    /// No circuit available: no RTP port is left.
    pub const NO_CIRCUIT: Cause = Cause(34);
    /// Network out of order: nobody can be asked where a name is.
    pub const OUT_OF_ORDER: Cause = Cause(38);
    /// Temporary failure.
    pub const TEMPORARY_FAILURE: Cause = Cause(41);
    /// Congestion: what should have a place has none.
    pub const CONGESTION: Cause = Cause(42);
    /// Bearer capability not available: no codec in common.
    pub const INCOMPATIBLE: Cause = Cause(58);
    /// Recovery on timer expiry: a timer of the call ran out.
    pub const TIMER: Cause = Cause(102);

    /// The cause that a Reason header states in Q.850's terms, if it does.
    pub fn stated(reason: &Reason) -> Option<Cause> {
        let cause = reason.cause.filter(|_| reason.protocol.eq_ignore_ascii_case(b"Q.850"))?;
        u8::try_from(cause).ok().filter(|cause| *cause <= 127).map(Cause)
    }

    /// The words of Q.850 for the Reason header's text.
    pub fn text(self) -> &'static str {
        match self.0 {
            1 => "Unallocated number",
            3 => "No route to destination",
            16 => "Normal call clearing",
            17 => "User busy",
            18 => "No user responding",
            19 => "No answer",
            20 => "Subscriber absent",
            21 => "Call rejected",
            26 => "Answered elsewhere",
            28 => "Invalid number format",
            34 => "No circuit available",
            38 => "Network out of order",
            41 => "Temporary failure",
            42 => "Congestion",
            58 => "Bearer capability not available",
            102 => "Recovery on timer expiry",
            _ => "Interworking",
        }
    }

    /// The SIP status that tells this cause to a caller (`spec/calls.md`).
    pub fn status(self) -> u16 {
        match self.0 {
            1..=3 => 404,
            17 => 486,
            18 => 408,
            19 | 20 => 480,
            21 => 403,
            22 => 410,
            27 => 502,
            28 => 484,
            34 | 42 => 503,
            38 | 127 => 500,
            58 => 488,
            _ => 480,
        }
    }

    /// The cause behind a final status of a called phone (RFC 3398 §7.2.4.1, but for what a phone means by it).
    pub fn of_status(status: u16) -> Cause {
        match status {
            404 | 485 | 604 => Cause::UNALLOCATED,
            486 | 600 => Cause::BUSY,
            408 => Cause::NO_RESPONSE,
            480 => Cause::NO_ANSWER,
            403 | 603 => Cause::REJECTED,
            410 => Cause(22),
            484 => Cause(28),
            502 => Cause(27),
            503 => Cause::CONGESTION,
            415 | 488 | 606 => Cause::INCOMPATIBLE,
            500 => Cause::TEMPORARY_FAILURE,
            _ => Cause(127),
        }
    }

    /// The reason of an incoming leg that ended before it was answered.
    pub fn reason_incoming(self) -> HangupReason {
        match self.0 {
            19 => HangupReason::NoAnswer,
            17 => HangupReason::Busy,
            _ => HangupReason::Normal,
        }
    }

    /// The reason of an outgoing leg that ended before it was answered, and not by us.
    pub fn reason_outgoing(self) -> HangupReason {
        match self.0 {
            19 | 21 => HangupReason::NoAnswer,
            17 => HangupReason::Busy,
            16 | 26 => HangupReason::Normal,
            0 => HangupReason::Dialout,
            _ => HangupReason::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_the_specification_holds() {
        for (cause, status) in
            [(1, 404), (2, 404), (3, 404), (17, 486), (18, 408), (19, 480), (20, 480), (21, 403), (22, 410)]
        {
            assert_eq!(Cause(cause).status(), status, "cause {cause}");
        }
        for (cause, status) in [(27, 502), (28, 484), (34, 503), (42, 503), (38, 500), (58, 488), (127, 500)] {
            assert_eq!(Cause(cause).status(), status, "cause {cause}");
        }
    }

    #[test]
    fn a_busy_phone_is_busy_to_its_caller() {
        assert_eq!(Cause::of_status(486).status(), 486);
        assert_eq!(Cause::of_status(600).reason_outgoing(), HangupReason::Busy);
    }
}
