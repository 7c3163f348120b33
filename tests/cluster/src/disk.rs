//! Small file systems that can be full. Mounting needs root.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

/// A tmpfs, unmounted when this is dropped. Nodes have their data in folders of it.
#[derive(Debug)]
pub struct SmallDisk {
    path: PathBuf,
    bytes: usize,
}

/// Whether this process may mount.
#[must_use]
pub fn may_mount() -> bool {
    rustix::process::geteuid().is_root()
}

impl SmallDisk {
    /// Mounts so many bytes at a folder.
    ///
    /// # Errors
    /// The kernel or the rights do not allow it.
    pub fn mount(path: &Path, bytes: u64) -> Result<Self> {
        std::fs::create_dir_all(path)?;
        let status = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={bytes}"), "tmpfs"])
            .arg(path)
            .status()
            .context("mount")?;
        ensure!(status.success(), "mount ended with {status}");
        Ok(Self {
            path: path.to_owned(),
            bytes: usize::try_from(bytes)?,
        })
    }

    /// Leaves no room: writes a file that does not fit, of which the disk keeps what it can.
    ///
    /// # Errors
    /// Anything but a full disk.
    pub fn fill(&self) -> Result<()> {
        let filler = vec![0_u8; self.bytes];
        match std::fs::write(self.filler(), filler) {
            Err(error) if error.kind() == std::io::ErrorKind::StorageFull => Ok(()),
            Ok(()) => bail!("{} bytes fit on the disk", self.bytes),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes room again.
    ///
    /// # Errors
    /// The filler cannot be removed.
    pub fn free(&self) -> Result<()> {
        Ok(std::fs::remove_file(self.filler())?)
    }

    fn filler(&self) -> PathBuf {
        self.path.join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a process that is just dying may still have files open there.
        drop(Command::new("umount").arg("-l").arg(&self.path).status());
    }
}
