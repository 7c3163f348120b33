#![no_main]
//! See `raudal_fuzz::log_recovery`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| raudal_fuzz::log_recovery::run(data));
