//! What is ordered of a call's audio by API, and what those hear whom a phone holds.

use lab::{Direction, Lab, PhoneId, State};
use pbx::call::Control;
use pbx::call::controls::MuteDirection;
use pbx::{Command, Rejection, Reply};
use scenarios::{milliseconds, seconds, two_phones, two_phones_talking};

/// The leg of the phone that called, or of the one that was called.
fn leg(lab: &Lab, place: usize) -> uuid::Uuid {
    lab.facts.records()[place].id
}

fn order(lab: &mut Lab, place: usize, control: Control) {
    let id = leg(lab, place);
    let Ok(Reply::Call(_)) = lab.command(Command::ControlCall(id, control)) else { panic!("{control:?} is refused") };
    lab.run_for(seconds(1));
}

/// How many packets of the last 200 ms were heard, and how many of them have more than one level, as music does.
fn heard(lab: &Lab, phone: PhoneId) -> (usize, usize) {
    let since = lab.now().saturating_sub(milliseconds(200));
    let packets = lab[phone].last().audio.heard.iter().filter(|packet| packet.at >= since);
    packets.fold((0, 0), |(all, many), packet| (all + 1, many + usize::from(packet.voice.is_none())))
}

fn hears_music(lab: &Lab, phone: PhoneId) -> bool {
    let (all, many) = heard(lab, phone);
    all >= 8 && many * 10 >= all * 9
}

/// Packets come, and nothing is in them.
fn hears_silence(lab: &Lab, phone: PhoneId) -> bool {
    let since = lab.now().saturating_sub(milliseconds(200));
    let packets: Vec<_> = lab[phone].last().audio.heard.iter().filter(|packet| packet.at >= since).collect();
    packets.len() >= 8 && packets.iter().all(|packet| matches!(packet.voice, Some(0xff | 0x7f | 0xd5 | 0x55)))
}

#[test]
fn whom_a_phone_holds_hears_music() {
    for (seed, direction) in [(1, Direction::SendOnly), (2, Direction::Inactive)] {
        let (mut lab, alice, bob) = two_phones_talking(seed);
        lab[alice].manner.hold_direction = direction;
        lab[alice].hold();
        lab.run_for(seconds(2));
        assert!(hears_music(&lab, bob), "{direction:?}: {:?}", heard(&lab, bob));
        lab[alice].resume();
        lab.run_for(seconds(1));
        assert!(lab.hears(alice, bob) && lab.hears(bob, alice) && !hears_music(&lab, bob), "{}", lab.ladder());
        lab[bob].hold();
        lab[alice].hold();
        lab.run_for(seconds(1));
        assert!(!hears_music(&lab, alice) && !hears_music(&lab, bob), "who holds hears nothing");
        lab[alice].hang_up();
        lab.finish();
    }
}

#[test]
fn music_on_hold_can_be_off() {
    let mut lab = Lab::with_settings(3, |settings| settings.music_on_hold = false);
    let (alice, bob) = (lab.registered_phone("1001"), lab.registered_phone("1002"));
    scenarios::connect(&mut lab, alice, bob);
    lab[alice].manner.hold_direction = Direction::Inactive;
    lab[alice].hold();
    lab.run_for(seconds(1));
    assert!(!hears_music(&lab, bob) && !lab.hears(bob, alice));
    lab[alice].hang_up();
    lab.finish();
}

#[test]
fn hold_by_order_tells_the_phone() {
    let (mut lab, alice, bob) = two_phones_talking(4);
    lab.begin_ladder();
    order(&mut lab, 1, Control::Hold(true));
    let direction = |lab: &Lab| lab[bob].last().audio.peer.as_ref().map(|peer| peer.direction);
    assert_eq!(direction(&lab), Some(Direction::SendOnly), "{}", lab.ladder());
    assert!(hears_music(&lab, alice) && hears_music(&lab, bob), "{}", lab.ladder());
    assert!(lab.facts.records()[1].controls.on_hold && !lab.facts.records()[0].controls.on_hold);
    order(&mut lab, 1, Control::Hold(true));
    order(&mut lab, 1, Control::Hold(false));
    assert_eq!(direction(&lab), Some(Direction::SendRecv), "{}", lab.ladder());
    assert!(lab.hears(alice, bob) && lab.hears(bob, alice), "{}", lab.ladder());
    insta::assert_snapshot!(lab.ladder());
    lab[alice].hang_up();
    lab.finish();
}

#[test]
fn a_phone_that_holds_a_held_call_and_resumes_stays_held() {
    let (mut lab, alice, bob) = two_phones_talking(5);
    order(&mut lab, 0, Control::Hold(true));
    lab[alice].hold();
    lab.run_for(seconds(1));
    lab[alice].resume();
    lab.run_for(seconds(1));
    assert!(!lab.hears(bob, alice) && hears_music(&lab, bob), "{}", lab.ladder());
    order(&mut lab, 0, Control::Hold(false));
    assert!(lab.hears(alice, bob) && lab.hears(bob, alice), "{}", lab.ladder());
    lab[bob].hang_up();
    lab.finish();
}

#[test]
fn music_silence_and_back() {
    let (mut lab, alice, bob) = two_phones_talking(6);
    order(&mut lab, 0, Control::Music(true));
    assert!(hears_music(&lab, alice) && lab.hears(bob, alice), "it hears music and is heard");
    order(&mut lab, 0, Control::Silence(true));
    assert!(hears_silence(&lab, alice) && lab.hears(bob, alice), "{:?}", heard(&lab, alice));
    order(&mut lab, 0, Control::Silence(false));
    assert!(hears_music(&lab, alice), "the music was not taken back");
    order(&mut lab, 0, Control::Music(false));
    assert!(lab.hears(alice, bob) && lab.hears(bob, alice));
    lab[alice].hang_up();
    lab.finish();
}

#[test]
fn muted_one_way_and_the_other() {
    let (mut lab, alice, bob) = two_phones_talking(7);
    let mute = |direction, on| Control::Mute { direction, on };
    order(&mut lab, 0, mute(MuteDirection::In, true));
    assert!(!lab.hears(bob, alice) && lab.hears(alice, bob), "in: nobody hears the phone");
    order(&mut lab, 0, mute(MuteDirection::Out, true));
    assert!(!lab.hears(bob, alice) && !lab.hears(alice, bob), "out: it hears nobody");
    order(&mut lab, 0, mute(MuteDirection::In, false));
    assert!(lab.hears(bob, alice) && !lab.hears(alice, bob));
    order(&mut lab, 0, mute(MuteDirection::Both, false));
    assert!(lab.hears(bob, alice) && lab.hears(alice, bob));
    lab[alice].hang_up();
    lab.finish();
}

#[test]
fn a_call_that_is_not_up_takes_no_orders() {
    let (mut lab, alice, bob) = two_phones(8);
    lab[alice].call("1002");
    lab.run_until(|lab| lab[bob].is(State::Ringing));
    let early = Command::ControlCall(leg(&lab, 0), Control::Hold(true));
    assert_eq!(lab.command(early.clone()), Err(Rejection::NotAnswered));
    lab[alice].hang_up();
    lab.run_for(milliseconds(300));
    assert_eq!(lab.command(early.clone()), Err(Rejection::AlreadyHungUp));
    lab.finish();
    assert_eq!(lab.command(early), Err(Rejection::NotFound("call")));
}
