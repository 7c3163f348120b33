#![no_main]
//! See `raudal_fuzz::request`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| raudal_fuzz::request::run(data));
