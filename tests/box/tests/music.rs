//! Whoever waits hears the file that the administrator chose.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use box_tests::baresip::Setup;
use box_tests::{Exchange, wait};

const MUSIC: u32 = 600;

/// Two seconds of a tone, in the kind of file that its name says.
fn tone(path: &Path) -> Result<()> {
    let source = format!("sine=frequency={MUSIC}:sample_rate=44100:duration=2");
    let mut command = Command::new("ffmpeg");
    // ffmpeg's sine is quiet: an eighth of full scale.
    command.args(["-v", "error", "-f", "lavfi", "-i", &source, "-af", "volume=4"]).arg(path);
    let output = command.output().context("ffmpeg is installed by tests/setup.sh")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

fn whom_a_phone_holds_hears(name: &str) -> Result<()> {
    let home = tempfile::tempdir()?;
    let file = home.path().join(name);
    tone(&file)?;
    let music = file.to_str().context("temporary names are plain")?.to_owned();
    let exchange = Exchange::start_as(|plan| plan.arguments.extend(["--music-on-hold".to_owned(), music]))?;
    exchange.add_extension("1001")?;
    exchange.add_extension("1002")?;
    let mut caller = Setup::new(&exchange, "1001").start()?;
    let mut callee = Setup::new(&exchange, "1002").answering().start()?;
    caller.await_registered()?;
    callee.await_registered()?;
    caller.dial("1002")?;
    caller.await_event("CALL_ESTABLISHED")?;
    wait::let_pass(Duration::from_secs(1));
    caller.command("hold", "")?;
    exchange.await_call("the held call", |call| call["direction"] == "incoming" && call["metadata"]["held"] == true)?;
    // It ends and begins anew meanwhile.
    wait::let_pass(Duration::from_millis(4_500));
    caller.command("hangup", "")?;
    callee.await_event("CALL_CLOSED")?;
    let heard = callee.heard()?;
    let (all, waited) = (heard.seconds(), 4.2);
    ensure!(all > waited, "only {all} s were heard");
    heard.part(all - waited, all - 0.3).assert_tone_of_any_length(MUSIC);
    exchange.assert_no_errors();
    Ok(())
}

#[test]
fn whom_a_phone_holds_hears_the_wav() -> Result<()> {
    whom_a_phone_holds_hears("music.wav")
}

#[test]
fn whom_a_phone_holds_hears_the_mp3() -> Result<()> {
    whom_a_phone_holds_hears("music.mp3")
}
