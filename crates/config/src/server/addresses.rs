//! Host and port, the way Kafka writes them.

use std::fmt;

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    /// A name or an address, without the brackets of an IPv6 address.
    pub host: String,
    /// 0 stands for any free port.
    pub port: u16,
}

impl Endpoint {
    /// Reads `host:port`, `[::1]:port` or `:port` (an empty host).
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        let port = port.parse().ok()?;
        let bare = match host.strip_prefix('[') {
            Some(rest) => rest.strip_suffix(']')?,
            None => host,
        };
        let is_host = |c: char| c.is_ascii_alphanumeric() || "-%._:".contains(c);
        bare.chars().all(is_host).then(|| Self {
            host: bare.to_owned(),
            port,
        })
    }

    /// Whether only this machine can reach it.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match self.host.parse::<std::net::IpAddr>() {
            Ok(address) => address.is_loopback(),
            Err(_not_an_address) => self.host.eq_ignore_ascii_case("localhost"),
        }
    }

    /// Whether it stands for every address of this machine.
    #[must_use]
    pub fn is_wildcard(&self) -> bool {
        self.host.is_empty() || self.is_unspecified()
    }

    /// Whether it is written as `0.0.0.0` or `::`.
    pub(super) fn is_unspecified(&self) -> bool {
        let address = self.host.parse::<std::net::IpAddr>();
        address.is_ok_and(|address| address.is_unspecified())
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_read_as_they_print() {
        for text in ["localhost:9092", ":9092", "[::1]:9093", "10.0.0.1:0"] {
            let endpoint = Endpoint::parse(text).expect(text);
            assert_eq!(endpoint.to_string(), text);
        }
        for text in [
            "",
            "host",
            "host:",
            "host:x",
            "host:70000",
            "ho st:1",
            "[::1:2",
        ] {
            assert_eq!(Endpoint::parse(text), None, "{text}");
        }
    }
}
