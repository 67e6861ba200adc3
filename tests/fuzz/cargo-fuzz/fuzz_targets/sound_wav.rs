//! libFuzzer on `fuzz::sound_wav`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::sound_wav(data));
