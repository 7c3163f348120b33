//! What a broker does between its start and its end, apart from answering requests.

pub(crate) mod cleaner;
pub(crate) mod flusher;
pub(crate) mod heartbeat;
pub(crate) mod housekeeping;
pub(crate) mod listeners;
mod pacer;
pub(crate) mod registration;
