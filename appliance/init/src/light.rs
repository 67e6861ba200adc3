//! Drives the status light by the pattern of the moment.
use std::time::Instant;

use hal::led::{Led, Pattern};
use smol::Timer;
use smol::channel::Receiver;
use smol::future::or;

/// Shows each pattern that comes until no more can come.
pub async fn drive(led: &mut dyn Led, patterns: Receiver<Pattern>) {
    let mut pattern = Pattern::Starting;
    let mut began = Instant::now();
    loop {
        let (lit, left) = pattern.at(began.elapsed());
        if led.set(lit).is_err() {
            return;
        }
        let next = async { Some(patterns.recv().await) };
        let change = async {
            match left {
                Some(left) => Timer::after(left).await,
                None => smol::future::pending().await,
            };
            None
        };
        match or(next, change).await {
            Some(Ok(new)) if new != pattern => (pattern, began) = (new, Instant::now()),
            Some(Err(_)) => return,
            Some(Ok(_)) | None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hal::board::simulated::SimulatedLed;

    #[test]
    fn a_pattern_is_shown_until_the_next_one() {
        let mut led = SimulatedLed::default();
        let (sender, patterns) = smol::channel::unbounded();
        for pattern in [Pattern::Running, Pattern::Running, Pattern::Stopping] {
            sender.try_send(pattern).expect("there is no limit");
        }
        drop(sender);
        smol::block_on(drive(&mut led, patterns));
        assert_eq!(led.history[..], [true; 4]);
    }
}
