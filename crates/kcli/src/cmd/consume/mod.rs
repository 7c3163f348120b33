//! `kcli consume`: read events of topics, without a group.

mod args;
mod bounds;
mod grep;
mod json_record;
mod layout;
mod printer;
mod run;
mod start;

pub(crate) use args::Consume;
pub(crate) use run::run;
