//! Turns the schema into Rust text. The layout is left to rustfmt.

mod api_key;
mod decode;
mod encode;
mod field;
mod index;
mod message;

pub(super) use api_key::api_key;
pub(super) use index::{data_index, index};
pub(super) use message::{data, message};

/// The second paragraph of every generated file.
const GENERATED: &str =
    "//! Generated from `schema/` by `cargo run -p xtask -- codegen`; do not edit.\n";

/// `PartitionMaxBytes` as `partition_max_bytes`.
pub(super) fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_before_capitals() {
        assert_eq!(snake_case("PartitionMaxBytes"), "partition_max_bytes");
        assert_eq!(snake_case("timeoutMs"), "timeout_ms");
        assert_eq!(snake_case("V3AndBelowTopics"), "v3_and_below_topics");
    }
}
