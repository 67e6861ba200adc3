//! `{"do":"update"}` with the octets of a bundle behind it, to their end: they are written into the slot that does not run.
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use smol::Timer;
use smol::channel::{Receiver, Sender, bounded};
use smol::future::or;

use super::Board;
use super::conversation::{Conversation, Refusal};
use crate::console::say;
use crate::update::{Content, Running, Trouble};

/// Octets that are taken at a time.
const PIECE: usize = 64 << 10;
/// Pieces that may wait for the flash; who sends more waits.
const WAITING: usize = 4;
/// How long the next piece may take to come: from a person's browser, or over the line to somebody else's server.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is told how far reading back is.
const TELL: Duration = Duration::from_millis(500);
/// Writing and reading back go on in a thread that needs little.
const STACK: usize = 256 << 10;

/// Takes the bundle as fast as the flash does, and answers once it was read back.
pub async fn obey(conversation: &mut Conversation, board: &Board) -> Result<Value, Refusal> {
    let running = board.updater.begin().map_err(refused)?;
    say("an update is being written");
    defmt::info!("an update is being written");
    let (pieces, to_write) = bounded(WAITING);
    let (done, outcome) = bounded(1);
    let read_back = Arc::new(AtomicU64::new(0));
    let seen = Arc::clone(&read_back);
    let write = move || drop(done.send_blocking(write(running, &to_write, &seen)));
    let thread = std::thread::Builder::new().name("update".to_owned()).stack_size(STACK).spawn(write);
    thread.map_err(|error| Refusal::new(format!("there is no thread to write it: {error}")))?;
    let sent = send(conversation, &pieces).await;
    // The thread finishes when it knows that nothing more comes.
    drop(pieces);
    let outcome = wait(conversation, &outcome, &read_back).await;
    match outcome {
        Ok(content) => {
            say(format_args!("version {} (build {}) is written", content.version, content.build));
            defmt::info!("build {=u64} is written", content.build);
            Ok(json!({ "build": content.build, "version": content.version }))
        }
        Err(trouble) => {
            say(format_args!("no update was written: {trouble}"));
            defmt::error!("no update was written: {=str}", trouble.reason);
            sent.and(Err(refused(trouble)))
        }
    }
}

/// A refusal for the reason that the writer had.
pub fn refused(trouble: Trouble) -> Refusal {
    Refusal::for_reason(trouble.reason, trouble.sentence)
}

/// Passes octets on until there are no more, or nobody takes them any more.
async fn send(conversation: &mut Conversation, pieces: &Sender<Vec<u8>>) -> Result<(), Refusal> {
    let mut buffer = vec![0; PIECE];
    loop {
        let length = conversation.octets(&mut buffer, PATIENCE).await?;
        if length == 0 || pieces.send(buffer[..length].to_vec()).await.is_err() {
            return Ok(());
        }
    }
}

/// Runs in a thread of its own, since flash takes its time.
fn write(mut running: Running, pieces: &Receiver<Vec<u8>>, read_back: &AtomicU64) -> Result<Content, Trouble> {
    while let Ok(piece) = pieces.recv_blocking() {
        if let Err(trouble) = running.installation.handle(&piece) {
            // Who sends hears why at once.
            pieces.close();
            return Err(trouble);
        }
    }
    running.finish(|octets| read_back.store(octets, Ordering::Relaxed))
}

async fn wait(
    conversation: &mut Conversation,
    outcome: &Receiver<Result<Content, Trouble>>,
    read_back: &AtomicU64,
) -> Result<Content, Trouble> {
    loop {
        let ended = async { Some(outcome.recv().await) };
        let tell = async {
            Timer::after(TELL).await;
            None
        };
        conversation.progress(json!({ "step": "verifying", "octets": read_back.load(Ordering::Relaxed) })).await;
        match or(ended, tell).await {
            Some(outcome) => return outcome.unwrap_or_else(|_| Err(Trouble::lost())),
            None => continue,
        }
    }
}
