//! Compiles the protocol files with protox, so that no `protoc` is needed.

use std::error::Error;
use std::path::Path;

/// Small messages.
const FILES: [&str; 3] = [
    "raudal/audit/v1/audit.proto",
    "raudal/control/v1/control.proto",
    "raudal/quorum/v1/quorum.proto",
];

/// Messages that carry records, with a codec of their own.
const BULK_FILES: [&str; 1] = ["raudal/replication/v1/replication.proto"];

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    for file in FILES.iter().chain(&BULK_FILES) {
        println!("cargo:rerun-if-changed={}", root.join(file).display());
    }
    tonic_prost_build::configure()
        .bytes(".")
        .extern_path(".raudal.metadata.v1", "::metadata::v1")
        .compile_fds(protox::compile(FILES, [&root])?)?;
    tonic_prost_build::configure()
        .bytes(".")
        .codec_path("crate::replication::codec::FrameCodec")
        .compile_fds(protox::compile(BULK_FILES, [&root])?)?;
    Ok(())
}
