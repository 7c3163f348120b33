//! `meta.properties`: which cluster, node and directory this is, as Java properties.

use types::{DirectoryId, NodeId};

use super::ParseError;

pub(crate) const NAME: &str = "meta.properties";

/// A log directory's identity: `meta.properties`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetaProperties {
    /// The cluster.
    pub cluster_id: String,
    /// The node.
    pub node_id: NodeId,
    /// This directory (KIP-858). `ZERO` in directories formatted by Kafka before 3.7; they are given
    /// an id when they are opened.
    pub directory_id: DirectoryId,
}

impl MetaProperties {
    pub(crate) fn format(&self) -> Vec<u8> {
        let mut text = format!(
            "version=1\ncluster.id={}\nnode.id={}\n",
            escape(&self.cluster_id),
            self.node_id
        );
        if self.directory_id != DirectoryId::ZERO {
            text.push_str(&format!("directory.id={}\n", self.directory_id));
        }
        text.into_bytes()
    }

    pub(crate) fn parse(text: &[u8]) -> Result<Self, ParseError> {
        let text = std::str::from_utf8(text).map_err(|e| ParseError::new(1, e.to_string()))?;
        let mut version = None;
        let mut cluster_id = None;
        let mut node_id = None;
        let mut directory_id = DirectoryId::ZERO;
        for (number, line) in text.lines().enumerate() {
            let Some((key, value)) = property(line) else {
                continue;
            };
            let malformed = || ParseError::new(number + 1, format!("{key}={value} is malformed"));
            match key {
                "version" => version = Some(value),
                "cluster.id" => cluster_id = Some(value),
                "node.id" => node_id = Some(value.parse().map_err(|_error| malformed())?),
                "directory.id" => {
                    let id = value.parse().map_err(|_error| malformed())?;
                    directory_id = DirectoryId(id);
                }
                _ => {}
            }
        }
        let missing = |key: &str| ParseError::new(0, format!("{key} is missing"));
        let version = version.ok_or_else(|| missing("version"))?;
        if version != "1" {
            let reason = format!("version is {version}, only 1 (KRaft) is supported");
            return Err(ParseError::new(0, reason));
        }
        Ok(Self {
            cluster_id: cluster_id.ok_or_else(|| missing("cluster.id"))?,
            node_id: NodeId(node_id.ok_or_else(|| missing("node.id"))?),
            directory_id,
        })
    }
}

/// The key and the value of a line; `None` for blank lines and comments.
fn property(line: &str) -> Option<(&str, String)> {
    let line = line.trim_start();
    if line.is_empty() || line.starts_with(['#', '!']) {
        return None;
    }
    let (key, value) = line.split_once(['=', ':'])?;
    Some((key.trim_end(), unescape(value.trim_start())))
}

/// Java writes a backslash in front of these.
fn escape(value: &str) -> String {
    let mut escaped = String::new();
    for c in value.chars() {
        if matches!(c, '\\' | '=' | ':' | '#' | '!') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

fn unescape(value: &str) -> String {
    let mut plain = String::new();
    let mut chars = value.trim_end().chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => plain.extend(chars.next()),
            c => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    const KAFKAS: &[u8] = b"#\n#Sun Nov 22 08:21:33 UTC 2026\nnode.id=1\n\
        directory.id=Vra00KSy3NQAh87Gl8KBTA\nversion=1\ncluster.id=J7s9e8PPTKOO47PxzI39VA\n";

    #[test]
    fn reads_what_kafka_writes_and_its_own() {
        let identity = MetaProperties::parse(KAFKAS).unwrap();
        assert_eq!(identity.cluster_id, "J7s9e8PPTKOO47PxzI39VA");
        assert_eq!(identity.node_id, NodeId(1));
        assert!(identity.directory_id != DirectoryId::ZERO);
        assert_eq!(MetaProperties::parse(&identity.format()).unwrap(), identity);
    }

    #[test]
    fn escaped_cluster_ids_survive() {
        let identity = MetaProperties {
            cluster_id: "a=b:c\\d".to_owned(),
            node_id: NodeId(7),
            directory_id: DirectoryId::ZERO,
        };
        assert_eq!(MetaProperties::parse(&identity.format()).unwrap(), identity);
    }

    #[test]
    fn what_is_missing_or_malformed_is_named() {
        for (text, word) in [
            (&b"version=1\nnode.id=1\n"[..], "cluster.id"),
            (b"version=0\nbroker.id=1\n", "version"),
            (b"version=1\ncluster.id=x\nnode.id=one\n", "node.id"),
            (b"", "version"),
        ] {
            let error = MetaProperties::parse(text).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }
}
