//! How long the box takes from power-on to the first REGISTER answered, and where the time goes.
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::machine::Machine;
use crate::setup::{Disk, Setup};

/// More than any box takes; a busy host is slow.
const LIMIT: Duration = Duration::from_secs(60);
/// How often the phone repeats itself; half of it is the error of the measurement.
const REPEAT: Duration = Duration::from_millis(5);

/// When each step was done, since power-on and by the host's clock.
#[derive(Clone, Debug)]
pub struct BootTime {
    pub init_up: Duration,
    pub address: Duration,
    pub tandem_started: Duration,
    pub health_answered: Duration,
    pub register_answered: Duration,
    /// The same for a box that has never run before.
    pub first_register_answered: Duration,
    /// From the press of the power button to the end of QEMU.
    pub switched_off: Duration,
}

impl BootTime {
    /// Boots a fresh machine, which makes its database and its administrator; then boots it again and measures every step.
    pub fn measure() -> Result<BootTime> {
        let disk = Disk::fresh()?;
        let mut machine = Machine::boot(&Setup::new(&disk)?)?;
        first_register(machine.sip(), LIMIT)?;
        let first_register_answered = machine.powered_on().elapsed();
        machine.wait_for("tandem answers", LIMIT)?;
        machine.power_button()?;
        machine.wait_off(LIMIT)?;
        BootTime::measure_again(&disk, first_register_answered)
    }

    fn measure_again(disk: &Disk, first_register_answered: Duration) -> Result<BootTime> {
        let mut machine = Machine::boot(&Setup::new(disk)?)?;
        let (phone, powered_on) = (machine.sip(), machine.powered_on());
        let phone = std::thread::spawn(move || first_register(phone, LIMIT).map(|()| powered_on.elapsed()));
        let mut step = |text: &str| machine.wait_for(text, LIMIT).map(|_| powered_on.elapsed());
        let (init_up, address) = (step("init: up")?, step("init: eth0 has")?);
        let (tandem_started, health_answered) = (step("tandem is started")?, step("tandem answers")?);
        let register_answered = phone.join().expect("the phone only sends and receives")?;
        let pressed = Instant::now();
        machine.power_button()?;
        machine.wait_off(LIMIT)?;
        let switched_off = pressed.elapsed();
        Ok(BootTime {
            init_up,
            address,
            tandem_started,
            health_answered,
            register_answered,
            first_register_answered,
            switched_off,
        })
    }

    /// The names and lengths of the steps, for printing.
    pub fn steps(&self) -> [(&'static str, Duration); 7] {
        [
            ("power_on_to_init", self.init_up),
            ("power_on_to_address", self.address),
            ("power_on_to_tandem_started", self.tandem_started),
            ("power_on_to_health", self.health_answered),
            ("power_on_to_register", self.register_answered),
            ("first_power_on_to_register", self.first_register_answered),
            ("power_button_to_off", self.switched_off),
        ]
    }
}

/// Returns as soon as a REGISTER is answered, with whatever status.
pub fn first_register(exchange: SocketAddr, limit: Duration) -> Result<()> {
    let socket = UdpSocket::bind((exchange.ip(), 0))?;
    socket.set_read_timeout(Some(REPEAT))?;
    let own = socket.local_addr()?;
    // The same transaction each time, so that the exchange sees one phone that repeats itself.
    let request = format!(
        "REGISTER sip:{exchange} SIP/2.0\r\n\
         Via: SIP/2.0/UDP {own};branch=z9hG4bKpoweron{port};rport\r\n\
         Max-Forwards: 70\r\n\
         From: <sip:probe@{exchange}>;tag=poweron\r\n\
         To: <sip:probe@{exchange}>\r\n\
         Call-ID: poweron-{port}@{host}\r\n\
         CSeq: 1 REGISTER\r\n\
         Contact: <sip:probe@{own}>\r\n\
         Expires: 60\r\n\
         Content-Length: 0\r\n\r\n",
        port = own.port(),
        host = own.ip(),
    );
    let (until, mut answer) = (Instant::now() + limit, [0; 2048]);
    while Instant::now() < until {
        // A machine that is not there yet refuses; that is what is waited for to end.
        let _ = socket.send_to(request.as_bytes(), exchange);
        if let Ok(length) = socket.recv(&mut answer)
            && answer[..length].starts_with(b"SIP/2.0 ")
        {
            return Ok(());
        }
    }
    bail!("no REGISTER was answered at {exchange} within {} s", limit.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_status_is_an_answer() {
        let exchange = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        let address = exchange.local_addr().expect("it is bound");
        let server = std::thread::spawn(move || {
            let mut request = [0; 2048];
            for answer in ["OPTIONS sip:you SIP/2.0\r\n\r\n", "SIP/2.0 401 Unauthorized\r\n\r\n"] {
                let (length, phone) = exchange.recv_from(&mut request).expect("the phone repeats itself");
                assert!(request[..length].starts_with(b"REGISTER sip:127.0.0.1:"));
                exchange.send_to(answer.as_bytes(), phone).expect("the phone is there");
            }
        });
        first_register(address, Duration::from_secs(10)).expect("it is answered");
        server.join().expect("the requests are as they should be");
    }
}
