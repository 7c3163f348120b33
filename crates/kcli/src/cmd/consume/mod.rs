//! `kcli consume`: read events of topics, alone or as a member of a group.

mod args;
mod bounds;
mod grep;
mod group;
mod json_record;
mod layout;
mod meaning;
mod printer;
mod run;
mod start;

pub(crate) use args::Consume;
pub(crate) use run::run;
