//! What is stored in internal topics, or embedded as bytes in a message, rather than sent.
//!
//! Generated from `schema/` by `cargo run -p xtask -- codegen`; do not edit.

pub mod consumer_group_current_member_assignment;
pub mod consumer_group_member_metadata;
pub mod consumer_group_metadata;
pub mod consumer_group_partition_metadata;
pub mod consumer_group_regular_expression;
pub mod consumer_group_target_assignment_member;
pub mod consumer_group_target_assignment_metadata;
pub mod consumer_protocol_assignment;
pub mod consumer_protocol_subscription;
pub mod group_metadata;
pub mod legacy_offset_commit;
pub mod offset_commit;

/// Calls a macro with one `(module, type)` for each of them.
#[macro_export]
macro_rules! for_each_data {
    ($callback:ident) => {
        $callback! {
            (offset_commit, OffsetCommitKey)
            (offset_commit, OffsetCommitValue)
            (legacy_offset_commit, LegacyOffsetCommitKey)
            (legacy_offset_commit, LegacyOffsetCommitValue)
            (group_metadata, GroupMetadataKey)
            (group_metadata, GroupMetadataValue)
            (consumer_group_metadata, ConsumerGroupMetadataKey)
            (consumer_group_metadata, ConsumerGroupMetadataValue)
            (consumer_group_partition_metadata, ConsumerGroupPartitionMetadataKey)
            (consumer_group_partition_metadata, ConsumerGroupPartitionMetadataValue)
            (consumer_group_member_metadata, ConsumerGroupMemberMetadataKey)
            (consumer_group_member_metadata, ConsumerGroupMemberMetadataValue)
            (consumer_group_target_assignment_metadata, ConsumerGroupTargetAssignmentMetadataKey)
            (consumer_group_target_assignment_metadata, ConsumerGroupTargetAssignmentMetadataValue)
            (consumer_group_target_assignment_member, ConsumerGroupTargetAssignmentMemberKey)
            (consumer_group_target_assignment_member, ConsumerGroupTargetAssignmentMemberValue)
            (consumer_group_current_member_assignment, ConsumerGroupCurrentMemberAssignmentKey)
            (consumer_group_current_member_assignment, ConsumerGroupCurrentMemberAssignmentValue)
            (consumer_group_regular_expression, ConsumerGroupRegularExpressionKey)
            (consumer_group_regular_expression, ConsumerGroupRegularExpressionValue)
            (consumer_protocol_subscription, ConsumerProtocolSubscription)
            (consumer_protocol_assignment, ConsumerProtocolAssignment)
        }
    };
}
