//! Which brokers are alive, as the active controller believes.
//!
//! Soft state: it begins anew with every active controller, who gives each broker a full session
//! before it judges (a failover must not fence the whole cluster).

mod probe;
mod table;

pub(crate) use probe::dial_is_refused;
pub(crate) use table::{LastContact, SessionTable};
