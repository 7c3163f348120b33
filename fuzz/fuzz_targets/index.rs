#![no_main]
//! See `raudal_fuzz::index`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| raudal_fuzz::index::run(data));
