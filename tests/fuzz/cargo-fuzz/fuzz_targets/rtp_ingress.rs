//! libFuzzer on `fuzz::rtp_ingress`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::rtp_ingress(data));
