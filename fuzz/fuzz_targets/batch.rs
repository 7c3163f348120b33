#![no_main]
//! See `raudal_fuzz::batch`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| raudal_fuzz::batch::run(data));
