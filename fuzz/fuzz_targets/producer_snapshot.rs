#![no_main]
//! See `raudal_fuzz::producer_snapshot`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| raudal_fuzz::producer_snapshot::run(data));
