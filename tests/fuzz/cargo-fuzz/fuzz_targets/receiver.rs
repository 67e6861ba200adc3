//! libFuzzer on `fuzz::receiver`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::receiver(data));
