//! Two phones of the lab call each other without an exchange: the judges are sound themselves.

use std::net::SocketAddr;
use std::time::Duration;

use lab::phone::Outgoing;
use lab::{OnInvite, Path, Phone, PhoneId, State};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

struct Pair {
    phones: [Phone; 2],
    wire: Vec<(Duration, usize, Outgoing)>,
    path: Path,
    rng: ChaCha8Rng,
    now: Duration,
}

impl Pair {
    fn new(path: Path, seed: u64) -> Pair {
        let address = |host| SocketAddr::from(([10, 0, 1, host], 5060));
        let phone = |at: usize, number: &str| {
            Phone::new(number, PhoneId(at), address(at as u8), address(1 - at as u8), seed + at as u64)
        };
        let rng = ChaCha8Rng::seed_from_u64(seed);
        Pair { phones: [phone(0, "1001"), phone(1, "1002")], wire: Vec::new(), path, rng, now: Duration::ZERO }
    }

    fn run_for(&mut self, duration: Duration) {
        let end = self.now + duration;
        loop {
            for sender in 0..2 {
                while let Some(outgoing) = self.phones[sender].poll_outgoing() {
                    for after in self.path.arrivals(&mut self.rng) {
                        self.wire.push((self.now + after, 1 - sender, outgoing.clone()));
                    }
                }
            }
            let wire = self.wire.iter().map(|(at, ..)| *at);
            let Some(next) = wire.chain(self.phones.iter().filter_map(Phone::poll_timeout)).min() else { break };
            if next > end {
                break;
            }
            self.now = next.max(self.now);
            self.phones.iter_mut().for_each(|phone| phone.handle_timeout(next));
            let due = self.wire.iter().position(|(at, ..)| *at <= next).map(|index| self.wire.remove(index));
            match due {
                Some((_, to, Outgoing::Sip(bytes))) => self.phones[to].handle_sip(&bytes),
                Some((_, to, Outgoing::Rtp { from, packet, .. })) => {
                    if let Some(call) = self.phones[to].calls.last_mut() {
                        call.audio.hear(next, from, &packet).unwrap();
                    }
                }
                None => {}
            }
        }
        self.now = end;
    }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn a_call_is_made_held_resumed_and_ended() {
    let mut pair = Pair::new(Path::default(), 1);
    pair.phones[1].manner.on_invite = OnInvite::AnswerAfter(seconds(1));
    pair.phones[0].call("1002");
    pair.run_for(seconds(3));
    assert!(pair.phones.iter().all(|phone| phone.is(State::Up)));
    assert_eq!(pair.phones[0].last().statuses, [180, 200]);
    let heard = |pair: &Pair, phone: usize| pair.phones[phone].last().audio.heard.len();
    assert!((95..=100).contains(&heard(&pair, 0)) && (95..=100).contains(&heard(&pair, 1)), "50 packets a second");
    pair.phones[0].hold();
    pair.run_for(seconds(1));
    let (before, other) = (heard(&pair, 0), heard(&pair, 1));
    pair.run_for(seconds(1));
    assert_eq!(heard(&pair, 0), before, "who holds hears nothing");
    assert_eq!(heard(&pair, 1), other + 50, "who is held hears music");
    pair.phones[0].resume();
    pair.run_for(seconds(1));
    assert!(heard(&pair, 0) > before + 40);
    pair.phones[1].hang_up();
    pair.run_for(seconds(40));
    assert!(pair.phones.iter().all(|phone| phone.is(State::Ended) && phone.complaints.is_empty()));
    assert!(pair.phones[0].last().was_ended_by_peer && !pair.phones[1].last().was_ended_by_peer);
}

#[test]
fn both_change_at_once_and_agree_later() {
    let mut pair = Pair::new(Path::default(), 2);
    pair.phones[1].manner.on_invite = OnInvite::Answer;
    pair.phones[0].call("1002");
    pair.run_for(seconds(1));
    pair.phones[0].hold();
    pair.phones[1].change_port();
    pair.run_for(seconds(10));
    for phone in &pair.phones {
        assert_eq!(phone.last().answers.first(), Some(&("INVITE".into(), 491)));
        assert_eq!(phone.last().answers.last(), Some(&("INVITE".into(), 200)));
        assert_eq!(phone.complaints, Vec::<String>::new());
    }
}

#[test]
fn a_call_comes_about_although_a_third_is_lost() {
    for seed in 0..30 {
        let mut pair = Pair::new(Path::bad(0.33), seed);
        pair.phones[1].manner.on_invite = OnInvite::AnswerAfter(seconds(2));
        pair.phones[0].call("1002");
        pair.run_for(seconds(25));
        assert!(pair.phones.iter().all(|phone| phone.is(State::Up)), "seed {seed}");
        pair.phones[0].hang_up();
        pair.run_for(seconds(40));
        assert!(pair.phones.iter().all(|phone| phone.is(State::Ended)), "seed {seed}");
        assert!(pair.phones.iter().all(|phone| phone.complaints.is_empty()), "{:?}", pair.phones[0].complaints);
    }
}

#[test]
fn a_call_is_given_up_before_it_is_taken() {
    let mut pair = Pair::new(Path::default(), 3);
    pair.phones[0].call("1002");
    pair.run_for(seconds(1));
    assert!(pair.phones[1].is(State::Ringing) && pair.phones[0].is(State::Alerting));
    pair.phones[0].hang_up();
    pair.run_for(seconds(1));
    assert_eq!((pair.phones[0].last().status, pair.phones[1].last().status), (Some(487), Some(487)));
    assert!(pair.phones.iter().all(|phone| phone.is(State::Ended)));
}
