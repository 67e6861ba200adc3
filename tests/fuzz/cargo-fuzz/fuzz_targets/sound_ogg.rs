//! libFuzzer on `fuzz::sound_ogg`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::sound_ogg(data));
