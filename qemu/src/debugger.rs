//! QEMU's debugger interface (the protocol of GDB), as far as it takes to hang a processor for good.
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// Numbers of the registers in the protocol, for 64-bit ARM.
const PROGRAM_COUNTER: &str = "20";
const PROCESSOR_STATE: &str = "21";
/// Exception level 1 with its own stack pointer, all interrupts masked; least significant octet first.
const MASKED: &str = "c5030000";
/// `b .`, a branch to itself.
const BRANCH_TO_SELF: &str = "00000014";

/// A connection to a machine that stands still while it is held.
pub struct Debugger {
    stream: UnixStream,
}

impl Debugger {
    /// Takes over the connection.
    pub fn new(stream: UnixStream) -> Result<Debugger> {
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        Ok(Debugger { stream })
    }

    /// Leaves the processor in an endless loop with interrupts off. Returns false, and does nothing, when it happens to run a
    /// program rather than the kernel.
    pub fn hang(&mut self) -> Result<bool> {
        // QEMU tells single registers only to those who know the architecture's description.
        self.ask("qXfer:features:read:target.xml:0,ffb")?;
        let counter = self.ask(&format!("p{PROGRAM_COUNTER}"))?;
        let octets = (0..8).map(|index| u8::from_str_radix(counter.get(index * 2..index * 2 + 2)?, 16).ok());
        let octets: Option<Vec<u8>> = octets.collect();
        let octets = octets.with_context(|| format!("the program counter is {counter:?}"))?;
        let address = octets.iter().rev().fold(0u64, |address, octet| address << 8 | u64::from(*octet));
        let is_kernel = address >> 63 == 1;
        if is_kernel {
            self.order(&format!("M{address:x},4:{BRANCH_TO_SELF}"))?;
            self.order(&format!("P{PROCESSOR_STATE}={MASKED}"))?;
        }
        self.order("D")?;
        Ok(is_kernel)
    }

    fn order(&mut self, command: &str) -> Result<()> {
        match self.ask(command)?.as_str() {
            "OK" => Ok(()),
            other => bail!("the debugger refuses {command}: {other:?}"),
        }
    }

    /// Sends `$command#checksum` and reads the answer, in the same wrapping.
    fn ask(&mut self, command: &str) -> Result<String> {
        let checksum = command.bytes().fold(0u8, u8::wrapping_add);
        write!(self.stream, "${command}#{checksum:02x}")?;
        let mut answer = Vec::new();
        loop {
            let mut octet = [0];
            self.stream.read_exact(&mut octet).with_context(|| format!("the debugger does not answer {command}"))?;
            match octet[0] {
                b'+' if answer.is_empty() => {}
                b'$' => answer.clear(),
                b'#' => break,
                octet => answer.push(octet),
            }
        }
        self.stream.read_exact(&mut [0; 2])?;
        self.stream.write_all(b"+")?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }
}
