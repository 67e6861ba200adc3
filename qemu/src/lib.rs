//! Boots the image of `qemu_virt` under QEMU and drives it: watches its console, reaches its ports, presses its power button,
//! cuts its power, hangs its processor.
//!
//! ```no_run
//! # fn main() -> anyhow::Result<()> {
//! use std::time::Duration;
//! let disk = qemu::Disk::fresh()?;
//! let mut machine = qemu::Machine::boot(&qemu::Setup::new(&disk)?)?;
//! machine.wait_for("tandem answers", Duration::from_secs(20))?;
//! println!("SIP at {}, HTTP at {}", machine.sip(), machine.http());
//! machine.power_button()?;
//! machine.wait_off(Duration::from_secs(10))?;
//! # Ok(())
//! # }
//! ```
mod boot_time;
mod console;
mod debugger;
mod firmware;
mod http;
mod machine;
mod qmp;
mod setup;
mod slots;

pub use boot_time::{BootTime, first_register};
pub use firmware::Firmware;
pub use http::Answer;
pub use machine::{BOARD, Machine};
pub use setup::{Disk, Ports, Setup};
pub use slots::{Part, Replacement, Root};
