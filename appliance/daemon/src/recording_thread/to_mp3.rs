//! A WAV file of ours becomes an MP3: in a process of its own, so that whatever happens in there, calls go on.
//!
//! 64 kbit/s for one channel, 96 for two. The encoder is young, so its work is looked at: the MP3 is decoded by a decoder of other
//! people, must be as long as the WAV file to the sample, and in each second as loud.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use media::SampleRate;
use media::sound::SoundReader;
use media::sound::wav_writer::{self, HEAD, Held};
use rusty_mp3::{Mp3Encoder, Mp3EncoderConfig};

use crate::limits;

/// The word that makes the program convert instead of running an exchange.
pub const WORD: &str = "convert-recording";

/// Octets of sound that are encoded at a time.
const PIECE: usize = 16 * 1_024;

/// How much louder or softer a second may become, as a ratio of amplitudes (3 dB), and how loud it must be to be looked at
/// (−45 dB: softer noise is what an MP3 leaves out).
const TOLERANCE: f64 = 1.41;
const AUDIBLE: f64 = 184.0;

/// What the program does when its first argument is [`WORD`]: reads the second, writes the third. The error is for the one who waits.
pub fn run(arguments: &[std::ffi::OsString]) -> Result<()> {
    let [wav, mp3] = arguments else { bail!("{WORD} takes a WAV file and an MP3 to be made") };
    step_back();
    convert(Path::new(wav), Path::new(mp3))
}

/// Makes `mp3` of `wav`; it is on the disk and known to be good.
pub fn convert(wav: &Path, mp3: &Path) -> Result<()> {
    let mut source = File::open(wav).context("cannot open the WAV file")?;
    let known = wav_writer::inspect(&mut source).context("cannot read the WAV file")?;
    let mut file = OpenOptions::new();
    let file = file.read(true).write(true).create(true).truncate(true).mode(0o600).open(mp3);
    let mut file = file.context("cannot make the MP3")?;
    encode(&mut source, &known, &mut file)?;
    file.sync_all().context("cannot sync the MP3")?;
    source.seek(SeekFrom::Start(0)).context("cannot read the WAV file")?;
    file.seek(SeekFrom::Start(0)).context("cannot read the MP3")?;
    compare(source, file, &known)
}

fn encode(source: &mut File, known: &Held, file: &mut File) -> Result<()> {
    let bitrate_kbps = if known.channels == 1 { 64 } else { 96 };
    let mut encoder = Mp3Encoder::new(Mp3EncoderConfig { bitrate_kbps, vbr_quality: None });
    source.seek(SeekFrom::Start(HEAD)).context("cannot read the WAV file")?;
    let mut left = known.moments * 2 * u64::from(known.channels);
    let mut piece = vec![0; PIECE];
    let mut out = BufWriter::new(&mut *file);
    while left > 0 {
        let count = left.min(PIECE as u64) as usize;
        source.read_exact(&mut piece[..count]).context("cannot read the WAV file")?;
        left -= count as u64;
        let pushed = encoder.push_pcm_s16le(&piece[..count], known.channels, known.hz);
        pushed.map_err(|error| anyhow::anyhow!("cannot encode: {error}"))?;
        drain(&mut encoder, &mut out)?;
    }
    encoder.finish();
    drain(&mut encoder, &mut out)?;
    out.flush().context("cannot write the MP3")?;
    drop(out);
    // Only now is it known how long it is: that stands in the first frame, whose place was kept.
    let tag = encoder.lame_tag_frame().context("the encoder made no frames")?;
    file.seek(SeekFrom::Start(0)).and_then(|_| file.write_all(tag)).context("cannot write the MP3")
}

fn drain(encoder: &mut Mp3Encoder, out: &mut impl Write) -> Result<()> {
    while let Ok(packet) = encoder.next_packet() {
        out.write_all(&packet).context("cannot write the MP3")?;
    }
    Ok(())
}

/// Whether both sound the same, as far as a machine can tell.
fn compare(wav: File, mp3: File, known: &Held) -> Result<()> {
    let rate = SampleRate::from_hz(known.hz).with_context(|| format!("{} Hz is not a rate of ours", known.hz))?;
    let mut wav = SoundReader::open(BufReader::new(wav), rate).context("cannot read the WAV file again")?;
    let mut mp3 = SoundReader::open(BufReader::new(mp3), rate).context("cannot read the MP3 again")?;
    let second = rate.hz() as usize;
    let (mut before, mut after) = (vec![0; second], vec![0; second]);
    let mut moments = 0;
    loop {
        let count = mp3.read(&mut after).context("cannot decode the MP3")?;
        let expected = wav.read(&mut before).context("cannot read the WAV file again")?;
        ensure!(count == expected, "the MP3 has another length: {} samples", moments + count as u64);
        moments += count as u64;
        let (before, after) = (loudness(&before[..count]), loudness(&after[..count]));
        // A short rest at the end is too little to be judged.
        let is_judged = count > second / 4 && before.max(after) > AUDIBLE;
        ensure!(
            !is_judged || (after < before * TOLERANCE && before < after * TOLERANCE),
            "the MP3 sounds different after {} s: {after:.0} for {before:.0}",
            moments / second as u64
        );
        if count < second {
            break;
        }
    }
    ensure!(moments == known.moments, "the MP3 has {moments} samples for {}", known.moments);
    Ok(())
}

fn loudness(pcm: &[i16]) -> f64 {
    let square: f64 = pcm.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    (square / pcm.len().max(1) as f64).sqrt()
}

/// Leaves processor and disk to everybody else, ends with the process that started it, and does not run for ever.
fn step_back() {
    let limit = libc::rlimit { rlim_cur: limits::CONVERSION_CPU.as_secs(), rlim_max: limits::CONVERSION_CPU.as_secs() };
    let parameters = libc::sched_param { sched_priority: 0 };
    // The idle class of the disk's scheduler (ioprio_set(2)): class 3, of this process.
    let (who_process, idle) = (1, 3 << 13);
    // SAFETY: 0 is the calling process; the structures outlive the calls. What is refused changes nothing.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        libc::setpriority(libc::PRIO_PROCESS, 0, 19);
        libc::sched_setscheduler(0, libc::SCHED_IDLE, &parameters);
        libc::syscall(libc::SYS_ioprio_set, who_process, 0, idle);
        libc::setrlimit(libc::RLIMIT_CPU, &limit);
    }
}

#[cfg(test)]
mod tests {
    use media::sound::wav_writer::WavWriter;

    use super::*;

    /// Something like speech: three voices at the pitch of vowels, syllables of a fifth of a second, and a little noise.
    fn speech(hz: u32, channels: u16, seconds: f64) -> Vec<i16> {
        let mut noise = 1_u32;
        let mut sample = |at: usize, channel: usize| {
            let time = at as f64 / f64::from(hz) + channel as f64 * 0.35;
            let syllable = (time * 2.5 * std::f64::consts::TAU).sin().max(0.0);
            let tone = |hz: f64| (time * hz * std::f64::consts::TAU).sin();
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let hiss = f64::from(noise >> 16) / 32_768.0 - 1.0;
            ((tone(140.0) * 4_000.0 + tone(700.0) * 3_000.0 + tone(1_220.0) * 1_500.0) * syllable + hiss * 60.0) as i16
        };
        let moments = (f64::from(hz) * seconds) as usize;
        (0..moments * usize::from(channels))
            .map(|at| sample(at / usize::from(channels), at % usize::from(channels)))
            .collect()
    }

    fn wav(folder: &Path, pcm: &[i16], hz: u32, channels: u16) -> std::path::PathBuf {
        let path = folder.join(format!("{hz}-{channels}-{}.wav", pcm.len()));
        let mut writer = WavWriter::new(File::create(&path).expect("it is writable"), hz, channels).expect("a disk");
        writer.write(pcm).and_then(|()| writer.checkpoint()).expect("a disk");
        path
    }

    #[test]
    fn every_rate_and_layout_becomes_an_mp3_of_its_length() {
        let home = tempfile::tempdir().expect("the temporary folder is writable");
        for rate in SampleRate::ALL {
            for channels in [1, 2] {
                for seconds in [0.02, 2.345] {
                    let pcm = speech(rate.hz(), channels, seconds);
                    let wav = wav(home.path(), &pcm, rate.hz(), channels);
                    let mp3 = wav.with_extension("mp3.part");
                    convert(&wav, &mp3).unwrap_or_else(|error| panic!("{rate}, {channels}, {seconds} s: {error:#}"));
                    let kilobits = if channels == 1 { 64.0 } else { 96.0 };
                    let octets = std::fs::metadata(&mp3).expect("it was made").len() as f64;
                    let expected = kilobits * 1_000.0 / 8.0 * seconds;
                    assert!((expected..expected + 4_000.0).contains(&octets), "{rate}, {channels}: {octets}");
                }
            }
        }
    }

    #[test]
    fn the_mp3_is_close_to_what_was_recorded() {
        let home = tempfile::tempdir().expect("the temporary folder is writable");
        let pcm = speech(8_000, 1, 3.0);
        let wav = wav(home.path(), &pcm, 8_000, 1);
        convert(&wav, &wav.with_extension("mp3.part")).expect("it can be converted");
        let file = File::open(wav.with_extension("mp3.part")).expect("it was made");
        let mut decoded = vec![0; pcm.len()];
        let count = SoundReader::open(file, SampleRate::Khz8).and_then(|mut mp3| mp3.read(&mut decoded));
        assert_eq!(count.expect("it can be decoded"), pcm.len());
        let difference: Vec<i16> = pcm.iter().zip(&decoded).map(|(a, b)| a.saturating_sub(*b)).collect();
        let decibels = 20.0 * (loudness(&pcm) / loudness(&difference)).log10();
        assert!(decibels > 25.0, "{decibels} dB");
    }

    #[test]
    fn silence_noise_and_clipping_are_converted_too() {
        let home = tempfile::tempdir().expect("the temporary folder is writable");
        let mut dice = 7_u32;
        let mut noise = || {
            dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (dice >> 16) as i16
        };
        let square = |at: usize| if (at / 20).is_multiple_of(2) { i16::MIN } else { i16::MAX };
        for pcm in [vec![0; 16_000], (0..16_001).map(|_| noise()).collect(), (0..16_002).map(square).collect()] {
            let wav = wav(home.path(), &pcm, 8_000, 1);
            convert(&wav, &wav.with_extension("mp3.part")).expect("it can be converted");
        }
    }

    #[test]
    fn an_mp3_of_something_else_is_not_accepted() {
        let home = tempfile::tempdir().expect("the temporary folder is writable");
        let pcm = speech(8_000, 1, 3.0);
        let mut other = pcm.clone();
        // A second that is missing, as it would be if the encoder had lost it.
        other[8_000..16_000].fill(0);
        let (wav, hole) = (wav(home.path(), &pcm, 8_000, 1), wav(home.path(), &[&other[..], &[]].concat(), 16_000, 1));
        std::fs::rename(&hole, home.path().join("hole.wav")).expect("it can be named");
        let mut rewritten = WavWriter::new(File::create(&hole).expect("it is writable"), 8_000, 1).expect("a disk");
        rewritten.write(&other).and_then(|()| rewritten.checkpoint()).expect("a disk");
        let mp3 = home.path().join("hole.mp3.part");
        convert(&hole, &mp3).expect("it is a recording like any other");
        let judge = |moments| {
            let known = Held { hz: 8_000, channels: 1, moments, was_wrong: false };
            compare(File::open(&wav).expect("there"), File::open(&mp3).expect("there"), &known)
        };
        let error = judge(24_000).expect_err("a second is missing").to_string();
        assert!(error.starts_with("the MP3 sounds different after 2 s"), "{error}");
        std::fs::write(&mp3, &std::fs::read(&mp3).expect("there")[..12_000]).expect("it is writable");
        let error = judge(24_000).expect_err("half of it is missing").to_string();
        assert!(error.starts_with("the MP3 has another length"), "{error}");
        let nothing = convert(&home.path().join("none.wav"), &mp3).expect_err("there is no such file");
        assert_eq!(nothing.to_string(), "cannot open the WAV file");
    }
}
