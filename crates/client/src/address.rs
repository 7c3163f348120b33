//! `host:port` as people write it in `bootstrap.servers` and as brokers advertise it.

use std::fmt;
use std::str::FromStr;

/// The port of a Kafka broker when none is written.
pub const DEFAULT_PORT: u16 = 9092;

/// A place to connect to. The host is a name or an address and is resolved when connecting.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// Name, IPv4 address or IPv6 address without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

impl Address {
    /// Puts the two together.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self {
            host: host.into(),
            port,
        }
    }

    /// Reads a list as in `bootstrap.servers`: commas between, blanks ignored.
    ///
    /// # Errors
    /// The first part that is no address, or an empty list.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, ParseAddressError> {
        let parts = text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty());
        let addresses = parts.map(str::parse).collect::<Result<Vec<Self>, _>>()?;
        if addresses.is_empty() {
            return Err(ParseAddressError(text.to_owned()));
        }
        Ok(addresses)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// The text is not `host:port`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an address: write host:port, for example localhost:9092")]
pub struct ParseAddressError(String);

impl FromStr for Address {
    type Err = ParseAddressError;

    /// Takes `host:port`, `host`, `[v6]:port` and a leading `PLAINTEXT://`, which people copy from
    /// `listeners`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseAddressError(text.to_owned());
        let rest = text.trim();
        let rest = rest.strip_prefix("PLAINTEXT://").unwrap_or(rest);
        let (host, port) = match rest.strip_prefix('[') {
            Some(bracketed) => {
                let (host, after) = bracketed.split_once(']').ok_or_else(error)?;
                match after {
                    "" => (host, None),
                    _ => (host, Some(after.strip_prefix(':').ok_or_else(error)?)),
                }
            }
            None => match rest.split_once(':') {
                // More than one colon and no brackets: a bare IPv6 address.
                Some((_, after)) if after.contains(':') => {
                    let is_v6 = rest.parse::<std::net::Ipv6Addr>().is_ok();
                    (if is_v6 { rest } else { "" }, None)
                }
                Some((host, port)) => (host, Some(port)),
                None => (rest, None),
            },
        };
        let bad = |c: char| c.is_whitespace() || c == '/' || c == '@' || c == ',';
        if host.is_empty() || host.contains(bad) {
            return Err(error());
        }
        let port = match port {
            None => DEFAULT_PORT,
            Some(port) => port.parse().ok().filter(|p| *p != 0).ok_or_else(error)?,
        };
        Ok(Self::new(host, port))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_people_write_them() {
        let cases = [
            ("localhost:9092", "localhost", 9092),
            ("localhost", "localhost", 9092),
            (" 10.0.0.1:19092 ", "10.0.0.1", 19092),
            ("[::1]:9093", "::1", 9093),
            ("[::1]", "::1", 9092),
            ("fe80::1", "fe80::1", 9092),
            ("PLAINTEXT://k1:1", "k1", 1),
        ];
        for (text, host, port) in cases {
            assert_eq!(text.parse(), Ok(Address::new(host, port)), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            ":9092",
            "a:0",
            "a:70000",
            "a:b",
            "[::1",
            "[::1]9092",
            "SSL://a:1",
            "a b:1",
            "a:b:c",
        ] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
        assert!(Address::parse_list(" , ").is_err());
    }

    #[test]
    fn a_list_may_hold_blanks_and_prints_back() {
        let list = Address::parse_list("a:1, [::1]:2,").expect("valid");
        let printed: Vec<_> = list.iter().map(ToString::to_string).collect();
        assert_eq!(printed, ["a:1", "[::1]:2"]);
    }
}
