//! Which file belongs to which recording: what the exchange orders becomes a name, and what is told of a name becomes
//! a report to the exchange, or, of recordings of an earlier run, a fact for the store.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use media::RecordingId;
use pbx::recording::{self, RecordingFormat, RecordingOrder, RecordingReport};
use rustc_hash::FxHashMap;
use store::Timestamp;
use store::recording::Found;
use uuid::Uuid;

use crate::recording_thread::recordings_folder::{RecordingsFolder, is_to_be_converted};
use crate::recording_thread::{Order, RecordedFile, Report, recovery};

/// The recordings of which the exchange waits for an MP3, by their ids.
#[derive(Debug, Default)]
pub struct Filing {
    converting: FxHashMap<Uuid, (RecordingId, RecordedFile)>,
}

/// Who is to be told.
#[derive(Debug, PartialEq, Eq)]
pub enum Told {
    /// The exchange.
    Exchange(RecordingReport),
    /// The store: the exchange of an earlier run made the recording.
    Store(Found),
}

impl Filing {
    /// What the recording thread has to do.
    pub fn order(&self, order: RecordingOrder) -> Order {
        let RecordingOrder::Begin { recording, id, format, layout, rate, at } = order;
        Order::Start { recording, path: name_of(id, format, at.into()), layout, rate }
    }

    /// What the recording thread has to say, and to whom. Some of it is news for nobody.
    pub fn handle_report(&mut self, report: Report) -> Option<Told> {
        let told = match report {
            Report::Begun { recording } => RecordingReport::Begun(recording),
            Report::Refused { recording, reason } => RecordingReport::Lost(recording, reason),
            Report::Failed { recording, reason } => RecordingReport::Failed(recording, reason),
            Report::Written { recording, file: None } => {
                RecordingReport::Lost(recording, "nothing was recorded".to_owned())
            }
            Report::Written { recording, file: Some(file) } => match id_of(&file.path) {
                Some(id) if is_to_be_converted(&file.path) => {
                    self.converting.insert(id, (recording, file));
                    return None;
                }
                _ => RecordingReport::Filed(recording, filed(&file)),
            },
            Report::Converted { file } => {
                let id = id_of(&file.path)?;
                match self.converting.remove(&id) {
                    Some((recording, _)) => RecordingReport::Filed(recording, filed(&file)),
                    None => return Some(Told::Store(Found { id, file: filed(&file) })),
                }
            }
            Report::NotConverted { path, .. } => {
                let (recording, file) = self.converting.remove(&id_of(&path)?)?;
                RecordingReport::Filed(recording, filed(&file))
            }
            // Rows that wait for a file are completed at the start; a file that none waits for concerns nobody.
            Report::Recovered { .. } => return None,
        };
        Some(Told::Exchange(told))
    }
}

/// The files of recordings that an earlier run did not end, made whole.
pub fn find(folder: &Path, unfinished: &[store::recording::Record]) -> Vec<Found> {
    let folder = RecordingsFolder::at(folder);
    let mut found = Vec::new();
    for record in unfinished {
        let name = name_of(record.id, record.format.into(), record.tm_create);
        match recovery::find(&folder, &name) {
            Ok(Some(file)) => found.push(Found { id: record.id, file: filed(&file) }),
            Ok(None) => {}
            Err(error) => tracing::error!(%error, path = %name.display(), "an unfinished recording cannot be read"),
        }
    }
    found
}

/// `2026-11-22/<id>.wav`: the day in UTC is the folder.
fn name_of(id: Uuid, format: RecordingFormat, at: Timestamp) -> PathBuf {
    let moment = at.to_string();
    let day = moment.split('T').next().unwrap_or_default();
    let extension = match format {
        RecordingFormat::Wav => "wav",
        RecordingFormat::Mp3 => "mp3",
    };
    Path::new(day).join(format!("{id}.{extension}"))
}

/// The id that stands in the name of a file.
fn id_of(path: &Path) -> Option<Uuid> {
    let name = path.file_name().and_then(OsStr::to_str)?;
    Uuid::try_parse(name.split('.').next()?).ok()
}

fn filed(file: &RecordedFile) -> recording::RecordedFile {
    let format = match file.path.extension() {
        Some(extension) if extension == "mp3" => RecordingFormat::Mp3,
        _ => RecordingFormat::Wav,
    };
    // Names are made of ids and days.
    let path = file.path.to_string_lossy().into_owned();
    recording::RecordedFile { path, format, octets: file.octets, duration: file.duration }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use media::{Layout, SampleRate};
    use pbx::UnixMicros;

    use super::*;

    const RECORDING: RecordingId = RecordingId(4);
    const ID: Uuid = Uuid::from_u128(77);

    fn file(path: &Path) -> RecordedFile {
        RecordedFile { path: path.to_owned(), duration: Duration::from_secs(3), octets: 48_080 }
    }

    fn begin(filing: &Filing, format: RecordingFormat) -> PathBuf {
        let (layout, rate) = (Layout::Stereo, SampleRate::Khz8);
        let at = UnixMicros(1_795_342_560_000_000);
        let order = RecordingOrder::Begin { recording: RECORDING, id: ID, format, layout, rate, at };
        let Order::Start { path, recording: RECORDING, .. } = filing.order(order) else { panic!("it starts") };
        path
    }

    #[test]
    fn a_wav_is_filed_when_it_is_written() {
        let mut filing = Filing::default();
        let path = begin(&filing, RecordingFormat::Wav);
        assert_eq!(path.to_str(), Some("2026-11-22/00000000-0000-0000-0000-00000000004d.wav"));
        let begun = filing.handle_report(Report::Begun { recording: RECORDING });
        assert_eq!(begun, Some(Told::Exchange(RecordingReport::Begun(RECORDING))));
        let report = filing.handle_report(Report::Written { recording: RECORDING, file: Some(file(&path)) });
        let Some(Told::Exchange(RecordingReport::Filed(RECORDING, filed))) = report else { panic!("{report:?}") };
        assert_eq!(
            (filed.format, filed.octets, filed.path.as_str()),
            (RecordingFormat::Wav, 48_080, path.to_str().unwrap())
        );
    }

    #[test]
    fn an_mp3_is_filed_when_it_is_made_or_as_what_there_is() {
        for converts in [true, false] {
            let mut filing = Filing::default();
            let mp3 = begin(&filing, RecordingFormat::Mp3);
            let wav = PathBuf::from(format!("{}.wav", mp3.display()));
            assert_eq!(filing.handle_report(Report::Written { recording: RECORDING, file: Some(file(&wav)) }), None);
            let (report, format, path) = match converts {
                true => (Report::Converted { file: file(&mp3) }, RecordingFormat::Mp3, &mp3),
                false => {
                    (Report::NotConverted { path: wav.clone(), reason: String::new() }, RecordingFormat::Wav, &wav)
                }
            };
            let Some(Told::Exchange(RecordingReport::Filed(RECORDING, filed))) = filing.handle_report(report) else {
                panic!("it is filed")
            };
            assert_eq!((filed.format, Path::new(&filed.path)), (format, path.as_path()));
        }
    }

    #[test]
    fn what_is_lost_and_what_is_of_an_earlier_run() {
        let mut filing = Filing::default();
        for (report, reason) in [
            (Report::Refused { recording: RECORDING, reason: "no room".into() }, "no room"),
            (Report::Written { recording: RECORDING, file: None }, "nothing was recorded"),
        ] {
            let lost = RecordingReport::Lost(RECORDING, reason.into());
            assert_eq!(filing.handle_report(report), Some(Told::Exchange(lost)));
        }
        let mp3 = name_of(ID, RecordingFormat::Mp3, Timestamp(0));
        let told = filing.handle_report(Report::Converted { file: file(&mp3) });
        assert_eq!(told, Some(Told::Store(Found { id: ID, file: filed(&file(&mp3)) })));
        let foreign = Report::Converted { file: file(Path::new("music.mp3")) };
        assert_eq!(filing.handle_report(foreign), None);
    }
}
