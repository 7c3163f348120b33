//! Random histories against a register that remembers: what was acknowledged last is what is shown.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::world::{World, request};

#[derive(Clone, Debug)]
enum Op {
    Commit {
        group: u8,
        partition: i32,
        offset: i64,
    },
    DeleteOffset {
        group: u8,
        partition: i32,
    },
    DeleteGroup {
        group: u8,
    },
    FailOver,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => (0..3_u8, 0..3, 0..100_i64).prop_map(|(group, partition, offset)| Op::Commit {
            group,
            partition,
            offset,
        }),
        2 => (0..3_u8, 0..3).prop_map(|(group, partition)| Op::DeleteOffset { group, partition }),
        1 => (0..3_u8).prop_map(|group| Op::DeleteGroup { group }),
        1 => Just(Op::FailOver),
    ]
}

fn name(group: u8) -> String {
    format!("g{group}")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_shown_is_what_was_committed_last(ops in vec(op(), 1..60)) {
        let mut world = World::new();
        let mut register: BTreeMap<(u8, i32), i64> = BTreeMap::new();
        for op in ops {
            match op {
                Op::Commit { group, partition, offset } => {
                    let mut commit = request(&name(group), "t", &[offset]);
                    commit.topics[0].partitions[0].partition_index = partition;
                    prop_assert_eq!(world.commit_as(9, &commit), format!("t-{partition}"));
                    register.insert((group, partition), offset);
                }
                Op::DeleteOffset { group, partition } => {
                    world.delete_offsets(&name(group), "t", &[partition]);
                    register.remove(&(group, partition));
                }
                Op::DeleteGroup { group } => {
                    world.delete(&name(group));
                    register.retain(|(of, _), _| *of != group);
                }
                Op::FailOver => world.fail_over(),
            }
            for group in 0..3 {
                let of_group = register.range((group, 0)..(group, 9));
                let expected: Vec<String> = of_group
                    .map(|((_, partition), offset)| format!("t-{partition} = {offset}"))
                    .collect();
                prop_assert_eq!(world.fetch(&name(group)), expected.join(", "));
            }
        }
    }
}
