//! Code generated from `proto/`. Never edited; the `.proto` files hold the documentation.

macro_rules! generated {
    ($($(#[$doc:meta])* $name:ident = $package:literal,)*) => {$(
        $(#[$doc])*
        pub mod $name {
            /// Version 1.
            #[allow(
                missing_docs,
                missing_debug_implementations,
                unused_qualifications,
                unreachable_pub,
                clippy::all,
                clippy::allow_attributes_without_reason,
                clippy::doc_markdown,
                clippy::use_self,
                clippy::wildcard_imports,
                reason = "generated; documented in the .proto file"
            )]
            pub mod v1 {
                tonic::include_proto!($package);
            }
        }
    )*};
}

generated! {
    /// How replicas are compared.
    audit = "raudal.audit.v1",
    /// What brokers ask of controllers.
    control = "raudal.control.v1",
    /// What voters say to each other, and how entries stand in their log.
    quorum = "raudal.quorum.v1",
    /// How records get from a leader to its followers.
    replication = "raudal.replication.v1",
}
