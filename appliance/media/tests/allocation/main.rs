//! What a packet and a tick cost in allocations: nothing, counted by the allocator itself.

mod counting;
mod forwarding;
mod rooms;

/// One test, because the allocator counts for all threads.
#[test]
fn ten_thousand_ticks_allocate_nothing() {
    forwarding::ten_thousand_ticks();
    rooms::ten_thousand_ticks();
}
