#![no_main]
//! See `raudal_fuzz::decompress`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| raudal_fuzz::decompress::run(data));
