//! The generated records, how they are built, and the newest version of each kind that this node
//! replays.

/// The records as prost structs, generated from `proto/raudal/metadata/v1/records.proto`.
#[allow(
    missing_docs,
    clippy::all,
    clippy::doc_markdown,
    unreachable_pub,
    unused_qualifications,
    reason = "generated code"
)]
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/raudal.metadata.v1.rs"));
}

pub use v1::MetadataRecord;
pub use v1::metadata_record::Kind;

impl Kind {
    /// The kind's name as the .proto spells it, for messages to people.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::RegisterBroker(_) => "RegisterBroker",
            Self::BrokerChange(_) => "BrokerChange",
            Self::UnregisterBroker(_) => "UnregisterBroker",
            Self::Topic(_) => "Topic",
            Self::Partition(_) => "Partition",
            Self::PartitionChange(_) => "PartitionChange",
            Self::RemoveTopic(_) => "RemoveTopic",
            Self::Config(_) => "Config",
            Self::FeatureLevel(_) => "FeatureLevel",
            Self::ProducerIdBlock(_) => "ProducerIdBlock",
            Self::ControllerChange(_) => "ControllerChange",
            Self::ClusterId(_) => "ClusterId",
            Self::NoOp(_) => "NoOp",
        }
    }

    /// The newest version of this kind that replay understands. Older ones are understood for ever.
    #[must_use]
    pub const fn newest_version(&self) -> u32 {
        match self {
            // 1: `log_dirs`.
            Self::BrokerChange(_) => 1,
            _ => 0,
        }
    }
}

macro_rules! record_from {
    ($($kind:ident)*) => {
        $(
            impl From<v1::$kind> for MetadataRecord {
                fn from(body: v1::$kind) -> Self {
                    Self { version: 0, kind: Some(Kind::$kind(body)) }
                }
            }
        )*
    };
}

impl From<v1::BrokerChange> for MetadataRecord {
    fn from(body: v1::BrokerChange) -> Self {
        Self {
            version: u32::from(body.log_dirs.is_some()),
            kind: Some(Kind::BrokerChange(body)),
        }
    }
}

record_from! {
    RegisterBroker UnregisterBroker Topic Partition PartitionChange RemoveTopic Config
    FeatureLevel ProducerIdBlock ControllerChange ClusterId NoOp
}

impl From<Vec<types::NodeId>> for v1::NodeList {
    fn from(nodes: Vec<types::NodeId>) -> Self {
        Self {
            nodes: nodes.into_iter().map(|node| node.0).collect(),
        }
    }
}
