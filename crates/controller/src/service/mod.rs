//! The services that brokers call.

mod control;
mod tail;

pub(crate) use control::ControlService;
