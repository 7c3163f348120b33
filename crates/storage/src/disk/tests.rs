//! One contract for both disks, and what only the faulty one does.

use std::io::{ErrorKind, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use types::ManualClock;

use super::fault::{Fault, Op};
use super::{Disk, FaultDisk, RealDisk, write_all_at};

fn fault_disk() -> (FaultDisk, PathBuf) {
    let disk = FaultDisk::new(Arc::new(ManualClock::at(5)));
    let dir = PathBuf::from("/data");
    disk.create_dir(&dir).unwrap();
    disk.sync_dir(Path::new("/")).unwrap();
    (disk, dir)
}

fn on_both(test: impl Fn(&dyn Disk, &Path)) {
    let dir = tempfile::tempdir().unwrap();
    test(&RealDisk, dir.path());
    let (disk, dir) = fault_disk();
    test(&disk, &dir);
}

fn put(disk: &dyn Disk, path: &Path, bytes: &[u8]) {
    let file = disk.create(path).unwrap();
    write_all_at(&*file, &mut [IoSlice::new(bytes)], 0).unwrap();
}

#[test]
fn what_is_written_at_a_position_is_read_there() {
    on_both(|disk, dir| {
        let file = disk.create(&dir.join("a")).unwrap();
        let parts = &mut [IoSlice::new(b"hel"), IoSlice::new(b""), IoSlice::new(b"lo")];
        write_all_at(&*file, parts, 2).unwrap();
        let mut buffer = [9; 10];
        assert_eq!(file.read_at(&mut buffer, 0).unwrap(), 7);
        assert_eq!(&buffer, b"\0\0hello\x09\x09\x09");
        assert_eq!(file.read_cached_at(&mut buffer[..3], 4).unwrap(), 3);
        assert_eq!(&buffer[..3], b"llo");
        assert_eq!(file.read_at(&mut buffer, 99).unwrap(), 0);
        file.set_len(3).unwrap();
        assert_eq!(file.len().unwrap(), 3);
        file.sync().unwrap();
        assert_eq!(disk.read(&dir.join("a"), 3).unwrap(), b"\0\0h");
        let error = disk.read(&dir.join("a"), 2).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::FileTooLarge);
    });
}

#[test]
fn reserving_blocks_leaves_size_and_contents_alone() {
    on_both(|disk, dir| {
        let file = disk.create(&dir.join("a")).unwrap();
        write_all_at(&*file, &mut [IoSlice::new(b"hello")], 0).unwrap();
        match file.reserve(5, 1 << 20) {
            Err(error) if error.kind() == ErrorKind::Unsupported => return,
            result => result.unwrap(),
        }
        assert_eq!(file.len().unwrap(), 5);
        write_all_at(&*file, &mut [IoSlice::new(b"!")], 5).unwrap();
        file.set_len(6).unwrap();
        assert_eq!(disk.read(&dir.join("a"), 10).unwrap(), b"hello!");
    });
}

#[test]
fn what_is_reserved_takes_room_and_writes_there_take_none() {
    let (disk, dir) = fault_disk();
    let path = dir.join("f");
    let file = disk.create(&path).unwrap();
    disk.set_capacity(Some(10));
    file.reserve(0, 6).unwrap();
    assert_eq!(disk.reserved_bytes(&path), 6);
    let error = file.reserve(6, 5).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StorageFull);
    assert_eq!(disk.reserved_bytes(&path), 10);
    assert_eq!(
        file.write_at(&[IoSlice::new(b"hello worlds")], 0).unwrap(),
        10
    );
    assert_eq!(disk.reserved_bytes(&path), 0);
}

#[test]
fn names_are_created_replaced_renamed_listed_and_removed() {
    on_both(|disk, dir| {
        let sub = dir.join("x/y");
        disk.create_dir(&sub).unwrap();
        disk.create_dir(&sub).unwrap();
        disk.replace(&sub.join("b"), b"one", true).unwrap();
        disk.replace(&sub.join("b"), b"two", false).unwrap();
        disk.rename(&sub.join("b"), &sub.join("a")).unwrap();
        put(disk, &sub.join("c"), b"");
        let names: Vec<_> = disk
            .list(&sub)
            .unwrap()
            .into_iter()
            .map(|e| (e.name, e.size_bytes))
            .collect();
        assert_eq!(names, [("a".to_owned(), 3), ("c".to_owned(), 0)]);
        assert_eq!(disk.read(&sub.join("a"), 10).unwrap(), b"two");
        disk.remove(&sub.join("a")).unwrap();
        disk.remove(&sub.join("a")).unwrap();
        assert_eq!(
            disk.open(&sub.join("a")).unwrap_err().kind(),
            ErrorKind::NotFound
        );
        disk.remove_dir(&dir.join("x")).unwrap();
        disk.remove_dir(&dir.join("x")).unwrap();
        assert!(!disk.exists(&sub).unwrap());
        assert!(disk.space(dir).unwrap().total_bytes > 0);
    });
}

#[test]
fn a_lock_is_held_once_and_free_after_drop() {
    on_both(|disk, dir| {
        let lock = disk.lock(&dir.join(".lock")).unwrap();
        let error = disk.lock(&dir.join(".lock")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
        drop(lock);
        disk.lock(&dir.join(".lock")).unwrap();
    });
}

#[test]
fn a_crash_takes_what_was_not_synced() {
    let (disk, dir) = fault_disk();
    put(&disk, &dir.join("synced"), b"kept");
    disk.open(&dir.join("synced")).unwrap().sync().unwrap();
    disk.sync_dir(&dir).unwrap();
    put(&disk, &dir.join("synced"), b"lost!");
    put(&disk, &dir.join("new"), b"gone");
    disk.crash(None);
    assert_eq!(disk.contents(&dir.join("synced")).unwrap(), b"kept");
    assert_eq!(disk.contents(&dir.join("new")), None);
}

#[test]
fn a_seeded_crash_keeps_some_writes_and_not_others() {
    let outcomes: std::collections::BTreeSet<Vec<u8>> = (0..64)
        .map(|seed| {
            let (disk, dir) = fault_disk();
            put(&disk, &dir.join("f"), b"aa");
            disk.open(&dir.join("f")).unwrap().sync().unwrap();
            disk.sync_dir(&dir).unwrap();
            let file = disk.open(&dir.join("f")).unwrap();
            write_all_at(&*file, &mut [IoSlice::new(b"bb")], 2).unwrap();
            write_all_at(&*file, &mut [IoSlice::new(b"cc")], 4).unwrap();
            disk.crash(Some(seed));
            disk.contents(&dir.join("f")).unwrap()
        })
        .collect();
    let legal: std::collections::BTreeSet<Vec<u8>> = [&b"aa"[..], b"aabb", b"aa\0\0cc", b"aabbcc"]
        .map(<[u8]>::to_vec)
        .into();
    assert_eq!(outcomes, legal);
}

#[test]
fn faults_come_when_planned_and_the_disk_fills_up() {
    let (disk, dir) = fault_disk();
    disk.plan(Some(Op::Sync), 1, 1, Fault::Error(ErrorKind::Other));
    let file = disk.create(&dir.join("f")).unwrap();
    file.sync().unwrap();
    file.sync().unwrap_err();
    file.sync().unwrap();
    disk.plan(Some(Op::Write), 0, 1, Fault::Short(2));
    assert_eq!(file.write_at(&[IoSlice::new(b"hello")], 0).unwrap(), 2);
    disk.set_capacity(Some(4));
    assert_eq!(file.write_at(&[IoSlice::new(b"hello!")], 0).unwrap(), 6);
    let error = file.write_at(&[IoSlice::new(b"x")], 6).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StorageFull);
}
