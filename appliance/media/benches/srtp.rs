//! What encryption costs: an audio packet of 20 ms of G.711, protected and unprotected under each profile, against a copy.
//!
//! `cargo bench -p media --bench srtp`. Without the processor's own instructions:
//! `RUSTFLAGS='--cfg aes_backend="soft" --cfg polyval_backend="soft" --cfg sha1_backend="soft"'`.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use media::srtp::{Inbound, MasterKey, Outbound, Profile, RTP_OVERHEAD};

/// Header and payload.
const PACKET: usize = 172;

fn key(profile: Profile) -> MasterKey {
    let octets: Vec<u8> = (0..profile.key_len() + profile.salt_len()).map(|at| at as u8).collect();
    MasterKey::new(profile, &octets).expect("as long as the profile says")
}

/// The packet of this number, with room for the tag.
fn packet(buffer: &mut [u8; PACKET + RTP_OVERHEAD], number: u16) {
    buffer[..PACKET].copy_from_slice(black_box(&[0x80; PACKET]));
    buffer[2..4].copy_from_slice(&number.to_be_bytes());
}

fn protect(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("protect");
    group.throughput(Throughput::Elements(1));
    let mut buffer = [0; PACKET + RTP_OVERHEAD];
    let mut number = 0u16;
    group.bench_function("copy", |bencher| {
        bencher.iter(|| {
            number = number.wrapping_add(1);
            packet(black_box(&mut buffer), number);
        });
    });
    for profile in Profile::ALL {
        let mut outbound = Outbound::new(&key(profile));
        group.bench_function(format!("{profile:?}"), |bencher| {
            bencher.iter(|| {
                number = number.wrapping_add(1);
                packet(black_box(&mut buffer), number);
                outbound.protect(&mut buffer, PACKET)
            });
        });
    }
    group.finish();
}

fn unprotect(criterion: &mut Criterion) {
    /// As many packets are prepared; then a new receiver hears them again.
    const PREPARED: usize = 2_048;
    let mut group = criterion.benchmark_group("unprotect");
    group.throughput(Throughput::Elements(1));
    for profile in Profile::ALL {
        let mut outbound = Outbound::new(&key(profile));
        let prepared: Vec<_> = (0..PREPARED)
            .map(|number| {
                let mut buffer = [0; PACKET + RTP_OVERHEAD];
                packet(&mut buffer, number as u16);
                let len = outbound.protect(&mut buffer, PACKET).expect("a new number");
                (buffer, len)
            })
            .collect();
        let (mut inbound, mut next) = (Inbound::new(&key(profile), 0), 0);
        group.bench_function(format!("{profile:?}"), |bencher| {
            bencher.iter(|| {
                if next == PREPARED {
                    (inbound, next) = (Inbound::new(&key(profile), 0), 0);
                }
                let (mut buffer, len) = prepared[next];
                next += 1;
                inbound.unprotect(black_box(&mut buffer[..len])).expect("prepared under the same key")
            });
        });
    }
    group.finish();
}

criterion_group!(benches, protect, unprotect);
criterion_main!(benches);
