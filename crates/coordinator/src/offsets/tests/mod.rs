//! Offsets as a client and the log see them: what is asked, what is answered, what is written. See
//! [`world`] for how to read the transcripts.

mod commit;
mod delete;
mod fetch;
mod histories;
mod sweep;
mod world;
