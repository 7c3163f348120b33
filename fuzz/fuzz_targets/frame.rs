#![no_main]
//! See `raudal_fuzz::frame`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| raudal_fuzz::frame::run(data));
