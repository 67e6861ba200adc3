//! Asking the exchange, which lives on the signalling thread.

use pbx::{Command, Rejection, Reply};
use store::flow::Finding;
use tokio::sync::oneshot;

use crate::failure::{Failure, Status};
use crate::limits;
use crate::state::State;

/// The way to the exchange; the daemon is behind it.
pub trait Exchange: Send + Sync {
    /// Hands over a command and never waits. The answer comes once the events that the command caused are on the
    /// disk; where the exchange cannot take the command, or the disk cannot be written, the sender is dropped.
    fn submit(&self, command: Command) -> oneshot::Receiver<Result<Reply, Rejection>>;
}

/// Asks, and waits as long as a person would. While the database cannot be written nothing that people set is changed:
/// it could be promised to nobody.
pub async fn ask(state: &State, command: Command) -> Result<Reply, Failure> {
    if sets_something(&command) {
        writable(state)?;
    }
    match tokio::time::timeout(limits::ANSWER, state.exchange().submit(command)).await {
        Ok(Ok(Ok(reply))) => Ok(reply),
        Ok(Ok(Err(rejection))) => Err(rejection.into()),
        Ok(Err(_)) => Err(Failure::unavailable("the exchange takes no orders at the moment")),
        // The disk filled up between our look and the commit, or a call was hung up, which waits for no disk.
        Err(_) if state.journal().statistics().failing.is_some() => Err(Failure::unavailable(
            "the database cannot be written; what was asked for is done, and is written down once it can be",
        )),
        Err(_) => Err(Failure::new(Status::Unavailable, "REQUEST_TIMEOUT", "the exchange did not answer in time")),
    }
}

/// Whether the database can be written, as far as anybody knows.
pub fn writable(state: &State) -> Result<(), Failure> {
    match state.journal().statistics().failing {
        Some(reason) => Err(Failure::unavailable(format!("the database cannot be written: {reason}"))),
        None => Ok(()),
    }
}

fn sets_something(command: &Command) -> bool {
    match command {
        Command::CreateExtension(_) | Command::UpdateExtension(..) | Command::DeleteExtension(_) => true,
        Command::CreateConference(_) | Command::UpdateConference(..) | Command::DeleteConference(_) => true,
        Command::CreateFlow(_) | Command::UpdateFlow(..) | Command::DeleteFlow(_) => true,
        Command::CreateNumber(_) | Command::UpdateNumber(..) | Command::DeleteNumber(_) => true,
        Command::CreateAgent(..) | Command::UpdateAgent(..) | Command::DeleteAgent(..) => true,
        Command::CreateTag(_) | Command::UpdateTag(..) | Command::DeleteTag(_) => true,
        Command::CreateTrunk(_) | Command::UpdateTrunk(..) | Command::DeleteTrunk(_) => true,
        Command::CreateProvider(_)
        | Command::SetUpProvider(_)
        | Command::UpdateProvider(..)
        | Command::DeleteProvider(_) => true,
        Command::CreateRoute(_) | Command::UpdateRoute(..) | Command::DeleteRoute(_) => true,
        Command::UpdateOutboundConfig(_) | Command::RegenerateDirectHash(_) | Command::DeleteDirectHash(_) => true,
        Command::ReadTrunk(_) | Command::ReadProvider(_) | Command::ListProviders | Command::ReadRoute(_) => false,
        Command::UpdateBillingAccount(_) | Command::AdjustBalance(_) => true,
        // What cannot be written down had better not begin; to end it must be possible always.
        Command::StartRecording(..) => true,
        Command::StopRecording(_) | Command::PauseRecording { .. } => false,
        Command::CreateActiveflow(_) => true,
        // A call that cannot be written down had better not begin.
        Command::CreateCalls(_) | Command::CreateGroupcall(_) => true,
        Command::HangupGroupcall(_) => false,
        Command::HangupCall(_)
        | Command::CreateTransfer(_)
        | Command::ControlCall(..)
        | Command::SendDigits { .. }
        | Command::DeleteConferencecall(_) => false,
        Command::StopActiveflow(_) => false,
        Command::Talk(..)
        | Command::ReadSequence(_)
        | Command::ListBindings(_)
        | Command::ReadCounters
        | Command::ReadPublicAddress
        | Command::SetTimeZone(_) => false,
    }
}

/// Has something written that the exchange does not know of, and waits until it is on the disk.
pub async fn remember(state: &State, item: store::Item) -> Result<(), Failure> {
    writable(state)?;
    let (done, written) = oneshot::channel();
    let done: store::journal::Done = Box::new(move |committed| {
        // The request may be gone by the time its answer is there.
        let _ = done.send(committed);
    });
    let entry = store::journal::Entry { items: vec![item], done: Some(done) };
    let failed = || writable(state).err().unwrap_or(Failure::unavailable("the database cannot be written"));
    state.journal().submit(entry).map_err(|_| failed())?;
    match tokio::time::timeout(limits::ANSWER, written).await {
        Ok(Ok(_)) => Ok(()),
        _ => Err(failed()),
    }
}

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Failure {
        let message = rejection.to_string();
        match rejection {
            Rejection::NotFound(what) => Failure::not_found(what),
            Rejection::AlreadyExists(what) => {
                let reason = format!("{}_ALREADY_EXISTS", what.to_ascii_uppercase());
                Failure::new(Status::AlreadyExists, reason, message)
            }
            Rejection::Invalid { field, reason } => {
                let details = serde_json::json!([{ "field": field, "reason": reason }]);
                Failure::new(Status::InvalidArgument, "INVALID_ARGUMENT", message).with_details(details)
            }
            Rejection::Fault(fault) => {
                let details = serde_json::json!([{ "field": fault.at, "reason": fault.reason }]);
                Failure::new(Status::InvalidArgument, "INVALID_ARGUMENT", message).with_details(details)
            }
            Rejection::Flow(findings) => {
                let findings: Vec<Finding> = findings.into_iter().map(Finding::from).collect();
                Failure::new(Status::InvalidArgument, "INVALID_ARGUMENT", message)
                    .with_details(serde_json::json!(findings))
            }
            Rejection::Forbidden(_) => Failure::new(Status::PermissionDenied, "PERMISSION_DENIED", message),
            Rejection::LastAdmin => Failure::new(Status::FailedPrecondition, "LAST_ADMIN", message),
            Rejection::InUse(_) => Failure::new(Status::FailedPrecondition, "IN_USE", message),
            Rejection::AlreadyHungUp => Failure::new(Status::FailedPrecondition, "CALL_ALREADY_HANGUP", message),
            Rejection::NotAnswered => Failure::new(Status::FailedPrecondition, "CALL_NOT_ANSWERED", message),
            Rejection::CallState => Failure::new(Status::FailedPrecondition, "CALL_STATE_INVALID", message),
            Rejection::ConferenceEmpty => Failure::new(Status::FailedPrecondition, "STATE_INVALID", message),
            Rejection::RecordingActive => Failure::new(Status::FailedPrecondition, "RECORDING_ALREADY_ACTIVE", message),
            Rejection::RecordingInactive => Failure::new(Status::FailedPrecondition, "RECORDING_NOT_ACTIVE", message),
            Rejection::Spent => Failure::new(Status::PaymentRequired, "INSUFFICIENT_BALANCE", message),
            Rejection::Exhausted(_) => {
                Failure::new(Status::ResourceExhausted, "LIMIT_REACHED", message).with_retry_after(60)
            }
        }
    }
}
