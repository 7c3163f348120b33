#![no_main]
//! See `raudal_fuzz::response`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| raudal_fuzz::response::run(data));
