//! Recordings: what is asked for, how far each has come, and what is told to whoever writes the files.
//!
//! A recording begins and ends within a call ([`crate::call::recording`]) or a conference ([`crate::exchange::conferences`]), but outlives it: its file is closed, and
//! converted where that was asked for, after the call is over. `initiating → recording → stopping → ended`.

use std::time::Duration;

pub use media::Layout;
use media::{RecordingId, SampleRate};
use rustc_hash::FxHashMap;
use uuid::Uuid;

use crate::billing::CostType;
use crate::call::Affair;
use crate::call::LegKey;
use crate::command::Rejection;
use crate::context::Context;
use crate::correction::Correction;
use crate::event::EventKind;
use crate::exchange::Output;
use crate::flow::record::Origin;
use crate::flow::{Script, Variables};
use crate::timers::TimerId;
use crate::{UnixMicros, index, limits};

/// What somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RecordingOptions {
    /// The file that is left in the end.
    pub format: RecordingFormat,
    /// What the phone says and what it hears: apart, or in one.
    pub layout: Layout,
    /// Ends by itself after so much silence.
    pub end_of_silence: Option<Duration>,
    /// Ends when the phone presses this.
    pub end_of_key: EndOfKey,
    /// Ends by itself after this time.
    pub duration: Option<Duration>,
    /// Whether those in the call hear a beep first.
    pub beep: bool,
    /// The flow to run once it is over.
    pub on_end_flow_id: Option<Uuid>,
}

impl RecordingOptions {
    /// Whether they can be carried out.
    pub fn check(&self) -> Result<(), Rejection> {
        let too_long = |limit: Option<Duration>| limit.is_some_and(|limit| limit > limits::RECORDING);
        if too_long(self.duration) {
            return Err(Rejection::Invalid { field: "duration", reason: "longer than a day" });
        }
        if too_long(self.end_of_silence) {
            return Err(Rejection::Invalid { field: "end_of_silence", reason: "longer than a day" });
        }
        Ok(())
    }
}

/// The kinds of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub enum RecordingFormat {
    #[default]
    Wav,
    Mp3,
}

/// The keys that end a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EndOfKey {
    /// None does.
    #[default]
    None,
    /// Each does.
    Any,
    /// This one does: `0`–`9`, `*`, `#`, `A`–`D`.
    Key(char),
}

impl EndOfKey {
    /// Reads VoIPBIN's word: `none` (or nothing), `any`, or the key itself.
    pub fn from_word(word: &str) -> Option<EndOfKey> {
        let mut letters = word.chars();
        match (word, letters.next(), letters.next()) {
            ("" | "none", _, _) => Some(EndOfKey::None),
            ("any", _, _) => Some(EndOfKey::Any),
            (_, Some(key @ ('0'..='9' | '*' | '#' | 'A'..='D')), None) => Some(EndOfKey::Key(key)),
            _ => None,
        }
    }

    fn is_pressed_by(self, digit: char) -> bool {
        self == EndOfKey::Any || self == EndOfKey::Key(digit)
    }
}

/// How far a recording has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RecordingStatus {
    /// Its file is being made.
    Initiating,
    /// What is said goes into the file.
    Recording,
    /// Nothing more goes into the file; it is being completed.
    Stopping,
    /// The file is complete, or there will be none.
    Ended,
}

/// Why a recording is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordingEnd {
    /// Somebody asked for it.
    Asked,
    /// The call is over.
    Hangup,
    /// The phone pressed the key.
    Key,
    /// It is as long as it was to be.
    Duration,
    /// It was silent for long enough.
    Silence,
    /// It could not begin or go on.
    Failed,
}

/// What the world sees recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// The leg whose phone is recorded, with what it hears.
    Call(Uuid),
    /// Everybody who is in this conference.
    Conference(Uuid),
}

/// Who is to know how a recording gets on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recordee {
    /// The leg.
    Leg(LegKey),
    /// The conference.
    Conference(Uuid),
}

/// A recording as the world sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordingRecord {
    /// Its id, for ever.
    pub id: Uuid,
    /// What is recorded.
    pub of: Recorded,
    /// How far it has come.
    pub status: RecordingStatus,
    /// The file that is left in the end.
    pub format: RecordingFormat,
    /// The flow to run once it is over.
    pub on_end_flow_id: Option<Uuid>,
    /// Why it is over, once it is.
    pub end: Option<RecordingEnd>,
    /// What went wrong, if anything did.
    pub failure: Option<String>,
    /// The file, once it is complete.
    pub file: Option<RecordedFile>,
    /// When it was asked for.
    pub created: UnixMicros,
    /// When it changed last.
    pub updated: UnixMicros,
    /// When the file was there.
    pub started: Option<UnixMicros>,
    /// When nothing more went into the file.
    pub ended: Option<UnixMicros>,
}

/// A complete file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedFile {
    /// Where it is within the folder of recordings.
    pub path: String,
    /// What it is: WAV where a conversion failed.
    pub format: RecordingFormat,
    /// Its length in octets.
    pub octets: u64,
    /// How long it plays.
    pub duration: Duration,
}

/// What is told to whoever writes the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordingOrder {
    /// Make the file: buffers of this recording will come.
    Begin {
        /// Its name at the media engine.
        recording: RecordingId,
        /// Its id.
        id: Uuid,
        /// The kind of file that is left in the end.
        format: RecordingFormat,
        /// The channels of its buffers.
        layout: Layout,
        /// The samples a second of its buffers.
        rate: SampleRate,
        /// When it was asked for: the day is the folder of the file.
        at: UnixMicros,
    },
}

/// What whoever writes the files has to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordingReport {
    /// The file is there.
    Begun(RecordingId),
    /// Nothing more can be written; why, in words. What was written before is filed.
    Failed(RecordingId, String),
    /// The file is complete; what was written before a failure counts, too.
    Filed(RecordingId, RecordedFile),
    /// There is no file; why, in words.
    Lost(RecordingId, String),
}

/// The recordings that are not ended.
#[derive(Debug, Default)]
pub struct Recordings {
    live: FxHashMap<RecordingId, Live>,
    made: u32,
}

#[derive(Debug)]
struct Live {
    record: RecordingRecord,
    recordee: Recordee,
    end_of_key: EndOfKey,
    limit: Option<TimerId>,
    /// The variables of the flow that it was begun in, as they were last.
    variables: Variables,
}

impl Recordings {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.live.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.live.is_empty()
    }

    /// Who is to know of it.
    pub fn recordee(&self, recording: RecordingId) -> Option<Recordee> {
        self.live.get(&recording).map(|live| live.recordee)
    }

    /// The public id.
    pub fn id(&self, recording: RecordingId) -> Option<Uuid> {
        self.live.get(&recording).map(|live| live.record.id)
    }

    /// What the flow that runs after it is to know.
    pub fn hand_over(&mut self, recording: RecordingId, variables: &Variables) {
        if let Some(live) = self.live.get_mut(&recording).filter(|live| live.record.on_end_flow_id.is_some()) {
            live.variables = variables.clone();
        }
    }

    /// The wall clock was set: what is not ended is dated by the new one.
    pub fn redate(&mut self, correction: &Correction) {
        for Live { record, .. } in self.live.values_mut() {
            let RecordingRecord { created, updated, started, ended, .. } = record;
            correction.redate_all([Some(created), Some(updated), started.as_mut(), ended.as_mut()]);
        }
    }

    /// Whether this key ends it.
    pub fn ends_by(&self, recording: RecordingId, digit: char) -> bool {
        self.live.get(&recording).is_some_and(|live| live.end_of_key.is_pressed_by(digit))
    }
}

impl Context {
    /// Names a new recording, states it, and has its file made. Returns its public id, too.
    pub fn begin_recording(
        &mut self,
        (recordee, of): (Recordee, Recorded),
        options: &RecordingOptions,
        rate: SampleRate,
    ) -> Result<(RecordingId, Uuid), Rejection> {
        if self.recordings.len() >= limits::RECORDINGS {
            return Err(Rejection::Exhausted("too many recordings run"));
        }
        self.recordings.made = self.recordings.made.wrapping_add(1);
        let recording = RecordingId(self.recordings.made);
        let (id, at) = (self.uuid(), self.unix());
        let record = RecordingRecord {
            id,
            of,
            status: RecordingStatus::Initiating,
            format: options.format,
            on_end_flow_id: options.on_end_flow_id,
            end: None,
            failure: None,
            file: None,
            created: at,
            updated: at,
            started: None,
            ended: None,
        };
        let limit = options.duration.map(|limit| self.arm(limit, crate::timers::Timer::RecordingLimit(recording)));
        self.totals.recordings += 1;
        self.event(EventKind::Recording(Box::new(record.clone())));
        self.recordings.live.insert(
            recording,
            Live { record, recordee, end_of_key: options.end_of_key, limit, variables: Variables::default() },
        );
        let (layout, format) = (options.layout, options.format);
        self.output(Output::Recording(RecordingOrder::Begin { recording, id, format, layout, rate, at }));
        Ok((recording, id))
    }

    /// Nothing more goes into the file. Says whether that is news.
    pub fn stop_recording(&mut self, recording: RecordingId, end: RecordingEnd, failure: Option<String>) -> bool {
        let at = self.unix();
        let Some(live) = self.recordings.live.get_mut(&recording) else { return false };
        if live.record.status >= RecordingStatus::Stopping {
            return false;
        }
        let mut limit = live.limit.take();
        live.record.status = RecordingStatus::Stopping;
        live.record.end = Some(end);
        live.record.failure = failure;
        live.record.ended = Some(at);
        self.cancel(&mut limit);
        self.totals.recordings_failed += u64::from(end == RecordingEnd::Failed);
        self.state_recording(recording);
        true
    }

    /// Whoever writes the files has something to tell.
    pub fn handle_recording_report(&mut self, report: RecordingReport) {
        let at = self.unix();
        match report {
            RecordingReport::Begun(recording) => {
                let Some(live) = self.recordings.live.get_mut(&recording) else { return };
                if live.record.status == RecordingStatus::Initiating {
                    live.record.status = RecordingStatus::Recording;
                    live.record.started = Some(live.record.created);
                    self.state_recording(recording);
                }
            }
            RecordingReport::Failed(recording, reason) => {
                self.stop_recording(recording, RecordingEnd::Failed, Some(reason));
            }
            RecordingReport::Filed(recording, file) => self.end_recording(recording, at, |record| {
                record.format = file.format;
                record.file = Some(file);
            }),
            RecordingReport::Lost(recording, reason) => self.end_recording(recording, at, |record| {
                record.end = Some(RecordingEnd::Failed);
                // What kept it from being recorded says more than that nothing was.
                record.failure.get_or_insert(reason);
            }),
        }
    }

    fn end_recording(&mut self, recording: RecordingId, at: UnixMicros, complete: impl FnOnce(&mut RecordingRecord)) {
        let Some(live) = self.recordings.live.get_mut(&recording) else { return };
        let mut limit = live.limit.take();
        let record = &mut live.record;
        complete(record);
        record.status = RecordingStatus::Ended;
        record.ended = record.ended.or(Some(at));
        self.cancel(&mut limit);
        self.state_recording(recording);
        if let Some(live) = self.recordings.live.remove(&recording) {
            if let Some(file) = &live.record.file {
                let minutes = file.duration.as_secs().div_ceil(60).max(1);
                let of = (live.record.id, file.duration, None);
                self.charge((CostType::Recording, minutes as usize), Some(of.0), of);
            }
            self.run_after(live);
        }
        index::shrink(&mut self.recordings.live);
    }

    /// A recording is over: the flow runs that was to run then, with the variables of the one that it was begun in.
    fn run_after(&mut self, live: Live) {
        let record = live.record;
        let Some(flow) = record.on_end_flow_id.and_then(|id| self.flows.get(id)) else { return };
        let mut script = Script { variables: live.variables, ..Script::from(flow) };
        script.variables.tell("voipbin.recording.id", record.id.to_string());
        script.variables.tell("voipbin.recording.reference_type", record.of.name());
        script.variables.tell("voipbin.recording.reference_id", record.of.id().to_string());
        script.variables.tell("voipbin.recording.format", record.format.name());
        script.variables.tell("voipbin.recording.filenames", record.file.map(|file| file.path).unwrap_or_default());
        self.affairs.push_back(Affair::Run(Box::new(script), Origin::Recording(record.id)));
    }

    fn state_recording(&mut self, recording: RecordingId) {
        let at = self.unix();
        let Some(live) = self.recordings.live.get_mut(&recording) else { return };
        live.record.updated = at;
        let record = Box::new(live.record.clone());
        self.event(EventKind::Recording(record));
    }
}

impl Recorded {
    /// The API's word.
    pub fn name(self) -> &'static str {
        match self {
            Recorded::Call(_) => "call",
            Recorded::Conference(_) => "confbridge",
        }
    }

    /// Its id.
    pub fn id(self) -> Uuid {
        match self {
            Recorded::Call(id) | Recorded::Conference(id) => id,
        }
    }

    /// What it is called when a recording of it has come further.
    pub fn event_name(self) -> &'static str {
        match self {
            Recorded::Call(_) => "call_recording",
            Recorded::Conference(_) => "conference_recording",
        }
    }
}

impl RecordingFormat {
    /// The API's word.
    pub fn name(self) -> &'static str {
        match self {
            RecordingFormat::Wav => "wav",
            RecordingFormat::Mp3 => "mp3",
        }
    }
}

impl RecordingStatus {
    /// The API's word.
    pub fn name(self) -> &'static str {
        match self {
            RecordingStatus::Initiating => "initiating",
            RecordingStatus::Recording => "recording",
            RecordingStatus::Stopping => "stopping",
            RecordingStatus::Ended => "ended",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_words_or_themselves() {
        assert_eq!(EndOfKey::from_word(""), Some(EndOfKey::None));
        assert_eq!(EndOfKey::from_word("any"), Some(EndOfKey::Any));
        assert_eq!(EndOfKey::from_word("#"), Some(EndOfKey::Key('#')));
        assert_eq!([EndOfKey::from_word("##"), EndOfKey::from_word("E"), EndOfKey::from_word("é")], [None; 3]);
        assert!(EndOfKey::Any.is_pressed_by('7') && EndOfKey::Key('7').is_pressed_by('7'));
        assert!(!EndOfKey::Key('7').is_pressed_by('8') && !EndOfKey::None.is_pressed_by('7'));
    }

    #[test]
    fn more_than_a_day_cannot_be() {
        let long = Some(limits::RECORDING + Duration::from_secs(1));
        assert!(RecordingOptions { duration: long, ..RecordingOptions::default() }.check().is_err());
        assert!(RecordingOptions { end_of_silence: long, ..RecordingOptions::default() }.check().is_err());
        assert!(RecordingOptions { duration: Some(limits::RECORDING), ..RecordingOptions::default() }.check().is_ok());
    }
}
