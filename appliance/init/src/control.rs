//! The control socket: where the exchange, which is not root, asks for what only the first process of the box can do.
//!
//! A connection is a request: a line of JSON, `{"do":"reboot"}`, with what the request needs beside it. The answer is any
//! number of lines `{"progress":…}`, then `{"ok":…}`, or `{"error":"a sentence"}` with the name of the `field` that is wrong
//! where there is one, or a word for the `reason`. What is done for each request stands in a file of its own.
mod conversation;
mod factory_reset;
mod network;
mod power_off;
mod reboot;
mod state;
#[cfg(test)]
mod tests;
mod update;
mod update_reported;
mod update_state;
mod update_switch;

use std::cell::Cell;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;
use smol::Timer;
use smol::channel::Sender;
use smol::net::unix::UnixListener;

use crate::console::say;
use crate::exchange::{Event, Executor};
use crate::mdns::Name;
use crate::network::Network;
use crate::unprivileged;
use crate::update::Updater;
use conversation::{Conversation, Refusal, Request};

/// Where it is; the exchange is told by `TANDEM_BOARD`.
pub const SOCKET: &str = "/run/tandem/board";

/// Conversations at a time: a person at the page has one, and programs have no hurry.
const CONVERSATIONS: usize = 8;
/// How long accepting waits after it failed.
const PAUSE: Duration = Duration::from_millis(100);

/// What requests may touch.
pub struct Board {
    /// To whoever keeps the exchange alive.
    pub events: Sender<Event>,
    /// The data partition.
    pub data: PathBuf,
    /// Whether there is a watchdog that resets a box that hangs.
    pub has_watchdog: bool,
    /// The network, and the name by which it knows the box.
    pub network: Rc<Network>,
    pub name: Name,
    /// Writes updates.
    pub updater: Updater,
}

/// Makes the socket; for the owner and the group of the exchange alone.
pub fn open(path: &Path) -> Result<UnixListener> {
    let folder = path.parent().context("the control socket is in no folder")?;
    fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    // Of a process before this one: nobody listens there any more.
    let _ = fs::remove_file(path);
    let listener = UnixListener::bind(path).with_context(|| format!("{} cannot be made", path.display()))?;
    fs::set_permissions(path, Permissions::from_mode(0o660))?;
    if let Err(error) = unprivileged::share(path) {
        say(format_args!("only root speaks to the board: {error}"));
    }
    Ok(listener)
}

/// Answers for as long as the box runs.
pub async fn serve(executor: Executor, listener: UnixListener, board: Rc<Board>) {
    let open = Rc::new(Cell::new(0));
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                say(format_args!("the control socket takes nobody: {error}"));
                Timer::after(PAUSE).await;
                continue;
            }
        };
        let conversation = Conversation::new(stream);
        if open.get() >= CONVERSATIONS {
            let full = Err(Refusal::new("too many ask the board at a time"));
            executor.spawn(conversation.end(full)).detach();
            continue;
        }
        let place = Place::take(&open);
        let board = Rc::clone(&board);
        executor
            .spawn(async move {
                hold(conversation, &board).await;
                drop(place);
            })
            .detach();
    }
}

/// One conversation of those that may be at a time.
struct Place(Rc<Cell<usize>>);

impl Place {
    fn take(open: &Rc<Cell<usize>>) -> Place {
        open.set(open.get() + 1);
        Place(Rc::clone(open))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

async fn hold(mut conversation: Conversation, board: &Board) {
    let outcome = match conversation.request().await {
        Ok(request) => obey(&mut conversation, &request, board).await,
        Err(refusal) => Err(refusal),
    };
    conversation.end(outcome).await;
}

/// The table of requests. One that takes time tells of its progress by the conversation, and may read octets from it.
async fn obey(conversation: &mut Conversation, request: &Request, board: &Board) -> Result<Value, Refusal> {
    match request.wanted() {
        "factory_reset" => factory_reset::obey(board),
        "network" => Ok(network::show(&board.network, &board.name)),
        "network_check" => network::check(request),
        "network_confirm" => network::confirm(&board.network, &board.name),
        "network_set" => network::set(request, &board.network, &board.name),
        "power_off" => power_off::obey(board),
        "reboot" => reboot::obey(board),
        "state" => Ok(state::obey(board)),
        "update" => update::obey(conversation, board).await,
        "update_reported" => update_reported::obey(board),
        "update_state" => update_state::obey(board),
        "update_switch" => update_switch::obey(board),
        other => Err(Refusal::new(format!("the board knows no {other:?}"))),
    }
}
