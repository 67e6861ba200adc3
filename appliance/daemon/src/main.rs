//! The process tandem: where the pure parts meet the world.
//!
//! [`options`] says what is wanted, [`process`] puts the threads together and waits for the end. [`signalling`] owns the
//! exchange and the SIP sockets, [`media_thread`] the media engine and the RTP sockets, [`ledger`] leads to the store's
//! own thread, [`http`] serves people and programs, [`sound_thread`] decodes what is played, [`recording_thread`] writes
//! down what is recorded, [`filing`] knows whose it is, [`upstream`] is what goes to a bucket ([`courier`]) and to a cloud ([`cloud`]), [`errand_threads`] ask web servers for flows, as far as [`web`] lets them. [`webrtc_thread`] finds and secures the ways to browsers. [`queue`] is what they are connected by, [`udp_batch`] how datagrams pass the kernel.

mod administrator;
mod board;
mod certificates;
mod clock;
mod cloud;
mod codec_list;
mod confinement;
mod courier;
mod data_folder;
mod errand_threads;
mod filing;
mod host_names;
mod http;
mod ledger;
mod limits;
mod log;
mod media_thread;
mod media_threads;
mod memory;
mod name_thread;
mod options;
mod process;
mod queue;
mod recording_thread;
mod reserve;
mod signalling;
mod signals;
mod sip_sockets;
mod sound_thread;
mod time_zone;
mod udp_batch;
mod upstream;
mod web;
mod webhook;
mod webrtc_tcp_thread;
mod webrtc_thread;

use std::process::ExitCode;

use options::Wish;
use recording_thread::to_mp3;

fn main() -> ExitCode {
    // Started by ourselves, for what is better done in a process of its own.
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == to_mp3::WORD) {
        return match to_mp3::run(&arguments.collect::<Vec<_>>()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{error:#}");
                ExitCode::FAILURE
            }
        };
    }
    let options = match options::read() {
        Ok(Wish::Run(options)) => options,
        Ok(Wish::Tell(text)) => {
            print!("{text}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("tandem: {error:#}");
            return ExitCode::from(2);
        }
    };
    match process::run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tandem: {error:#}");
            ExitCode::FAILURE
        }
    }
}
