//! gRPC between nodes: the compiled services, conversions and channels.
