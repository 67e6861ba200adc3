//! libFuzzer on `fuzz::sound_mp3`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::sound_mp3(data));
