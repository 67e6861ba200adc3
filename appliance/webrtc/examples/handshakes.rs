//! How many handshakes a second one core does, on the box's side alone: `cargo run --release -p webrtc --example handshakes`.

#[allow(dead_code, reason = "it is made for the tests")]
#[path = "../tests/agent/browser.rs"]
mod browser;

use std::time::{Duration, Instant};

use browser::{BOX, Browser, STREAM, Speaks, at, certificate, ours};
use media::webrtc::{Command, Role};
use webrtc::{Agent, Identity, Path};

const HANDSHAKES: u32 = 300;

fn main() {
    for (speaks, version) in [(Speaks::Only12, "1.2"), (Speaks::Both, "1.3")] {
        let base = Instant::now();
        let mut agent = Agent::new(Identity::new(certificate(), base).expect("it has a key of the right kind"));
        let mut spent = Duration::ZERO;
        let mut now = Duration::ZERO;
        for _ in 0..HANDSHAKES {
            let mut browser = Browser::new(base + now, ("198.51.100.7:50000", is::Protocol::Udp), speaks, true);
            browser.learn(&ours("ours"));
            let theirs = browser.agreement(Role::Passive);
            let begin = Instant::now();
            agent.handle_command(now, Command::Expect { stream: STREAM, ours: ours("ours") });
            agent.handle_command(now, Command::Agree { stream: STREAM, theirs });
            spent += begin.elapsed();
            while agent.poll_hand_over().is_none() {
                now += Duration::from_millis(10);
                browser.step(base + now);
                for (from, octets) in std::mem::take(&mut browser.outbox) {
                    let begin = Instant::now();
                    agent.handle_datagram(now, Path::udp(at(BOX), from), &octets);
                    spent += begin.elapsed();
                }
                while let Some(sent) = agent.poll_transmit() {
                    browser.receive(base + now, sent.path.remote, &sent.octets);
                }
            }
            agent.handle_command(now, Command::Close { stream: STREAM });
            while agent.poll_transmit().is_some() || agent.poll_event().is_some() {}
        }
        let rate = f64::from(HANDSHAKES) / spent.as_secs_f64();
        println!("dtls_{version}_handshakes_on_a_core {rate:.0} 1/s");
    }
}
