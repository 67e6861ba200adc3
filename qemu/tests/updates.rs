//! Updates by the API of a box that runs: whatever the file is like, and whenever the power goes, an exchange runs in the right slot and an
//! event tells what came of it.
use std::io::{Read, Write};
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bundle::PrivateKey;
use hal::slot::{Reason, Slot};
use images::board::Board;
use images::bundle::{Update, development_key};
use qemu::{BOARD, Disk, Firmware, Machine, Setup};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(180);
const PASSWORD: &str = "carton-2-ladder";
const PATH: &str = "/v1.0/system/update";
/// How long SIP may take to be answered on a machine without hardware help, while a slot is written.
const ANSWER: Duration = Duration::from_secs(2);

/// What the image's slot holds, as a version that is newer.
fn newer() -> Result<Update> {
    let update = Update::of_image(&Board::open(BOARD)?, &images::out(BOARD).join("disk.img"))?;
    Ok(Update { build: update.build + 1, version: "0.2.0-test".to_owned(), ..update })
}

fn boot(disk: &Disk) -> Result<Machine> {
    let setup = Setup::new(disk)?.firmware(Firmware::UBoot).word(format!("tandem.admin_password={PASSWORD}"));
    let mut machine = Machine::boot(&setup)?;
    machine.wait_for("tandem answers", LIMIT)?;
    Ok(machine)
}

fn log_in(machine: &Machine) -> Result<String> {
    let body = json!({ "username": "admin", "password": PASSWORD });
    let answer = machine.request(("POST", "/auth/login"), None, Some(&body))?;
    answer.body["token"].as_str().map(str::to_owned).with_context(|| format!("the login is answered by {answer:?}"))
}

/// Waits until the API says that the update is that far.
fn wait_for(machine: &Machine, status: &str) -> Result<Value> {
    let (token, began) = (log_in(machine)?, Instant::now());
    loop {
        let answer = machine.request(("GET", PATH), Some(&token), None)?;
        if answer.body["update"]["status"] == status {
            return Ok(answer.body);
        }
        ensure!(began.elapsed() < LIMIT, "{status} never came: {answer:?}");
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// Asks again and again whether SIP is answered; how often it was, and the longest wait.
fn ask_sip(sip: SocketAddr, is_over: &AtomicBool) -> Result<(u32, Duration)> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.connect(sip)?;
    socket.set_read_timeout(Some(ANSWER))?;
    let (mut answered, mut longest) = (0, Duration::ZERO);
    while !is_over.load(Ordering::Relaxed) {
        let from = socket.local_addr()?;
        let options = format!(
            "OPTIONS sip:{sip} SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bKup{answered};rport\r\nMax-Forwards: 70\r\n\
             From: <sip:test@{from}>;tag=t\r\nTo: <sip:{sip}>\r\nCall-ID: up{answered}@test\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
        );
        let asked = Instant::now();
        socket.send(options.as_bytes())?;
        let mut answer = [0; 2_048];
        let length =
            socket.recv(&mut answer).with_context(|| format!("OPTIONS {answered} is not answered in {ANSWER:?}"))?;
        ensure!(answer[..length].starts_with(b"SIP/2.0 "), "{:?}", String::from_utf8_lossy(&answer[..length]));
        answered += 1;
        longest = longest.max(asked.elapsed());
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok((answered, longest))
}

/// Whether this slot is the permanent one, and none is on trial.
fn is_permanent(disk: &Disk, slot: Slot) -> Result<()> {
    let state = disk.state()?;
    ensure!((state.permanent(), state.on_trial()) == (slot, None), "{state:?}");
    Ok(())
}

#[test]
fn a_good_one_is_written_while_calls_go_on_and_becomes_permanent() -> Result<()> {
    let disk = Disk::fresh()?;
    let mut machine = boot(&disk)?;
    let token = log_in(&machine)?;
    let update = newer()?;
    let file = update.seal(&[development_key()?])?;
    let (is_over, sip) = (AtomicBool::new(false), machine.sip());
    let began = Instant::now();
    let (answer, asked) = std::thread::scope(|scope| {
        let asking = scope.spawn(|| ask_sip(sip, &is_over));
        let answer = machine.upload(&format!("{PATH}?when=idle"), &token, &file);
        is_over.store(true, Ordering::Relaxed);
        (answer, asking.join())
    });
    let written = began.elapsed();
    let (answer, (answered, longest)) = (answer?, asked.expect("nobody panicked")?);
    println!(
        "update_written {:.1} s, {answered} OPTIONS answered meanwhile, the slowest in {longest:?}",
        written.as_secs_f64()
    );
    ensure!(answer.status == 200 && answer.body["update"]["build"] == update.build, "{answer:?}");
    ensure!(answered > 3, "{answered} OPTIONS were answered");
    machine.wait_for("init: slot b, on trial", LIMIT)?;
    machine.wait_for("slot b is healthy and made permanent", LIMIT)?;
    let view = wait_for(&machine, "succeeded")?;
    ensure!(view["running"]["slot"] == "b" && view["running"]["version"] == "0.2.0-test", "{view}");
    ensure!(view["other"]["slot"] == "a", "{view}");
    machine.power_button()?;
    machine.wait_off(LIMIT)?;
    is_permanent(&disk, Slot::B)
}

#[test]
fn one_that_is_cut_off_by_the_power_leaves_the_old_slot_alone() -> Result<()> {
    let disk = Disk::fresh()?;
    let machine = boot(&disk)?;
    let token = log_in(&machine)?;
    let file = newer()?.seal(&[development_key()?])?;
    let mut stream = machine.begin_upload(&format!("{PATH}?when=now"), &token, file.len())?;
    stream.write_all(&file[..file.len() / 2])?;
    wait_for(&machine, "started")?;
    machine.kill()?;
    drop(stream);
    is_permanent(&disk, Slot::A)?;
    ensure!(disk.trailer(Slot::B).is_err(), "half a slot calls itself whole");

    let machine = boot(&disk)?;
    let view = wait_for(&machine, "failed")?;
    ensure!(view["update"]["reason"] == "INTERRUPTED" && view["running"]["slot"] == "a", "{view}");
    ensure!(view["other"].is_null(), "{view}");
    qemu::first_register(machine.sip(), LIMIT)
}

#[test]
fn one_that_is_no_good_is_refused_and_the_box_goes_on() -> Result<()> {
    let disk = Disk::fresh()?;
    let update = newer()?;
    disk.change_state(|state| {
        // As if a version had run that lets nobody go back behind it.
        state.begin_trial(1);
        state.make_permanent(update.build);
        state.begin_trial(1);
        state.make_permanent(0);
    })?;
    let mut machine = boot(&disk)?;
    let token = log_in(&machine)?;
    let good = update.seal(&[development_key()?])?;
    let mut changed = good.clone();
    changed[100] ^= 1;
    let mut damaged = good.clone();
    damaged[5 << 20] ^= 1;
    let older = Update { build: update.build - 1, ..update.clone() }.seal(&[development_key()?])?;
    let stranger = update.seal(&[PrivateKey::from_seed(&[7; 32])])?;
    let files: [(&[u8], &str); 5] = [
        (&changed, "WRONG_SIGNATURE"),
        (&stranger, "UNKNOWN_KEY"),
        (&older, "BELOW_FLOOR"),
        (&good[..4 << 20], "TRUNCATED"),
        (&damaged, "WRONG_HASH"),
    ];
    for (file, reason) in files {
        let answer = machine.upload(&format!("{PATH}?when=now"), &token, file)?;
        ensure!(answer.status == 409 && answer.body["error"]["reason"] == reason, "{reason}: {answer:?}");
        let view = wait_for(&machine, "failed")?;
        ensure!(view["update"]["reason"] == reason && view["running"]["slot"] == "a", "{view}");
        qemu::first_register(machine.sip(), LIMIT)?;
    }
    machine.power_button()?;
    machine.wait_off(LIMIT)?;
    is_permanent(&disk, Slot::A)?;
    let mut machine = boot(&disk)?;
    ensure!(machine.console().contains("init: slot a"), "{}", machine.console());
    machine.power_button()?;
    machine.wait_off(LIMIT)
}

/// What a browser sends for the rescue page's form with a file in it; what is shown then.
fn upload_to_rescue(machine: &Machine, code: &str, file: &[u8]) -> Result<String> {
    let mark = "----tandem7MA4YWxkTrZu0gW";
    let head = format!(
        "--{mark}\r\nContent-Disposition: form-data; name=\"code\"\r\n\r\n{code}\r\n--{mark}\r\n\
         Content-Disposition: form-data; name=\"bundle\"; filename=\"update.bundle\"\r\n\r\n"
    );
    let body = [head.as_bytes(), file, format!("\r\n--{mark}--\r\n").as_bytes()].concat();
    let mut stream = std::net::TcpStream::connect(machine.http())?;
    stream.set_read_timeout(Some(LIMIT))?;
    let kind = format!("Content-Type: multipart/form-data; boundary={mark}");
    write!(stream, "POST /update HTTP/1.1\r\nHost: box\r\nContent-Length: {}\r\n{kind}\r\n\r\n", body.len())?;
    stream.write_all(&body)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[test]
fn the_rescue_page_writes_one_and_what_does_not_run_either_is_given_up() -> Result<()> {
    let disk = Disk::fresh()?;
    // An address that is none: no exchange starts, in neither slot.
    let setup = Setup::new(&disk)?.firmware(Firmware::UBoot).word("tandem.sip=nowhere").word("tandem.trial=10");
    let mut machine = Machine::boot(&setup)?;
    let told = machine.wait_for("the rescue page is at port 80, its code is ", LIMIT)?;
    let code = told.rsplit(' ').next().context("a code")?.trim().to_owned();
    let update = newer()?;
    let began = Instant::now();
    let page = upload_to_rescue(&machine, &code, &update.seal(&[development_key()?])?)?;
    println!("update_rescue {:.1} s", began.elapsed().as_secs_f64());
    ensure!(page.contains("Version 0.2.0-test is written."), "{page}");
    ensure!(disk.trailer(Slot::B)?.build == update.build && disk.state()?.on_trial().is_none());
    let (status, page) = machine.post_form("/", &format!("code={code}&wish=switch-slots"))?;
    ensure!(status == 200 && page.contains("The box restarts with the other version"), "{page}");
    machine.wait_for("boot: slot b, on trial", LIMIT)?;
    machine.wait_for("slot b is not healthy in time", LIMIT)?;
    machine.wait_for("init: slot a", LIMIT)?;
    is_permanent(&disk, Slot::A)?;
    let failure = disk.state()?.failure().map(|failure| (failure.slot, failure.reason));
    ensure!(failure == Some((Slot::B, Reason::NotHealthy)), "{failure:?}");
    Ok(())
}
