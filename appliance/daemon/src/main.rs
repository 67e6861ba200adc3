//! The process tandem: where the pure parts meet the world.
//!
//! [`options`] says what is wanted, [`process`] puts the threads together and waits for the end. [`signalling`] owns the
//! exchange and the SIP sockets, [`media_thread`] the media engine and the RTP sockets, [`ledger`] leads to the store's
//! own thread, [`http`] serves people and programs, [`sound_thread`] decodes what is played. [`queue`] is what they are connected by, [`udp_batch`] how datagrams
//! pass the kernel.

mod administrator;
mod clock;
mod codec_list;
mod data_folder;
mod http;
mod ledger;
mod limits;
mod log;
mod media_thread;
mod memory;
mod options;
mod process;
mod queue;
mod reserve;
mod signalling;
mod signals;
#[expect(dead_code, reason = "the media thread has yet to be joined to it")]
mod sound_thread;
mod udp_batch;

use std::process::ExitCode;

use options::Wish;

fn main() -> ExitCode {
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
