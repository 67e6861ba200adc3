//! libFuzzer on `fuzz::srtp`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::srtp(data));
