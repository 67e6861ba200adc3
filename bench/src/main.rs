//! Measures the targets of the design, one line each: name, value, unit.
//!
//! `bench TANDEM [MEASUREMENT…]` runs the binary TANDEM on core 0 and the generator on core 1, a fresh server for each
//! measurement, and tells the median of three runs where a run is short. Without names it measures everything.

mod audio;
mod batch;
mod calling;
mod cloud;
mod crowd;
mod digest;
mod epoll;
mod flash;
mod flow_steps;
mod forwarder;
mod histogram;
mod image;
mod instructions;
mod measure;
mod message;
mod opus;
mod phones;
mod punctuality;
mod recording;
mod registering;
mod rest;
mod server;
mod socket;
mod talking;
mod usage;
mod webhook;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, bail};

use server::Prepared;

type Measurement = fn(&Prepared) -> Result<()>;

const MEASUREMENTS: [(&str, Measurement); 19] = [
    ("registrations", measure::registrations),
    ("calls", measure::calls),
    ("setup", measure::setup),
    ("media", measure::media),
    ("forwarding", audio::forwarding),
    ("laws", audio::laws),
    ("capacity", audio::capacity),
    ("conference", audio::conference),
    ("opus", opus::measure),
    ("browsers", opus::calls::measure),
    ("recording", recording::measure),
    ("webhook", webhook::measure),
    ("flows", flow_steps::measure),
    ("posts", calling::measure),
    ("memory", measure::memory),
    ("flash", flash::measure),
    ("cloud", cloud::measure),
    ("fleet", cloud::measure_fleet),
    ("image", image::measure),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.split_first() {
        Some((word, ports)) if word == "forwarder" => forwarder::run(ports),
        Some((word, programs)) if word == "instructions" => instructions::run(programs),
        Some((binary, names)) => run(Path::new(binary), names),
        None => Err(anyhow!("usage: bench TANDEM [{}]", MEASUREMENTS.map(|(name, _)| name).join("|"))),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(binary: &Path, names: &[String]) -> Result<()> {
    if let Some(unknown) = names.iter().find(|name| !MEASUREMENTS.iter().any(|(known, _)| known == name)) {
        bail!("no measurement is called '{unknown}'");
    }
    usage::allow_descriptors();
    usage::pin_to(1).context("two cores are needed: one for the server, one for the generator")?;
    let prepared = Prepared::new(binary)?;
    for (name, measure) in MEASUREMENTS {
        if names.is_empty() || names.iter().any(|wanted| wanted == name) {
            measure(&prepared).with_context(|| format!("measuring {name}"))?;
        }
    }
    Ok(())
}

/// Prints a result.
fn print(name: &str, value: f64, unit: &str) {
    match value {
        0.0..10.0 => println!("{name} {value:.3} {unit}"),
        _ => println!("{name} {value:.1} {unit}"),
    }
}
