//! Transcripts of consumer groups, and random histories of them. See [`room`] for how to read them.

mod heartbeats;
mod histories;
mod migration;
mod mixed;
mod room;
mod static_members;
mod topics;
