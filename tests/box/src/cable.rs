//! A cable between two programs that can be cut, counts what goes through it, and may damage it on the way.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;

/// The cable; it lasts as long as the test.
pub struct Cable {
    /// The near end.
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    far: SocketAddr,
    // Octets towards the far end after which it is cut.
    cut_at: AtomicU64,
    carried: AtomicU64,
    damages: AtomicBool,
    ends: Mutex<Vec<TcpStream>>,
}

impl Cable {
    /// A cable whose far end is there.
    pub fn to(far: SocketAddr) -> Result<Cable> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            far,
            cut_at: AtomicU64::new(u64::MAX),
            carried: AtomicU64::new(0),
            damages: AtomicBool::new(false),
            ends: Mutex::new(Vec::new()),
        });
        let own = Arc::clone(&shared);
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let shared = Arc::clone(&own);
                std::thread::spawn(move || shared.connect(&near));
            }
        });
        Ok(Cable { address, shared })
    }

    /// How many octets went to the far end so far.
    pub fn carried(&self) -> u64 {
        self.shared.carried.load(Ordering::Relaxed)
    }

    /// Cuts it after so many octets more.
    pub fn cut_after(&self, octets: u64) {
        self.shared.cut_at.store(self.carried() + octets, Ordering::Relaxed);
        if octets == 0 {
            self.shared.cut();
        }
    }

    /// Whether it is cut.
    pub fn is_cut(&self) -> bool {
        self.shared.is_cut()
    }

    /// Makes it whole again.
    pub fn mend(&self) {
        self.shared.cut_at.store(u64::MAX, Ordering::Relaxed);
    }

    /// Changes an octet of the next long piece that goes through.
    pub fn damage_once(&self) {
        self.shared.damages.store(true, Ordering::Relaxed);
    }

    /// Whether it still has to do that.
    pub fn will_damage(&self) -> bool {
        self.shared.damages.load(Ordering::Relaxed)
    }
}

impl Shared {
    fn is_cut(&self) -> bool {
        self.carried.load(Ordering::Relaxed) >= self.cut_at.load(Ordering::Relaxed)
    }

    fn cut(&self) {
        for end in self.ends.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            // It may be closed already.
            let _ = end.shutdown(Shutdown::Both);
        }
    }

    fn connect(self: &Arc<Shared>, near: &TcpStream) {
        if self.is_cut() {
            return;
        }
        let Ok(far) = TcpStream::connect(self.far) else { return };
        let Ok((mut near_in, mut near_out, mut far_in, mut far_out)) =
            (|| std::io::Result::Ok((near.try_clone()?, near.try_clone()?, far.try_clone()?, far.try_clone()?)))()
        else {
            return;
        };
        let own = [near.try_clone(), far.try_clone()];
        self.ends.lock().unwrap_or_else(PoisonError::into_inner).extend(own.into_iter().flatten());
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut far_in, &mut near_out);
            let _ = near_out.shutdown(Shutdown::Both);
        });
        let mut buffer = [0; 16 * 1_024];
        while let Ok(count @ 1..) = near_in.read(&mut buffer) {
            // What is long is no head of a request.
            if count > 8 * 1_024 && self.damages.swap(false, Ordering::Relaxed) {
                buffer[count / 2] ^= 0x55;
            }
            self.carried.fetch_add(count as u64, Ordering::Relaxed);
            if self.is_cut() {
                return self.cut();
            }
            if far_out.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        let _ = far_out.shutdown(Shutdown::Both);
    }
}
