//! Conferences: who comes, who goes, and what everybody hears.

use lab::{Lab, PhoneId, State, manner};
use pbx::call::Control;
use pbx::call::controls::MuteDirection;
use pbx::conference::{Conference, ConferenceData, ConferenceStatus, NewConference};
use pbx::recording::{Recorded, RecordingEnd, RecordingOptions, RecordingRecord, RecordingStatus};
use pbx::{Command, EventKind, Rejection, Reply};
use scenarios::{milliseconds, sample, seconds};
use uuid::Uuid;

/// A conference with the number 800, without tones, where everybody is heard.
fn conference(lab: &mut Lab, change: impl FnOnce(&mut NewConference)) -> Conference {
    let data = ConferenceData { extension: Some("800".into()), loudest: None, tones: false };
    let mut new = NewConference { name: "The morning round".into(), data, ..NewConference::default() };
    change(&mut new);
    match lab.command(Command::CreateConference(new)) {
        Ok(Reply::Conference(made)) => *made,
        other => panic!("not made: {other:?}"),
    }
}

/// Voices that are low enough for the sum of all to be no more than a sample can be.
const VOICES: [u8; 4] = [0xa5, 0x95, 0x2f, 0xb1];

fn phones(lab: &mut Lab, count: usize) -> Vec<PhoneId> {
    let all: Vec<PhoneId> = (1..=count).map(|number| lab.registered_phone(&format!("100{number}"))).collect();
    all.iter().zip(VOICES).for_each(|(phone, voice)| lab[*phone].voice = voice);
    all
}

fn join(lab: &mut Lab, phone: PhoneId, number: &str) {
    lab[phone].call(number);
    lab.run_until(|lab| lab[phone].is(State::Up));
    lab.run_for(milliseconds(500));
}

/// The samples of what a phone says, which is one octet again and again.
fn said(lab: &Lab, phone: PhoneId) -> i16 {
    sample(lab[phone].last().audio.payload_type.expect("it speaks"), lab[phone].voice)
}

/// What a phone has heard in the last 200 ms, as samples; `None` where it was no single level.
fn heard(lab: &Lab, phone: PhoneId) -> Vec<Option<i16>> {
    let since = lab.now().saturating_sub(milliseconds(200));
    let packets = lab[phone].calls.iter().flat_map(|call| &call.audio.heard).filter(|packet| packet.at >= since);
    packets.map(|packet| packet.voice.map(|voice| sample(packet.payload_type, voice))).collect()
}

/// Whether a phone hears the sum of the others, as near as the code of a sample allows.
fn hears_sum_of(lab: &Lab, phone: PhoneId, others: &[PhoneId]) -> Result<(), String> {
    let sum: i32 = others.iter().map(|other| i32::from(said(lab, *other))).sum();
    let heard = heard(lab, phone);
    let close = |level: &Option<i16>| level.is_some_and(|level| (i32::from(level) - sum).abs() <= 16 + sum.abs() / 16);
    let right = heard.iter().filter(|level| close(level)).count();
    if right >= 8 && right == heard.len() { Ok(()) } else { Err(format!("{} heard {heard:?}, not {sum}", phone.0)) }
}

fn places(lab: &Lab, name: &str) -> Vec<Uuid> {
    let place = |kind: &EventKind| match kind {
        EventKind::ConferencecallJoining(place)
        | EventKind::ConferencecallJoined(place)
        | EventKind::ConferencecallLeaving(place)
        | EventKind::ConferencecallLeaved(place) => Some(place.id),
        _ => None,
    };
    lab.facts.events.iter().filter(|event| event.kind.name() == name).filter_map(|event| place(&event.kind)).collect()
}

#[test]
fn everybody_hears_all_the_others_and_not_itself() {
    let mut lab = Lab::new(1);
    let made = conference(&mut lab, |_| {});
    assert_eq!(made.status, ConferenceStatus::Starting);
    let all = phones(&mut lab, 4);
    lab[all[1]].manner.codecs = vec![manner::PCMA, manner::DIGITS];
    lab[all[2]].manner.offers_late = true;
    lab.begin_ladder();
    join(&mut lab, all[0], "800");
    join(&mut lab, all[1], &format!("conference-{}", made.id));
    join(&mut lab, all[2], &format!("conference:{}", made.id));
    join(&mut lab, all[3], "800");
    lab.run_for(seconds(1));
    for phone in &all {
        let others: Vec<PhoneId> = all.iter().copied().filter(|other| other != phone).collect();
        hears_sum_of(&lab, *phone, &others).expect("a mix of the others");
    }
    lab[all[1]].hang_up();
    lab.run_for(seconds(1));
    hears_sum_of(&lab, all[0], &[all[2], all[3]]).expect("the one that left is not heard");
    for phone in [all[0], all[2], all[3]] {
        lab[phone].hang_up();
    }
    lab.finish();
    let joining = places(&lab, "conferencecall_joining");
    assert_eq!(joining.len(), 4);
    for name in ["conferencecall_joined", "conferencecall_leaving", "conferencecall_leaved"] {
        let mut places = places(&lab, name);
        places.sort_by_key(|place| joining.iter().position(|joining| joining == place));
        assert_eq!(places, joining, "{name}");
    }
    assert_eq!(lab.counter("conferences"), 1, "it waits for the next round");
    assert_eq!(lab.counter("conferencecalls"), 0);
}

#[test]
fn whoever_is_alone_hears_music_until_somebody_comes() {
    let mut lab = Lab::new(2);
    conference(&mut lab, |new| new.data.tones = true);
    let all = phones(&mut lab, 2);
    join(&mut lab, all[0], "800");
    lab.run_for(seconds(1));
    let music = heard(&lab, all[0]);
    assert!(music.len() >= 8 && music.iter().all(Option::is_none), "music has more than one level: {music:?}");
    lab[all[1]].call("800");
    lab.run_until(|lab| lab[all[1]].is(State::Up));
    lab.run_for(milliseconds(250));
    assert!(heard(&lab, all[1]).iter().any(Option::is_none), "a tone tells that somebody came");
    lab.run_for(seconds(1));
    hears_sum_of(&lab, all[0], &all[1..]).expect("the music is over");
    hears_sum_of(&lab, all[1], &all[..1]).expect("and never was for the second");
    lab[all[0]].hang_up();
    lab.run_for(seconds(2));
    assert!(heard(&lab, all[1]).iter().all(Option::is_none), "alone again: music");
    lab[all[1]].hang_up();
    lab.finish();
}

#[test]
fn one_is_muted_one_is_sent_away_and_then_all() {
    let mut lab = Lab::new(3);
    let made = conference(&mut lab, |_| {});
    let all = phones(&mut lab, 3);
    for phone in &all {
        join(&mut lab, *phone, "800");
    }
    let call = lab.facts.records()[0].id;
    let mute = |on| Command::ControlCall(call, Control::Mute { direction: MuteDirection::In, on });
    lab.command(mute(true)).expect("it is up");
    lab.run_for(seconds(1));
    hears_sum_of(&lab, all[1], &all[2..]).expect("the first is muted");
    hears_sum_of(&lab, all[0], &all[1..]).expect("and hears");
    assert!(lab.facts.records()[0].controls.mute_in);
    lab.command(mute(false)).expect("it is up");
    lab.run_for(seconds(1));
    hears_sum_of(&lab, all[1], &[all[0], all[2]]).expect("all again");

    let place = places(&lab, "conferencecall_joined")[0];
    lab.command(Command::DeleteConferencecall(place)).expect("it is there");
    assert_eq!(
        lab.command(Command::DeleteConferencecall(place)),
        Err(Rejection::NotFound("conferencecall")),
        "it has left"
    );
    lab.run_for(seconds(1));
    assert!(lab[all[0]].is(State::Ended) && lab[all[1]].is(State::Up), "{}", lab.ladder());
    let Ok(Reply::Conference(ended)) = lab.command(Command::DeleteConference(made.id)) else { panic!("not ended") };
    assert_eq!(ended.status, ConferenceStatus::Terminated);
    lab.run_for(seconds(1));
    assert!(lab[all[1]].is(State::Ended) && lab[all[2]].is(State::Ended));
    lab.finish();
    assert_eq!(lab.facts.count("conference_deleted"), 1);
    assert_eq!(lab.counter("conferences"), 0);
    lab[all[0]].call("800");
    lab.run_for(seconds(2));
    assert!(lab[all[0]].is(State::Ended), "nobody has the number any more");
    lab.finish();
}

#[test]
fn a_conference_ends_by_its_timeout_also_after_a_restart() {
    let mut lab = Lab::new(4);
    let made = conference(&mut lab, |new| new.timeout = seconds(60));
    let all = phones(&mut lab, 1);
    join(&mut lab, all[0], "800");
    lab.run_for(seconds(50));
    assert!(lab[all[0]].is(State::Up));
    lab.run_for(seconds(12));
    assert!(lab[all[0]].is(State::Ended), "{}", lab.ladder());
    lab.finish();
    assert_eq!(lab.facts.count("conference_deleted"), 1);

    let later = Conference { created: lab.facts.events[0].at, ..made };
    lab.input(pbx::Input::RestoreConferences(vec![later]));
    lab.run_for(seconds(1));
    assert_eq!(lab.facts.count("conference_deleted"), 2, "its time was over while the exchange was off");
}

#[test]
fn numbers_belong_to_one() {
    let mut lab = Lab::new(5);
    let made = conference(&mut lab, |_| {});
    let phone = phones(&mut lab, 1)[0];
    let with_number = |number: &str| NewConference {
        data: ConferenceData { extension: Some(number.into()), ..ConferenceData::default() },
        ..NewConference::default()
    };
    let create = |lab: &mut Lab, number| lab.command(Command::CreateConference(with_number(number))).err();
    assert_eq!(create(&mut lab, "800"), Some(Rejection::AlreadyExists("conference")));
    assert_eq!(create(&mut lab, "1001"), Some(Rejection::AlreadyExists("extension")));
    assert!(matches!(create(&mut lab, "8 0"), Some(Rejection::Invalid { field: "data.extension", .. })));
    let extension = pbx::directory::NewExtension {
        extension: "800".into(),
        password: "correct horse".into(),
        name: String::new(),
        detail: String::new(),
        encryption: None,
    };
    assert_eq!(lab.command(Command::CreateExtension(extension)).err(), Some(Rejection::AlreadyExists("conference")));
    let data = ConferenceData { extension: Some("801".into()), ..made.data.clone() };
    let change = pbx::conference::ConferenceChange { data: Some(data), ..Default::default() };
    lab.command(Command::UpdateConference(made.id, change)).expect("801 is free");
    assert_eq!(create(&mut lab, "800"), None, "800 is free again");
    join(&mut lab, phone, "801");
    lab[phone].hang_up();
    lab.finish();
}

fn recorded(lab: &Lab) -> Vec<RecordingRecord> {
    let told = lab.facts.events.iter().filter(|event| event.kind.name() == "conference_recording");
    let record = |kind: &EventKind| match kind {
        EventKind::Recording(record) => Some((**record).clone()),
        _ => None,
    };
    told.filter_map(|event| record(&event.kind)).collect()
}

#[test]
fn everybody_is_in_the_recording_of_a_conference() {
    let mut lab = Lab::new(40);
    let all = phones(&mut lab, 3);
    let made = conference(&mut lab, |_| {});
    let start = |lab: &mut Lab| {
        let options = RecordingOptions { end_of_silence: None, ..RecordingOptions::default() };
        lab.command(Command::StartRecording(Recorded::Conference(made.id), options))
    };
    assert_eq!(start(&mut lab), Err(Rejection::ConferenceEmpty));
    all.iter().for_each(|phone| join(&mut lab, *phone, "800"));
    let Ok(Reply::Conference(now)) = start(&mut lab) else { panic!("it begins") };
    let id = now.recording_id.expect("the conference names its recording");
    assert_eq!(now.recording_ids, [id]);
    assert_eq!(start(&mut lab), Err(Rejection::RecordingActive));
    lab.run_for(seconds(3));
    let sum: i32 = all.iter().map(|phone| i32::from(said(&lab, *phone))).sum();
    let Ok(Reply::Conference(now)) = lab.command(Command::StopRecording(Recorded::Conference(made.id))) else {
        panic!("it ends")
    };
    assert_eq!((now.recording_id, now.recording_ids), (None, vec![id]));
    let again = lab.command(Command::StopRecording(Recorded::Conference(made.id)));
    assert_eq!(again, Err(Rejection::RecordingInactive));
    lab.run_for(seconds(1));
    let heard = lab.disk.file(id).channel(0, seconds(1), seconds(2));
    let right = heard.iter().filter(|level| (i32::from(**level) - sum).abs() <= 16).count();
    assert!(right * 10 > heard.len() * 9, "{right} of {} are {sum}: {:?}", heard.len(), &heard[..20]);
    let told = recorded(&lab);
    let last = told.last().expect("it was told");
    assert_eq!((last.of, last.end), (Recorded::Conference(made.id), Some(RecordingEnd::Asked)));
    assert_eq!(last.status, RecordingStatus::Ended);
    all.iter().for_each(|phone| lab[*phone].hang_up());
    lab.finish();
}

#[test]
fn the_recording_of_a_conference_ends_with_the_last_one_in_it_or_with_its_time() {
    let mut lab = Lab::new(41);
    let all = phones(&mut lab, 2);
    let made = conference(&mut lab, |_| {});
    all.iter().for_each(|phone| join(&mut lab, *phone, "800"));
    let start = |lab: &mut Lab, options| lab.command(Command::StartRecording(Recorded::Conference(made.id), options));
    let options = RecordingOptions { duration: Some(seconds(2)), beep: true, ..RecordingOptions::default() };
    assert!(start(&mut lab, options).is_ok());
    lab.run_for(seconds(4));
    assert_eq!(recorded(&lab).last().and_then(|record| record.end), Some(RecordingEnd::Duration));
    assert!(start(&mut lab, RecordingOptions::default()).is_ok());
    lab.run_for(seconds(2));
    lab.fail_recording("No space left on device");
    lab.run_for(seconds(1));
    assert_eq!(recorded(&lab).last().and_then(|record| record.end), Some(RecordingEnd::Failed));
    assert!(start(&mut lab, RecordingOptions::default()).is_ok(), "another one may begin");
    lab.run_for(seconds(2));
    all.iter().for_each(|phone| lab[*phone].hang_up());
    lab.run_for(seconds(2));
    let told = recorded(&lab);
    let last = told.last().expect("it was told");
    assert_eq!((last.end, last.status), (Some(RecordingEnd::Hangup), RecordingStatus::Ended));
    assert_eq!(told.iter().filter(|record| record.status == RecordingStatus::Ended).count(), 3);
    lab.finish();
}
