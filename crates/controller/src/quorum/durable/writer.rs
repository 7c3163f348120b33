//! The one thread that writes the store. It takes whatever waits, applies it in order and flushes
//! once: group commit.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};

use super::sled_log::{Changes, SledLog};
use super::witness::{Testimony, Witness};
use super::{Done, Operation};

/// Raft waits for each operation, so only a handful is ever under way.
const MAILBOX_CAPACITY: usize = 1024;
/// Most operations that share a flush.
const GROUP_MAX: usize = 256;

/// The way to the thread. Dropping it lets the thread finish what waits, then joins it.
#[derive(Debug)]
pub(super) struct Writer {
    mailbox: Option<SyncSender<Letter>>,
    thread: Option<JoinHandle<()>>,
}

struct Letter {
    operation: Operation,
    done: Done,
}

impl Writer {
    pub(super) fn start(log: SledLog, witness: Witness, held: Testimony) -> io::Result<Self> {
        let (mailbox, letters) = sync_channel(MAILBOX_CAPACITY);
        let mut state = State {
            log,
            witness,
            held,
            failed: None,
        };
        let thread = thread::Builder::new()
            .name("quorum-store".to_owned())
            .spawn(move || state.run(&letters))?;
        Ok(Self {
            mailbox: Some(mailbox),
            thread: Some(thread),
        })
    }

    pub(super) fn submit(&self, operation: Operation, done: Done) {
        let letter = Letter { operation, done };
        let Some(mailbox) = &self.mailbox else {
            return;
        };
        match mailbox.try_send(letter) {
            Ok(()) => {}
            Err(TrySendError::Full(letter)) => {
                (letter.done)(Err(io::Error::other("the store cannot keep up")));
            }
            Err(TrySendError::Disconnected(letter)) => {
                (letter.done)(Err(io::Error::other("the store has stopped")));
            }
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.mailbox = None;
        let ended = self.thread.take().map(JoinHandle::join);
        if let Some(Err(_panic)) = ended {
            tracing::error!("the thread of the quorum's store panicked");
        }
    }
}

struct State {
    log: SledLog,
    witness: Witness,
    held: Testimony,
    /// A disk that failed once is not asked again: what it has dropped, a second flush would
    /// report as stored.
    failed: Option<String>,
}

impl State {
    fn run(&mut self, letters: &Receiver<Letter>) {
        while let Ok(first) = letters.recv() {
            let mut operations = vec![first.operation];
            let mut dones = vec![first.done];
            while operations.len() < GROUP_MAX {
                let Ok(letter) = letters.try_recv() else {
                    break;
                };
                operations.push(letter.operation);
                dones.push(letter.done);
            }
            let result = self.write(operations);
            for done in dones {
                done(copy(&result));
            }
        }
    }

    fn write(&mut self, operations: Vec<Operation>) -> io::Result<()> {
        if let Some(failure) = &self.failed {
            return Err(io::Error::other(format!("the store failed: {failure}")));
        }
        let result = self.try_write(operations);
        if let Err(error) = &result {
            tracing::error!(%error, "the quorum's store failed and takes no more");
            self.failed = Some(error.to_string());
        }
        result
    }

    fn try_write(&mut self, operations: Vec<Operation>) -> io::Result<()> {
        let mut changes = Changes::default();
        let mut must_flush = false;
        for operation in operations {
            must_flush |= !matches!(operation, Operation::SaveCommitted(_));
            self.stage(operation, &mut changes)?;
        }
        self.log.apply(changes)?;
        if must_flush {
            self.log.flush()?;
            self.witness.write(&self.held)?;
        }
        Ok(())
    }

    fn stage(&mut self, operation: Operation, changes: &mut Changes) -> io::Result<()> {
        match operation {
            Operation::SaveVote(vote) => {
                changes.save_vote(&vote);
                self.held.vote = Some(vote);
            }
            Operation::SaveCommitted(committed) => changes.save_committed(committed.as_ref()),
            Operation::Append(entries) => {
                for entry in &entries {
                    changes.append(entry);
                    self.held.last_log_id = Some(entry.log_id);
                }
            }
            Operation::Truncate { from, last_log_id } => {
                self.log.apply(std::mem::take(changes))?;
                self.held.last_log_id = last_log_id;
                self.lower_witness()?;
                self.log.removal_of(from, None, changes)?;
            }
            Operation::PurgeUpTo(log_id) => {
                changes.save_purged(&log_id);
                self.log.apply(std::mem::take(changes))?;
                // Until the mark is durable, the entries are needed.
                self.log.flush()?;
                self.held.last_log_id = self.held.last_log_id.max(Some(log_id));
                self.log.removal_of(0, Some(log_id.index + 1), changes)?;
            }
        }
        Ok(())
    }

    /// Before anything is taken away, so that a crash in between is no loss.
    fn lower_witness(&mut self) -> io::Result<()> {
        self.witness.write_durably(&self.held)
    }
}

fn copy(result: &io::Result<()>) -> io::Result<()> {
    match result {
        Ok(()) => Ok(()),
        Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
    }
}
