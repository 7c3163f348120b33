//! Which brokers are alive, as the active controller believes.
//!
//! Soft state: it begins anew with every active controller, who gives each broker a full session
//! before it judges (a failover must not fence the whole cluster).

mod probe;
mod self_check;
mod table;

pub(crate) use probe::until_refused;
pub(crate) use self_check::SelfCheck;
pub use table::{LastContact, SessionTable};
