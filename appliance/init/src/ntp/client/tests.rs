//! The client with servers and a clock in virtual time.
use super::*;
use crate::ntp::message::tests::reply;

const BEGAN: Duration = Duration::from_secs(1_790_000_000);

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn address(last: u8) -> SocketAddr {
    ([192, 0, 2, last], 123).into()
}

/// A client, its clock, and servers of which each has a clock of its own.
struct World {
    now: Time,
    client: Client,
    /// Nanoseconds that our clock lacks.
    lacks: i64,
    /// What each server's clock lacks, and how long a packet travels there; `None`: it does not answer.
    servers: Vec<(SocketAddr, Option<(i64, Duration)>)>,
    told: Vec<Notice>,
    steps: Vec<i64>,
    slews: Vec<i64>,
    asked: Vec<Time>,
    searches: usize,
}

impl World {
    fn new(lacks: i64, servers: &[Option<(i64, Duration)>]) -> World {
        let servers = servers.iter().enumerate().map(|(index, server)| (address(index as u8 + 1), *server)).collect();
        let (client, told, steps, slews, asked) = (Client::new(42), Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut world = World { now: seconds(5), client, lacks, servers, told, steps, slews, asked, searches: 0 };
        let addresses: Vec<SocketAddr> = world.servers.iter().map(|(address, _)| *address).collect();
        world.client.set_servers(world.now, &addresses);
        world
    }

    fn shifted(time: Duration, nanoseconds: i64) -> Duration {
        if nanoseconds < 0 {
            time.saturating_sub(Duration::from_nanos(nanoseconds.unsigned_abs()))
        } else {
            time + Duration::from_nanos(nanoseconds as u64)
        }
    }

    fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        let mut waiting: Vec<(Time, SocketAddr, Vec<u8>)> = Vec::new();
        loop {
            while let Some(action) = self.client.poll_action() {
                match action {
                    Action::Send { message, to } => {
                        self.asked.push(self.now);
                        let server =
                            self.servers.iter().find(|(address, _)| *address == to).and_then(|server| server.1);
                        if let Some((lacks, way)) = server {
                            let shows = World::shifted(BEGAN + self.now + way, -lacks);
                            let busy = Duration::from_millis(1);
                            waiting.push((self.now + way * 2 + busy, to, reply(&message, shows, busy)));
                        }
                    }
                    Action::Step(offset) => {
                        self.lacks -= offset;
                        self.steps.push(offset);
                    }
                    Action::Slew(offset) => {
                        self.lacks -= offset;
                        self.slews.push(offset);
                    }
                    Action::Tell(notice) => self.told.push(notice),
                    Action::FindServers => self.searches += 1,
                }
            }
            waiting.sort_by_key(|(at, ..)| std::cmp::Reverse(*at));
            let due = self.client.poll_timeout().max(self.now);
            let arrives = waiting.last().map_or(Time::MAX, |(at, ..)| *at);
            if due.min(arrives) > end {
                self.now = end;
                return;
            }
            self.now = due.min(arrives);
            if arrives <= due {
                let (_, from, packet) = waiting.pop().expect("one arrives");
                let clock = World::shifted(BEGAN + self.now, -self.lacks);
                self.client.handle_packet(self.now, clock, (from, &packet));
            } else {
                self.client.handle_timeout(self.now);
            }
        }
    }
}

const WAY: Duration = Duration::from_millis(20);

#[test]
fn a_clock_of_1970_is_set_at_once_and_then_slewed() {
    let lacks = 50 * 366 * 86_400 * 1_000_000_000;
    let mut world = World::new(lacks, &[Some((0, WAY))]);
    world.run_for(seconds(1));
    assert!(world.lacks.abs() < 1_000_000, "{} ns are still lacking", world.lacks);
    assert!(matches!(world.told[..], [Notice::Synchronized { stratum: 2, .. }]), "{:?}", world.told);
    world.lacks += 5_000_000;
    world.run_for(seconds(80));
    assert_eq!((world.steps.len(), world.slews.len()), (1, 1));
    assert!(world.lacks.abs() < 1_000_000);
}

#[test]
fn the_calm_are_asked_seldom() {
    let mut world = World::new(0, &[Some((0, WAY))]);
    world.run_for(seconds(86_400));
    assert!((80..110).contains(&world.asked.len()), "{} times a day", world.asked.len());
    assert_eq!(world.told.len(), 1);
}

#[test]
fn one_liar_among_three_is_outvoted() {
    let year = 366 * 86_400 * 1_000_000_000;
    let mut world = World::new(year, &[Some((2 * year, Duration::from_millis(1))), Some((0, WAY)), Some((0, WAY * 2))]);
    world.run_for(seconds(3));
    assert!(world.lacks.abs() < 1_000_000, "{}", world.lacks);
    assert!(matches!(world.told[..], [Notice::Synchronized { server, .. }] if server == address(2)));
}

#[test]
fn two_that_contradict_each_other_are_not_believed() {
    let mut world = World::new(0, &[Some((0, WAY)), Some((3_600_000_000_000, WAY))]);
    world.run_for(seconds(100));
    assert!(world.steps.is_empty() && world.slews.is_empty());
    assert!(world.told.iter().all(|notice| *notice == Notice::Disagree) && !world.told.is_empty());
}

#[test]
fn a_clock_once_right_is_not_set_by_one_answer() {
    let mut world = World::new(0, &[Some((0, WAY))]);
    world.run_for(seconds(10));
    world.servers[0].1 = Some((-3_600_000_000_000, WAY));
    let before = world.asked.len();
    while world.asked.len() == before {
        world.run_for(seconds(1));
    }
    world.run_for(seconds(2));
    assert!(world.steps.is_empty(), "one answer is not enough");
    world.servers[0].1 = Some((0, WAY));
    world.run_for(seconds(20));
    assert!(world.steps.is_empty(), "and it was wrong");
    world.lacks = 3_600_000_000_000;
    world.run_for(seconds(2_000));
    assert_eq!(world.steps.len(), 1, "what stays is true");
}

#[test]
fn servers_that_are_gone_are_asked_ever_more_seldom_and_found_again() {
    let mut world = World::new(0, &[Some((0, WAY)), None]);
    world.run_for(seconds(10));
    assert_eq!(world.told.len(), 1, "one answer is enough");
    world.servers[0].1 = None;
    world.run_for(seconds(7_200));
    assert_eq!(world.told[1..], [Notice::Lost]);
    assert!(world.searches > 3 && world.asked.len() < 120, "{} {}", world.searches, world.asked.len());
    world.servers[1].1 = Some((0, WAY));
    world.run_for(seconds(300));
    assert!(matches!(world.told.last(), Some(Notice::Synchronized { server, .. }) if *server == address(2)));
}

#[test]
fn a_server_that_wants_to_be_left_alone_is() {
    let mut client = Client::new(1);
    client.set_servers(seconds(1), &[address(1)]);
    client.handle_timeout(seconds(1));
    let Some(Action::Send { message, to }) = client.poll_action() else { panic!("it asks") };
    let mut kiss = reply(&message, BEGAN, Duration::ZERO);
    kiss[1] = 0;
    kiss[12..16].copy_from_slice(b"DENY");
    client.handle_packet(seconds(1), BEGAN, (to, &kiss));
    for round in 0..10_000 {
        client.handle_timeout(seconds(2 + round * 10));
        while let Some(action) = client.poll_action() {
            assert!(!matches!(action, Action::Send { .. }), "it was told not to");
        }
    }
}

#[test]
fn who_has_not_seen_the_question_cannot_answer_it() {
    let mut client = Client::new(1);
    client.set_servers(seconds(1), &[address(1)]);
    client.handle_timeout(seconds(1));
    let Some(Action::Send { message, to }) = client.poll_action() else { panic!("it asks") };
    let forged = reply(&message::write(7), BEGAN * 2, Duration::ZERO);
    client.handle_packet(seconds(1), BEGAN, (to, &forged));
    let right = reply(&message, BEGAN * 2, Duration::ZERO);
    client.handle_packet(seconds(1), BEGAN, (address(9), &right));
    assert_eq!(client.poll_action(), None, "neither by a guess nor from elsewhere");
    client.handle_packet(seconds(1), BEGAN, (to, &right));
    assert!(matches!(client.poll_action(), Some(Action::Step(_))));
    client.handle_packet(seconds(1), BEGAN * 2, (to, &right));
    client.poll_action();
    assert_eq!(client.poll_action(), None, "nor twice");
}
