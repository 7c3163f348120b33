//! Compiles the protocol files with protox, so that no `protoc` is needed.

use std::error::Error;
use std::path::Path;

const FILES: [&str; 4] = [
    "raudal/audit/v1/audit.proto",
    "raudal/control/v1/control.proto",
    "raudal/quorum/v1/quorum.proto",
    "raudal/replication/v1/replication.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    for file in FILES {
        println!("cargo:rerun-if-changed={}", root.join(file).display());
    }
    let files = protox::compile(FILES, [&root])?;
    tonic_prost_build::configure()
        .bytes(".")
        .extern_path(".raudal.metadata.v1", "::metadata::v1")
        .compile_fds(files)?;
    Ok(())
}
