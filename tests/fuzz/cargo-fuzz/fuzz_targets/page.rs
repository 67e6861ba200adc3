//! libFuzzer on `fuzz::page`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::page(data));
