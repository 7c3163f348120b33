//! Clusters of real processes, ill-treated while clients write and read, and the proof that nothing
//! acknowledged was lost.
//!
//! ```text
//! scenario ──▶ faults ──▶ cluster (processes, disks)  ◀── proxy (every link between nodes)
//!     │                        ▲
//!     └──▶ load (producers, readers, watcher) ──▶ history ──▶ histck ──▶ findings, figures
//! ```
//!
//! The same scenarios run against Apache Kafka as a control: what is found there too is a fault of
//! the harness, or a property of the protocol.

pub mod admin;
pub mod bench;
pub mod chaos;
pub mod cluster;
pub mod disk;
pub mod fault;
pub mod histck;
pub mod history;
pub mod layout;
pub mod load;
pub mod ports;
pub mod process;
pub mod proxy;
pub mod run;
pub mod scan;
pub mod scenario;
pub mod segments;
pub mod target;
