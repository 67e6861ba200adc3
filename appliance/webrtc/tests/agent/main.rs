//! A browser comes, moves, begins anew, goes silent, or is not who it says.

mod browser;

use std::time::Duration;

use browser::{BOX, STREAM, Speaks, Stream, World, at, certificate, ours};
use media::srtp::{MasterKey, Profile};
use media::webrtc::{Command, Event, Fingerprint, Hash, Loss, Role};
use webrtc::{Connection, Path};

const SECOND: Duration = Duration::from_secs(1);

fn secured(world: &World) -> Vec<(&'static str, Profile)> {
    let of = |event: &Event| match event {
        Event::Secured { version, profile, .. } => Some((*version, *profile)),
        _ => None,
    };
    world.events.iter().filter_map(of).collect()
}

fn lost(world: &World) -> Vec<Loss> {
    world
        .events
        .iter()
        .filter_map(|event| if let Event::Lost { reason, .. } = event { Some(*reason) } else { None })
        .collect()
}

#[test]
fn a_browser_is_found_and_secured_in_each_version_and_each_role() {
    for (speaks, version) in [(Speaks::Only12, "1.2"), (Speaks::Both, "1.3")] {
        for role in [Role::Passive, Role::Active] {
            let mut world = World::new(speaks, role).introduced(role);
            world.pass(SECOND);
            assert_eq!(secured(&world), [(version, Profile::AeadAes256Gcm)], "{:?}", world.events);
            let [hand_over] = &world.hand_overs[..] else { panic!("{:?}", world.hand_overs) };
            assert_eq!((hand_over.stream, hand_over.path.remote), (STREAM, world.browser.here));
            // Both sides have the same keys, and each its own direction.
            let exported = world.browser.keys.clone().expect("the browser has keys");
            let (client, server) = MasterKey::from_exported(Profile::AeadAes256Gcm, &exported).unwrap();
            let (sent, received) = if role == Role::Active { (client, server) } else { (server, client) };
            assert_eq!((&hand_over.keys.send, &hand_over.keys.receive), (&sent, &received));
            assert!(matches!(world.events[0], Event::Found { moved: false, tcp: false, .. }), "{:?}", world.events);
            world.agent.handle_command(world.now, Command::Close { stream: STREAM });
            world.assert_empty();
        }
    }
}

#[test]
fn a_browser_that_comes_before_its_description_is_known_when_that_comes() {
    let mut world = World::new(Speaks::Both, Role::Passive);
    world.agent.handle_command(world.now, Command::Expect { stream: STREAM, ours: ours("ours") });
    world.browser.learn(&ours("ours"));
    world.pass(SECOND / 5);
    assert!(matches!(world.events[..], [Event::Found { .. }]), "{:?}", world.events);
    let theirs = world.browser.agreement(Role::Passive);
    world.agent.handle_command(world.now, Command::Agree { stream: STREAM, theirs });
    // What came of the handshake before was kept: nothing has to be repeated.
    world.pass(SECOND / 5);
    assert_eq!(secured(&world).len(), 1, "{:?}", world.events);
}

#[test]
fn another_certificate_than_the_one_of_the_description_gets_no_keys() {
    for role in [Role::Passive, Role::Active] {
        let mut world = World::new(Speaks::Both, role);
        let mut theirs = world.browser.agreement(role);
        theirs.fingerprint = Fingerprint { hash: Hash::Sha256, octets: [7; 32].into() };
        world.agent.handle_command(world.now, Command::Expect { stream: STREAM, ours: ours("ours") });
        world.agent.handle_command(world.now, Command::Agree { stream: STREAM, theirs });
        world.browser.learn(&ours("ours"));
        world.pass(SECOND);
        assert_eq!((lost(&world), world.hand_overs.len()), (vec![Loss::Fingerprint], 0), "{:?}", world.events);
        assert_eq!(world.agent.counters().handshakes_failed, 1);
        world.assert_empty();
    }
}

#[test]
fn a_browser_that_moves_takes_its_keys_along() {
    let mut world = World::new(Speaks::Both, Role::Passive).introduced(Role::Passive);
    world.pass(SECOND * 5);
    // The old address is gone, the same browser checks from another.
    let (before, new) = (world.browser.here, at("203.0.113.9:40000"));
    let candidate = |at| is::Candidate::host(at, is::Protocol::Udp).unwrap();
    world.browser.ice.invalidate_candidate(&candidate(before));
    world.browser.ice.add_local_candidate(candidate(new));
    world.browser.ice.recreate_candidate_pairs();
    world.pass(SECOND * 5);
    let [first, second] = &world.hand_overs[..] else { panic!("{:?}", world.events) };
    assert_eq!((first.path.remote, second.path.remote), (before, new));
    assert_eq!(first.keys, second.keys);
    assert_eq!((secured(&world).len(), world.agent.counters().moves), (1, 1));
}

/// All of it over TCP: the keys are the same, the way is the connection, and one that breaks is followed by the next.
#[test]
fn a_browser_without_udp_comes_over_tcp_and_again_when_that_breaks() {
    let mut world = World::over_tcp(Speaks::Both, Role::Passive).introduced(Role::Passive);
    world.pass(SECOND);
    assert!(matches!(world.events[0], Event::Found { moved: false, tcp: true, .. }), "{:?}", world.events);
    assert_eq!(secured(&world).len(), 1, "{:?}", world.events);
    let [first] = &world.hand_overs[..] else { panic!("{:?}", world.hand_overs) };
    assert_eq!((first.path.remote, first.path.connection), (world.browser.here, Some(Connection(1))));
    // From another connection of the same address nothing is believed before a check.
    let hello = [22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1];
    let other = Path { connection: Some(Connection(7)), ..first.path };
    world.agent.handle_datagram(world.now, other, &hello);
    assert_eq!(world.agent.counters().unexpected, 1);
    // It breaks in the first second, when otherwise the better way would count, and the browser connects anew.
    world.agent.handle_closed(Connection(1));
    world.stream = Some(Stream::new(2));
    world.pass(SECOND * 6);
    let [first, second] = &world.hand_overs[..] else { panic!("{:?}", world.events) };
    assert_eq!((second.path.connection, &second.keys), (Some(Connection(2)), &first.keys));
    assert_eq!((secured(&world).len(), lost(&world).len(), world.agent.counters().moves), (1, 0, 1));
    world.agent.handle_command(world.now, Command::Close { stream: STREAM });
    world.assert_empty();
}

#[test]
fn a_browser_whose_connection_breaks_for_good_is_lost_after_thirty_seconds() {
    let mut world = World::over_tcp(Speaks::Both, Role::Passive).introduced(Role::Passive);
    world.pass(SECOND);
    world.browser.is_mute = true;
    world.agent.handle_closed(Connection(1));
    world.pass(SECOND * 31);
    assert_eq!((lost(&world), world.hand_overs.len()), (vec![Loss::Silent], 1));
    world.assert_empty();
}

#[test]
fn a_restart_comes_by_new_names_and_goes_on_under_the_old_keys() {
    let mut world = World::new(Speaks::Both, Role::Passive).introduced(Role::Passive);
    world.pass(SECOND * 5);
    world.agent.handle_command(world.now, Command::Expect { stream: STREAM, ours: ours("anew") });
    // The browser is elsewhere, and has another name.
    let fresh = is::IceCreds { ufrag: "else".into(), pass: "anotherpasswordofthebrowser".into() };
    world.browser.ice.ice_restart(fresh, false);
    let new = at("203.0.113.9:40000");
    world.browser.ice.add_local_candidate(is::Candidate::host(new, is::Protocol::Udp).unwrap());
    world.browser.learn(&ours("anew"));
    let theirs = world.browser.agreement(Role::Passive);
    world.agent.handle_command(world.now, Command::Agree { stream: STREAM, theirs });
    world.pass(SECOND * 2);
    let last = world.hand_overs.last().expect("there is a way");
    assert_eq!((last.path.remote, &last.keys), (new, &world.hand_overs[0].keys));
    assert_eq!((secured(&world).len(), lost(&world).len()), (1, 0));
    // The old names count no more.
    let unknown = world.agent.counters().unknown;
    let check = check("ours:them", "password-of-ours-0123456789");
    world.agent.handle_datagram(world.now, Path::udp(at(BOX), new), &check);
    assert_eq!(world.agent.counters().unknown, unknown + 1);
}

#[test]
fn a_browser_that_goes_silent_is_lost_after_thirty_seconds() {
    let mut world = World::new(Speaks::Both, Role::Passive).introduced(Role::Passive);
    world.pass(SECOND * 40);
    assert_eq!(lost(&world), [], "as long as it checks it is there");
    world.browser.is_mute = true;
    world.pass(SECOND * 25);
    assert_eq!(lost(&world), []);
    world.pass(SECOND * 10);
    assert_eq!((lost(&world), world.agent.counters().silent), (vec![Loss::Silent], 1));
    world.assert_empty();
}

#[test]
fn nobody_who_comes_is_lost_in_time() {
    let mut world = World::new(Speaks::Both, Role::Passive);
    world.browser.is_mute = true;
    let mut world = world.introduced(Role::Passive);
    world.pass(SECOND * 31);
    assert_eq!(lost(&world), [Loss::NotFound]);
    world.assert_empty();
}

/// A check with this name and password, which chooses.
fn check(name: &str, password: &str) -> Vec<u8> {
    use hmac::{Hmac, KeyInit, Mac};
    let digest = |key: &[u8], parts: &[&[u8]]| -> [u8; 20] {
        let mut mac = Hmac::<sha1::Sha1>::new_from_slice(key).unwrap();
        parts.iter().for_each(|part| mac.update(part));
        mac.finalize().into_bytes().into()
    };
    let message = is::stun::StunMessage::binding_request(name, is::stun::TransId::new(), true, 1, 1, true);
    let mut octets = vec![0; 512];
    let len = message.to_bytes(Some(password.as_bytes()), &mut octets, digest).unwrap();
    octets.truncate(len);
    octets
}

#[test]
fn strangers_get_no_answer_and_take_no_room() {
    let mut world = World::new(Speaks::Both, Role::Passive).introduced(Role::Passive);
    let stranger = Path::udp(at(BOX), at("203.0.113.66:6666"));
    for datagram in [
        check("nobody:them", "password-of-ours-0123456789"),
        check("ours:them", "a password that is guessed"),
        check("ours:somebody", "password-of-ours-0123456789"),
        // A handshake without a check, audio without a handshake, and noise.
        vec![22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1],
        vec![128; 172],
        vec![0; 20],
        vec![255],
        vec![],
    ] {
        world.agent.handle_datagram(world.now, stranger, &datagram);
    }
    assert_eq!(world.agent.poll_transmit(), None);
    let counters = world.agent.counters();
    assert_eq!((counters.unknown, counters.not_authentic, counters.unexpected, counters.stray_media), (1, 2, 1, 1));
    assert_eq!((counters.malformed, counters.checks), (3, 0));
    // The browser itself is not disturbed.
    world.pass(SECOND);
    assert_eq!(secured(&world).len(), 1);
}

/// Who knows the password may check from a thousand addresses; no more than a handful are remembered.
#[test]
fn the_ways_of_one_browser_are_bounded() {
    let mut world = World::new(Speaks::Both, Role::Passive).introduced(Role::Passive);
    for port in 1..=1_000 {
        let from = format!("203.0.113.66:{port}").parse().unwrap();
        let octets = check("ours:them", &ours("ours").password);
        world.agent.handle_datagram(world.now, Path::udp(at(BOX), from), &octets);
        while world.agent.poll_transmit().is_some() {}
        while world.agent.poll_event().is_some() {}
        world.now += Duration::from_millis(1);
    }
    let hello = [22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1];
    for port in 1..=1_000 {
        let from = format!("203.0.113.66:{port}").parse().unwrap();
        world.agent.handle_datagram(world.now, Path::udp(at(BOX), from), &hello);
    }
    assert_eq!(world.agent.counters().unexpected, 1_000 - webrtc::limits::PATHS as u64);
}

#[test]
fn a_certificate_of_another_kind_of_key_is_refused_at_the_start() {
    let (certificate, _) = certificate();
    let rubbish = (certificate, vec![1, 2, 3]);
    let world = World::new(Speaks::Both, Role::Passive);
    drop(world);
    assert!(webrtc::Identity::new(rubbish, std::time::Instant::now()).is_err());
}
