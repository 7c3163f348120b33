//! A disk in memory that fails on demand, and that knows what a power cut would take.
//!
//! Every file and directory has two faces: what the process sees, and what was synced. [`FaultDisk::crash`]
//! makes the first what the second is, which is what a power cut does at its worst. With a seed, each
//! un-synced write is kept or lost by itself, as a kernel writing back in its own order would do.
//!
//! ```text
//!   write_at ──▶ current ──sync──▶ durable          (contents, per file)
//!   create, rename, remove ──▶ current ──sync_dir──▶ durable   (names, per directory)
//! ```

mod crash;
mod file;

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, IoSlice};
use std::path::{Component, Path};
use std::sync::Arc;

use parking_lot::Mutex;
use types::Clock;

use super::real::temporary_name;
use super::{DirEntry, Disk, DiskFile, DiskLock, Space, fsync_failed, write_all_at};

/// What kind of call a fault is waiting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// Opening a file that is there, or a directory to sync it.
    Open,
    /// [`DiskFile::write_at`].
    Write,
    /// [`DiskFile::read_at`] and [`Disk::read`].
    Read,
    /// [`DiskFile::reserve`].
    Reserve,
    /// [`DiskFile::set_len`].
    SetLen,
    /// [`DiskFile::sync`].
    Sync,
    /// [`Disk::sync_dir`].
    SyncDir,
    /// [`DiskLock::sync_file_system`].
    SyncFileSystem,
    /// Creating, renaming and removing files and directories.
    Names,
}

/// What happens instead of the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The call fails and changes nothing.
    Error(io::ErrorKind),
    /// The same, with a number of the operating system that has no kind of its own.
    Errno(i32),
    /// A write takes only this many bytes. No failure: the caller has to notice.
    Short(usize),
}

#[derive(Debug)]
struct Planned {
    op: Option<Op>,
    /// Calls of that kind to let pass first.
    skip: u64,
    /// Calls to fail after that.
    times: u64,
    fault: Fault,
}

#[derive(Debug, Default)]
struct Contents {
    current: Vec<u8>,
    durable: Vec<u8>,
    /// Writes since the last sync.
    unsynced: Vec<(usize, Vec<u8>)>,
    /// Where the blocks end that were reserved. Neither a kill nor a power cut gives them back.
    reserved_end: usize,
    modified_ms: i64,
}

#[derive(Debug, Clone)]
enum Node {
    File(Arc<Mutex<Contents>>),
    Dir(Arc<Mutex<Names>>),
}

#[derive(Debug, Default)]
struct Names {
    current: BTreeMap<String, Node>,
    durable: BTreeMap<String, Node>,
}

/// What somebody else does just before a call.
struct Meanwhile {
    op: Op,
    action: Box<dyn FnOnce() + Send>,
}

impl fmt::Debug for Meanwhile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Meanwhile({:?})", self.op)
    }
}

#[derive(Debug, Default)]
struct Faults {
    planned: Vec<Planned>,
    meanwhile: Option<Meanwhile>,
    calls: u64,
    capacity_bytes: Option<u64>,
    used_bytes: u64,
    is_cold: bool,
    locked: Vec<String>,
    boots: u64,
}

#[derive(Debug)]
struct State {
    root: Arc<Mutex<Names>>,
    faults: Mutex<Faults>,
    clock: Arc<dyn Clock>,
}

/// A disk in memory that fails on demand. Clones are the same disk.
#[derive(Debug, Clone)]
pub struct FaultDisk {
    state: Arc<State>,
}

impl FaultDisk {
    /// An empty disk. Files get their modification time from `clock`.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            state: Arc::new(State {
                root: Arc::default(),
                faults: Mutex::default(),
                clock,
            }),
        }
    }

    /// Lets `skip` calls of kind `op` (any kind for `None`) pass, then fails `times` of them.
    pub fn plan(&self, op: Option<Op>, skip: u64, times: u64, fault: Fault) {
        self.state.faults.lock().planned.push(Planned {
            op,
            skip,
            times,
            fault,
        });
    }

    /// Does `action` just before the next call of kind `op`: a race that always ends the same way.
    pub fn meanwhile(&self, op: Op, action: impl FnOnce() + Send + 'static) {
        self.state.faults.lock().meanwhile = Some(Meanwhile {
            op,
            action: Box::new(action),
        });
    }

    /// Forgets the faults that have not happened.
    pub fn heal(&self) {
        self.state.faults.lock().planned.clear();
    }

    /// How many faults are still waiting for their call.
    #[must_use]
    pub fn planned_count(&self) -> usize {
        let faults = self.state.faults.lock();
        faults.planned.iter().filter(|p| p.times > 0).count()
    }

    /// Calls made so far that change something or could fail.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.state.faults.lock().calls
    }

    /// Lets the disk be full when files hold this much. Only growth counts; nothing is given back
    /// by removing, except by raising this.
    pub fn set_capacity(&self, capacity_bytes: Option<u64>) {
        let mut faults = self.state.faults.lock();
        faults.capacity_bytes = capacity_bytes;
        faults.used_bytes = 0;
    }

    /// Whether [`DiskFile::read_cached_at`] finds nothing in memory.
    pub fn set_cold(&self, is_cold: bool) {
        self.state.faults.lock().is_cold = is_cold;
    }

    /// What a file holds; `None` if there is none.
    #[must_use]
    pub fn contents(&self, path: &Path) -> Option<Vec<u8>> {
        Some(self.file(path).ok()?.lock().current.clone())
    }

    /// How much is reserved beyond a file's end.
    #[must_use]
    pub fn reserved_bytes(&self, path: &Path) -> usize {
        let Ok(file) = self.file(path) else { return 0 };
        let file = file.lock();
        file.reserved_end.saturating_sub(file.current.len())
    }

    /// Changes a file behind everybody's back, as bit rot would. Creates it if it is not there.
    pub fn overwrite(&self, path: &Path, contents: &[u8]) {
        if let Ok((names, name)) = self.parent(path) {
            let mut names = names.lock();
            let node = names.current.get(&name).cloned();
            let file = match node {
                Some(Node::File(file)) => file,
                _ => Arc::default(),
            };
            {
                let mut file = file.lock();
                file.current = contents.to_vec();
                file.durable = contents.to_vec();
                file.unsynced.clear();
            }
            names
                .current
                .insert(name.clone(), Node::File(Arc::clone(&file)));
            names.durable.insert(name, Node::File(file));
        }
    }

    /// Cuts the power. Files and names are as of their last sync; with a seed, some of what was not
    /// synced made it all the same. Open files must not be used any more, locks are free.
    pub fn crash(&self, seed: Option<u64>) {
        self.kill();
        self.state.faults.lock().boots += 1;
        let mut random = seed.map(crash::Random);
        crash::crash_dir(&self.state.root, &mut random);
    }

    /// Kills the process: what was written stays. Locks are free.
    pub fn kill(&self) {
        self.heal();
        self.state.faults.lock().locked.clear();
    }

    fn before(&self, op: Op) -> io::Result<Option<usize>> {
        let meanwhile = {
            let mut faults = self.state.faults.lock();
            faults.meanwhile.take_if(|meanwhile| meanwhile.op == op)
        };
        if let Some(meanwhile) = meanwhile {
            (meanwhile.action)();
        }
        let mut faults = self.state.faults.lock();
        faults.calls += 1;
        let Some(planned) = faults
            .planned
            .iter_mut()
            .find(|p| p.times > 0 && p.op.is_none_or(|wanted| wanted == op))
        else {
            return Ok(None);
        };
        if planned.skip > 0 {
            planned.skip -= 1;
            return Ok(None);
        }
        planned.times -= 1;
        match planned.fault {
            Fault::Error(kind) => Err(kind.into()),
            Fault::Errno(errno) => Err(io::Error::from_raw_os_error(errno)),
            Fault::Short(bytes) => Ok(Some(bytes)),
        }
    }

    fn dir(&self, path: &Path) -> io::Result<Arc<Mutex<Names>>> {
        let mut dir = Arc::clone(&self.state.root);
        for name in parts(path) {
            let next = match dir.lock().current.get(&name) {
                Some(Node::Dir(next)) => Arc::clone(next),
                Some(Node::File(_)) => return Err(io::ErrorKind::NotADirectory.into()),
                None => return Err(io::ErrorKind::NotFound.into()),
            };
            dir = next;
        }
        Ok(dir)
    }

    fn parent(&self, path: &Path) -> io::Result<(Arc<Mutex<Names>>, String)> {
        let name = parts(path).pop().ok_or(io::ErrorKind::InvalidInput)?;
        let parent = path.parent().unwrap_or(Path::new(""));
        Ok((self.dir(parent)?, name))
    }

    fn file(&self, path: &Path) -> io::Result<Arc<Mutex<Contents>>> {
        let (names, name) = self.parent(path)?;
        let names = names.lock();
        match names.current.get(&name) {
            Some(Node::File(file)) => Ok(Arc::clone(file)),
            Some(Node::Dir(_)) => Err(io::ErrorKind::IsADirectory.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn handle(&self, contents: Arc<Mutex<Contents>>) -> Arc<dyn DiskFile> {
        Arc::new(file::FaultFile {
            disk: self.clone(),
            contents,
        })
    }
}

fn parts(path: &Path) -> Vec<String> {
    path.components()
        .filter_map(|part| match part {
            Component::Normal(name) => name.to_str().map(str::to_owned),
            _ => None,
        })
        .collect()
}

#[derive(Debug)]
struct FaultLock {
    disk: FaultDisk,
    name: String,
}

impl DiskLock for FaultLock {
    fn sync_file_system(&self) -> io::Result<()> {
        self.disk.before(Op::SyncFileSystem).map_err(fsync_failed)?;
        crash::sync_below(&self.disk.state.root);
        Ok(())
    }
}

impl Drop for FaultLock {
    fn drop(&mut self) {
        let mut faults = self.disk.state.faults.lock();
        faults.locked.retain(|name| *name != self.name);
    }
}

impl Disk for FaultDisk {
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        self.before(Op::Open)?;
        Ok(self.handle(self.file(path)?))
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        if let Ok(file) = self.file(path) {
            return Ok(self.handle(file));
        }
        self.before(Op::Names)?;
        let (names, name) = self.parent(path)?;
        let contents: Arc<Mutex<Contents>> = Arc::default();
        contents.lock().modified_ms = self.state.clock.wall_ms();
        let node = Node::File(Arc::clone(&contents));
        names.lock().current.insert(name, node);
        Ok(self.handle(contents))
    }

    fn read(&self, path: &Path, max_bytes: u64) -> io::Result<Vec<u8>> {
        self.before(Op::Read)?;
        let contents = self.file(path)?.lock().current.clone();
        if contents.len() as u64 > max_bytes {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(contents)
    }

    fn replace(&self, path: &Path, contents: &[u8], durable: bool) -> io::Result<()> {
        let temporary = temporary_name(path);
        self.remove(&temporary)?;
        let file = self.create(&temporary)?;
        write_all_at(&*file, &mut [IoSlice::new(contents)], 0)?;
        if durable {
            file.sync()?;
        }
        self.rename(&temporary, path)?;
        match path.parent() {
            Some(parent) if durable => self.sync_dir(parent),
            _ => Ok(()),
        }
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.before(Op::Names)?;
        let (from_names, from_name) = self.parent(from)?;
        let (to_names, to_name) = self.parent(to)?;
        let node = from_names.lock().current.remove(&from_name);
        let node = node.ok_or(io::ErrorKind::NotFound)?;
        to_names.lock().current.insert(to_name, node);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.before(Op::Names)?;
        let (names, name) = self.parent(path)?;
        names.lock().current.remove(&name);
        Ok(())
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.remove(path)
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.before(Op::Names)?;
        let mut dir = Arc::clone(&self.state.root);
        for name in parts(path) {
            let next = match dir
                .lock()
                .current
                .entry(name)
                .or_insert_with(|| Node::Dir(Arc::default()))
            {
                Node::Dir(next) => Arc::clone(next),
                Node::File(_) => return Err(io::ErrorKind::NotADirectory.into()),
            };
            dir = next;
        }
        Ok(())
    }

    fn list(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        let dir = self.dir(path)?;
        let dir = dir.lock();
        let entry = |(name, node): (&String, &Node)| {
            let (is_dir, size_bytes, modified_ms) = match node {
                Node::Dir(_) => (true, 0, 0),
                Node::File(file) => {
                    let file = file.lock();
                    (false, file.current.len() as u64, file.modified_ms)
                }
            };
            DirEntry {
                name: name.clone(),
                is_dir,
                size_bytes,
                modified_ms,
            }
        };
        Ok(dir.current.iter().map(entry).collect())
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        Ok(self.dir(path).is_ok() || self.file(path).is_ok())
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.before(Op::Open)?;
        let dir = self.dir(path)?;
        self.before(Op::SyncDir).map_err(fsync_failed)?;
        let mut dir = dir.lock();
        dir.durable = dir.current.clone();
        Ok(())
    }

    fn space(&self, _path: &Path) -> io::Result<Space> {
        let faults = self.state.faults.lock();
        let total_bytes = faults.capacity_bytes.unwrap_or(1 << 40);
        Ok(Space {
            total_bytes,
            usable_bytes: total_bytes.saturating_sub(faults.used_bytes),
        })
    }

    fn boot_id(&self) -> Option<String> {
        Some(format!("boot-{}", self.state.faults.lock().boots))
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn DiskLock>> {
        self.create(path)?;
        let name = path.to_string_lossy().into_owned();
        let mut faults = self.state.faults.lock();
        if faults.locked.contains(&name) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        faults.locked.push(name.clone());
        drop(faults);
        Ok(Box::new(FaultLock {
            disk: self.clone(),
            name,
        }))
    }
}
