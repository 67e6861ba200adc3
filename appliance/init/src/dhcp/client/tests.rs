//! Conversations of the client with servers that are good, late, confused or gone, in virtual time.
use super::*;

const HARDWARE: [u8; 6] = [0x52, 0x54, 0, 0x12, 0x34, 0x56];
const SERVER: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 1);
const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 77);

fn secs(value: u64) -> Duration {
    Duration::from_secs(value)
}

/// What a message the client sent asks for.
#[derive(Debug, PartialEq)]
enum Said {
    Discover,
    Take,
    Prolong(Destination),
    Bind(Option<Duration>),
    Unbind,
}

struct Talk {
    now: Time,
    client: Client,
    said: Vec<(Time, Said)>,
    transaction: u32,
}

impl Talk {
    fn new() -> Talk {
        let mut talk =
            Talk { now: Time::ZERO, client: Client::new(Time::ZERO, HARDWARE, 1), said: Vec::new(), transaction: 0 };
        talk.listen();
        talk
    }

    fn listen(&mut self) {
        while let Some(action) = self.client.poll_action() {
            let said = match action {
                Action::Send { message, to } => {
                    self.transaction = u32::from_be_bytes(message[4..8].try_into().expect("four octets"));
                    match (message[242], message[12..16] == [0; 4]) {
                        (1, true) => Said::Discover,
                        (3, true) => Said::Take,
                        (3, false) => Said::Prolong(to),
                        other => panic!("no such message: {other:?}"),
                    }
                }
                Action::Bind(lease) => Said::Bind(lease.length),
                Action::Unbind => Said::Unbind,
            };
            self.said.push((self.now, said));
        }
    }

    fn wait_until(&mut self, end: Time) {
        while self.client.poll_timeout() <= end {
            self.now = self.client.poll_timeout();
            self.client.handle_timeout(self.now);
            self.listen();
        }
        self.now = end;
    }

    fn answer(&mut self, kind: u8, lease_time: u32) {
        self.answer_from(SERVER, kind, lease_time);
    }

    fn answer_from(&mut self, server: Ipv4Addr, kind: u8, lease_time: u32) {
        let mut options = vec![54, 4];
        options.extend(server.octets());
        options.extend([1, 4, 255, 255, 255, 0, 51, 4]);
        options.extend(lease_time.to_be_bytes());
        self.packet(&message::tests::reply(kind, self.transaction, HARDWARE, ADDRESS, &options));
    }

    fn packet(&mut self, packet: &[u8]) {
        self.client.handle_packet(self.now, packet);
        self.listen();
    }

    fn bound(lease_time: u32) -> Talk {
        let mut talk = Talk::new();
        talk.answer(2, lease_time);
        talk.answer(5, lease_time);
        talk
    }

    fn last(&self) -> &Said {
        &self.said.last().expect("something was said").1
    }
}

#[test]
fn discover_offer_request_acknowledge() {
    let mut talk = Talk::new();
    assert_eq!(*talk.last(), Said::Discover);
    talk.answer(2, 3600);
    assert_eq!(*talk.last(), Said::Take);
    talk.answer(5, 3600);
    assert_eq!(*talk.last(), Said::Bind(Some(secs(3600))));
    assert_eq!(talk.said.len(), 3);
}

#[test]
fn a_silent_network_is_asked_ever_more_slowly_and_without_end() {
    let mut talk = Talk::new();
    talk.wait_until(secs(3600));
    let times: Vec<Time> = talk.said.iter().map(|(at, _)| *at).collect();
    assert!(times[1] <= secs(2) && times[2] <= secs(4), "{times:?}");
    let last_wait = times[times.len() - 1] - times[times.len() - 2];
    assert!((secs(48)..=secs(80)).contains(&last_wait), "{last_wait:?}");
    assert!((50..80).contains(&times.len()), "{} messages in an hour", times.len());
}

#[test]
fn an_offer_that_is_never_confirmed_is_forgotten() {
    let mut talk = Talk::new();
    talk.answer(2, 3600);
    talk.wait_until(secs(60));
    let takes = talk.said.iter().filter(|(_, said)| *said == Said::Take).count();
    assert_eq!(takes, TAKE_TRIES as usize);
    assert_eq!(*talk.last(), Said::Discover);
}

#[test]
fn a_lease_is_renewed_at_half_of_it_by_its_server() {
    let mut talk = Talk::bound(3600);
    talk.wait_until(secs(1800));
    assert_eq!(talk.said.last(), Some(&(secs(1800), Said::Prolong(Destination::Server(SERVER)))));
    talk.answer(5, 7200);
    assert_eq!(*talk.last(), Said::Bind(Some(secs(7200))));
    talk.wait_until(secs(1800 + 3600));
    assert_eq!(*talk.last(), Said::Prolong(Destination::Server(SERVER)));
}

#[test]
fn a_server_that_is_gone_is_replaced_and_at_last_the_address_is_let_go() {
    let mut talk = Talk::bound(3600);
    talk.wait_until(secs(3150));
    assert_eq!(talk.said.last(), Some(&(secs(3150), Said::Prolong(Destination::Everybody))));
    talk.wait_until(secs(3600));
    assert_eq!(talk.said[talk.said.len() - 2..], [(secs(3600), Said::Unbind), (secs(3600), Said::Discover)]);
    let asked = talk.said.iter().filter(|(_, said)| matches!(said, Said::Prolong(_))).count();
    assert!((4..20).contains(&asked), "asked {asked} times");
}

#[test]
fn another_server_may_prolong_after_the_first_is_gone() {
    let mut talk = Talk::bound(3600);
    talk.wait_until(secs(3200));
    talk.answer_from(Ipv4Addr::new(192, 168, 1, 2), 5, 3600);
    assert_eq!(*talk.last(), Said::Bind(Some(secs(3600))));
    talk.wait_until(secs(3200 + 1800));
    assert_eq!(*talk.last(), Said::Prolong(Destination::Server(Ipv4Addr::new(192, 168, 1, 2))));
}

#[test]
fn a_refusal_lets_the_address_go_and_starts_anew_after_a_pause() {
    let mut talk = Talk::bound(3600);
    talk.wait_until(secs(1800));
    talk.answer(6, 0);
    assert_eq!(*talk.last(), Said::Unbind);
    talk.wait_until(secs(1800) + REFUSED_PAUSE);
    assert_eq!(*talk.last(), Said::Discover);
}

#[test]
fn a_refused_offer_is_not_taken_again_at_once() {
    let mut talk = Talk::new();
    talk.answer(2, 3600);
    talk.answer(6, 3600);
    assert_eq!(talk.said.len(), 2);
    talk.wait_until(REFUSED_PAUSE);
    assert_eq!(*talk.last(), Said::Discover);
}

#[test]
fn what_was_not_asked_for_is_not_heard() {
    let mut talk = Talk::new();
    talk.answer(5, 3600);
    talk.transaction ^= 1;
    talk.answer(2, 3600);
    talk.transaction ^= 1;
    talk.answer(2, 3);
    let foreign =
        message::tests::reply(2, talk.transaction, [1; 6], ADDRESS, &[54, 4, 1, 2, 3, 4, 51, 4, 0, 0, 14, 16]);
    talk.packet(&foreign);
    let nowhere = message::tests::reply(
        2,
        talk.transaction,
        HARDWARE,
        Ipv4Addr::UNSPECIFIED,
        &[54, 4, 1, 2, 3, 4, 51, 4, 0, 0, 14, 16],
    );
    talk.packet(&nowhere);
    talk.packet(b"");
    assert_eq!(talk.said, [(Time::ZERO, Said::Discover)]);
    talk.answer(2, 3600);
    talk.answer_from(Ipv4Addr::new(6, 6, 6, 6), 5, 3600);
    assert_eq!(*talk.last(), Said::Take, "another server cannot confirm the offer");
}

#[test]
fn a_bound_client_cannot_be_unbound_by_a_stray_refusal() {
    let mut talk = Talk::bound(3600);
    talk.wait_until(secs(100));
    talk.answer(6, 0);
    assert_eq!(*talk.last(), Said::Bind(Some(secs(3600))));
}

#[test]
fn a_lease_for_ever_is_never_asked_for_again() {
    let mut talk = Talk::bound(u32::MAX);
    assert_eq!(*talk.last(), Said::Bind(None));
    talk.wait_until(secs(86_400 * 365 * 50));
    assert_eq!(*talk.last(), Said::Bind(None));
}

#[test]
fn a_box_that_slept_past_its_lease_lets_go() {
    let mut talk = Talk::bound(3600);
    talk.now = secs(100_000);
    talk.client.handle_timeout(talk.now);
    talk.listen();
    assert_eq!(talk.said[3].1, Said::Unbind);
    assert_eq!(*talk.last(), Said::Discover);
}

#[test]
fn the_shortest_lease_still_leaves_pauses() {
    let mut talk = Talk::bound(10);
    talk.wait_until(secs(10));
    assert!(talk.said.len() < 10, "{:?}", talk.said);
}
