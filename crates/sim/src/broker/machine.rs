//! What outlives a broker's process: its disk, and which boot of the machine this is.

use std::collections::BTreeMap;

use metadata::v1::Restart;
use types::{BrokerEpoch, DirectoryId, PartitionIndex, Uuid};

use crate::log::Log;
use crate::mutant::{self, Glue};

/// A folder: topic by name, partition.
pub type Place = (u8, PartitionIndex);

/// A broker's machine and disk.
#[derive(Clone, Debug)]
pub struct Machine {
    boot: u64,
    /// `directory.id`; another one after the disk was lost.
    pub directory: DirectoryId,
    /// The boot in which the broker last started.
    stored_boot: Option<u64>,
    /// The broker epoch in `.kafka_cleanshutdown`.
    marker: Option<BrokerEpoch>,
    synced_marker: Option<BrokerEpoch>,
    /// The logs.
    pub logs: BTreeMap<Place, Log>,
    /// The disk as it was after the last orderly stop.
    backup: Option<Box<Self>>,
}

impl Machine {
    /// A new machine.
    #[must_use]
    pub const fn new(directory: Uuid) -> Self {
        Self {
            boot: 0,
            directory: DirectoryId(directory),
            stored_boot: None,
            marker: None,
            synced_marker: None,
            logs: BTreeMap::new(),
            backup: None,
        }
    }

    /// The broker starts: finds out how it ended, and recovers its logs.
    pub fn start(&mut self) -> (Restart, BrokerEpoch) {
        let marker = self.marker;
        let restart = match (marker, self.stored_boot) {
            (Some(epoch), _) => (Restart::Clean, epoch),
            (None, None) => (Restart::Clean, BrokerEpoch::NONE),
            (None, Some(boot)) if boot == self.boot || mutant::is(Glue::NewBootIsProcessCrash) => {
                (Restart::ProcessCrash, BrokerEpoch::NONE)
            }
            (None, Some(_)) => (Restart::Lossy, BrokerEpoch::NONE),
        };
        for log in self.logs.values_mut() {
            log.recover(marker.is_some());
        }
        // The old boot id stays until the cluster knows: a start that is killed before that must not
        // turn what came before it into a process crash.
        if mutant::is(Glue::BootIdStoredTooEarly) {
            self.stored_boot = Some(self.boot);
        }
        if !mutant::is(Glue::MarkerNotDeleted) {
            self.marker = None;
            if !mutant::is(Glue::MarkerDeletionNotSynced) {
                self.synced_marker = None;
            }
        }
        restart
    }

    /// The registration of this start is committed.
    pub const fn on_registered(&mut self) {
        self.stored_boot = Some(self.boot);
    }

    /// Everything was flushed and closed.
    pub fn mark_clean(&mut self, epoch: BrokerEpoch) {
        self.marker = Some(epoch);
        self.synced_marker = self.marker;
        self.backup = None;
        self.backup = Some(Box::new(self.clone()));
    }

    /// The disk becomes what it was after the last orderly stop, if there has been one.
    pub fn on_rollback(&mut self) {
        if let Some(backup) = self.backup.take() {
            *self = Self {
                boot: self.boot + 1,
                ..*backup
            };
        }
    }

    /// Whether there is a copy to go back to.
    #[must_use]
    pub const fn has_backup(&self) -> bool {
        self.backup.is_some()
    }

    /// The process died.
    pub fn on_process_crash(&mut self) {
        for log in self.logs.values_mut() {
            log.on_process_crash();
        }
    }

    /// The machine went down.
    pub fn on_power_cut(&mut self, survives: u8, is_torn: bool) {
        self.boot += 1;
        self.marker = self.synced_marker;
        for log in self.logs.values_mut() {
            log.on_power_cut(survives, is_torn);
        }
    }

    /// The disk is replaced by an empty one.
    pub fn on_wipe(&mut self, directory: Uuid) {
        *self = Self {
            boot: self.boot + 1,
            ..Self::new(directory)
        };
    }
}
