//! Compiles the records of the metadata log. The compiler is protox, so no protoc is needed.

use std::error::Error;

const PROTO_ROOT: &str = "../../proto";
const RECORDS: &str = "raudal/metadata/v1/records.proto";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={PROTO_ROOT}/{RECORDS}");
    let descriptors = protox::compile([RECORDS], [PROTO_ROOT])?;
    prost_build::Config::new()
        .bytes(["."])
        .compile_fds(descriptors)?;
    Ok(())
}
