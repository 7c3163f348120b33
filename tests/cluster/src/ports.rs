//! Ports for the nodes, which must stay theirs while a node is down.
//!
//! They lie below the range that the kernel gives to outgoing connections: a port of that range could
//! be taken by anybody's client in the moment between a node's death and its restart. A placeholder
//! socket, bound but not listening, keeps other test processes away; servers, which set
//! `SO_REUSEADDR` as it does, may listen beside it.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use anyhow::{Result, bail};
use socket2::{Domain, Socket, Type};

const FIRST: u16 = 10_240;
const LAST: u16 = 28_000;
const TRIES_MAX: u32 = 1000;

/// A port of the loopback interface that is ours until this is dropped.
#[derive(Debug)]
pub struct Port {
    number: u16,
    _placeholder: Socket,
}

impl Port {
    /// A free one.
    ///
    /// # Errors
    /// A thousand ports in use one after the other.
    pub fn reserve() -> Result<Self> {
        for _ in 0..TRIES_MAX {
            let number = rand::random_range(FIRST..LAST);
            if let Some(placeholder) = try_reserve(number) {
                return Ok(Self {
                    number,
                    _placeholder: placeholder,
                });
            }
        }
        bail!("no free port between {FIRST} and {LAST}")
    }

    /// Its number.
    #[must_use]
    pub fn number(&self) -> u16 {
        self.number
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        loopback(self.number)
    }
}

/// A port's address on the loopback interface.
#[must_use]
pub fn loopback(port: u16) -> SocketAddr {
    SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port))
}

fn try_reserve(port: u16) -> Option<Socket> {
    let bind = |reuses| {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.set_reuse_address(reuses)?;
        socket.bind(&loopback(port).into())?;
        std::io::Result::Ok(socket)
    };
    // Without the option this fails if anybody, even another placeholder, has the port.
    drop(bind(false).ok()?);
    bind(true).ok()
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn a_reserved_port_refuses_connections_and_may_be_listened_on() {
        let port = Port::reserve().expect("a port");
        assert!(TcpStream::connect(port.address()).is_err());
        let server = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        server.set_reuse_address(true).expect("set");
        server.bind(&port.address().into()).expect("bound");
        server.listen(1).expect("listens");
        assert!(TcpStream::connect(port.address()).is_ok());
    }

    #[test]
    fn nobody_else_gets_a_reserved_port() {
        let port = Port::reserve().expect("a port");
        assert!(try_reserve(port.number()).is_none());
    }
}
