//! `record_start`: records the call.

use crate::flow::action::{Field, Info, Work};
use crate::flow::options::{Fault, Options};
use crate::flow::order::Order;
use crate::limits;
use crate::recording::{EndOfKey, Layout, RecordingFormat, RecordingOptions};

/// The action.
pub const INFO: Info = Info {
    name: "record_start",
    aliases: &["recording_start"],
    about: "Records the call from now on, while the flow goes on.",
    options: &[
        Field::new("format", "wav", "`wav` or `mp3`"),
        Field::new("end_of_silence", "0", "seconds of silence that end it; 0: none do"),
        Field::new("end_of_key", "none", "`none`, `any`, `*` or `#`: the key that ends it"),
        Field::new("duration", "0", "seconds it lasts at most; 0: no limit"),
        Field::new("beep_start", "false", "whether the phone hears a beep first"),
        Field::new("on_end_flow_id", "", "the flow to run when it is over"),
    ],
    example: r##"{"format": "mp3", "end_of_silence": 5, "end_of_key": "#", "duration": 120, "beep_start": true}"##,
    work: Work::Order(read),
    ..Info::CALL
};

fn read(options: &Options) -> Result<Order, Fault> {
    let keys = [("none", EndOfKey::None), ("any", EndOfKey::Any), ("*", EndOfKey::Key('*')), ("#", EndOfKey::Key('#'))];
    Ok(Order::StartRecording(Box::new(RecordingOptions {
        layout: Layout::Stereo,
        format: options.word("format", &[("wav", RecordingFormat::Wav), ("mp3", RecordingFormat::Mp3)])?,
        end_of_silence: options.seconds("end_of_silence", limits::RECORDING)?,
        end_of_key: options.word("end_of_key", &keys)?,
        duration: options.seconds("duration", limits::RECORDING)?,
        beep: options.flag("beep_start")?,
        on_end_flow_id: options.id("on_end_flow_id")?,
    })))
}
