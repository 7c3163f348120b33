//! The epochs: numbers that only grow and tell an old order from a new one. Each is its own type,
//! because mixing two of them up is how replicas lose data (KIP-101, KIP-903).

use std::fmt;

macro_rules! epoch {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);

        impl $name {
            /// "No epoch known", -1 on the wire.
            pub const NONE: Self = Self(-1);
            /// The first epoch.
            pub const ZERO: Self = Self(0);

            /// The epoch after this one. Saturates, so that it can never go backwards.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0.saturating_add(1))
            }

            /// Whether an epoch is known at all.
            #[must_use]
            pub const fn is_known(self) -> bool {
                self.0 >= 0
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::NONE
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

epoch! {
    /// Counts the leaders of one partition. Stamped into every batch the leader appends.
    LeaderEpoch(i32)
}
epoch! {
    /// Counts every change of one partition's registration: leader, ISR, replicas.
    PartitionEpoch(i32)
}
epoch! {
    /// Names one registration of one broker: the metadata offset of its registration record.
    BrokerEpoch(i64)
}
epoch! {
    /// Counts the incarnations of one producer id; an older one is fenced.
    ProducerEpoch(i16)
}
