//! Which process dialled: the kernel's table of sockets, then the processes' open files.

use std::net::SocketAddr;

/// The process among these that owns the connection from `peer`, if one does. Reads files of `/proc`;
/// takes a fraction of a millisecond.
pub(super) fn owner(pids: &[u32], peer: SocketAddr, own: SocketAddr) -> Option<u32> {
    let table = std::fs::read_to_string("/proc/net/tcp").ok()?;
    let inode = inode(&table, peer.port(), own.port())?;
    let link = format!("socket:[{inode}]");
    pids.iter().copied().find(|pid| has_open(*pid, &link))
}

/// A line is `sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode …`; addresses
/// are hexadecimal.
fn inode(table: &str, local_port: u16, remote_port: u16) -> Option<&str> {
    let port = |address: &str| u16::from_str_radix(address.rsplit(':').next()?, 16).ok();
    table.lines().skip(1).find_map(|line| {
        let mut words = line.split_ascii_whitespace().skip(1);
        let (local, remote) = (words.next()?, words.next()?);
        let is_it = port(local) == Some(local_port) && port(remote) == Some(remote_port);
        // Inode 0 is a socket that its process has closed already.
        let inode = words.nth(6)?;
        (is_it && inode != "0").then_some(inode)
    })
}

fn has_open(pid: u32, link: &str) -> bool {
    let Ok(files) = std::fs::read_dir(format!("/proc/{pid}/fd")) else {
        return false;
    };
    files.flatten().any(|file| {
        let target = std::fs::read_link(file.path());
        target.is_ok_and(|target| target.as_os_str() == link)
    })
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn a_connection_is_known_by_the_process_that_dialled() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
        let own = listener.local_addr().expect("an address");
        let dialled = TcpStream::connect(own).expect("connected");
        let peer = dialled.local_addr().expect("an address");
        assert_eq!(
            owner(&[1, std::process::id()], peer, own),
            Some(std::process::id())
        );
        assert_eq!(owner(&[], peer, own), None);
    }
}
