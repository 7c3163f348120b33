#![no_main]
//! See `raudal_fuzz::checkpoint`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| raudal_fuzz::checkpoint::run(data));
