//! libFuzzer on `fuzz::webrtc`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::webrtc(data));
