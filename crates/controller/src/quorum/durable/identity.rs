//! Whose store it is, and the mark that it exists.
//!
//! Where this mark stands, whatever else is missing of the store is lost and never made again. Its
//! text is what `meta.properties` says too, in the same words.

use std::fmt::Write as _;
use std::path::Path;

use types::{DirectoryId, NodeId};

use super::OpenError;
use crate::quorum::files;

const FILE_NAME: &str = "identity.properties";
const BYTES_MAX: u64 = 64 << 10;

/// Who votes with a store: the node and the disk (KIP-853). A wiped disk is another voter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) node_id: NodeId,
    pub(crate) directory_id: DirectoryId,
}

impl Identity {
    /// Reads the mark, `None` if there is none.
    pub(super) fn read(dir: &Path) -> Result<Option<Self>, OpenError> {
        let Some(bytes) = files::read(&dir.join(FILE_NAME), BYTES_MAX)? else {
            return Ok(None);
        };
        Self::parse(&bytes)
            .map(Some)
            .ok_or_else(|| OpenError::Unreadable(format!("{FILE_NAME} makes no sense")))
    }

    /// Sets the mark. Not durable by itself.
    pub(super) fn write(&self, dir: &Path) -> Result<(), OpenError> {
        files::write(&dir.join(FILE_NAME), &[self.to_text().as_bytes()])?;
        Ok(())
    }

    pub(super) fn to_text(&self) -> String {
        let mut text = "version=1\n".to_owned();
        let lines = write!(
            text,
            "node.id={}\ndirectory.id={}\n",
            self.node_id, self.directory_id
        );
        lines.expect("a String takes everything");
        text
    }

    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let value = |key: &str| {
            let mut lines = text.lines().filter_map(|line| line.split_once('='));
            lines.find(|(k, _)| *k == key).map(|(_, v)| v)
        };
        (value("version")? == "1").then_some(())?;
        Some(Self {
            node_id: NodeId(value("node.id")?.parse().ok()?),
            directory_id: DirectoryId(value("directory.id")?.parse().ok()?),
        })
    }

    /// Whether the store is `expected`'s.
    pub(super) fn check(&self, expected: &Self) -> Result<(), OpenError> {
        let differs = |field, found: String, expected: String| OpenError::Foreign {
            field,
            found,
            expected,
        };
        if self.node_id != expected.node_id {
            let (found, expected) = (self.node_id.to_string(), expected.node_id.to_string());
            return Err(differs("node.id", found, expected));
        }
        if self.directory_id != expected.directory_id {
            let found = self.directory_id.to_string();
            return Err(differs(
                "directory.id",
                found,
                expected.directory_id.to_string(),
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quorum::testing::identity;

    #[test]
    fn the_mark_says_whose_store_it_is() {
        let dir = tempfile::tempdir().expect("a folder");
        assert!(Identity::read(dir.path()).expect("no mark").is_none());
        let own = identity(3);
        own.write(dir.path()).expect("written");
        let back = Identity::read(dir.path()).expect("readable");
        assert_eq!(back, Some(own.clone()));
        assert!(own.check(&own).is_ok());
        let other = Identity {
            node_id: NodeId(4),
            ..own.clone()
        };
        assert!(matches!(
            own.check(&other),
            Err(OpenError::Foreign {
                field: "node.id",
                ..
            })
        ));
    }

    #[test]
    fn a_mark_that_makes_no_sense_is_an_error_and_not_a_new_store() {
        let dir = tempfile::tempdir().expect("a folder");
        for text in [
            "",
            "version=1\nnode.id=x\n",
            "version=2\nnode.id=1\ndirectory.id=AAAAAAAAAAAAAAAAAAAAAQ\n",
        ] {
            files::replace(&dir.path().join(FILE_NAME), &[text.as_bytes()]).expect("written");
            assert!(Identity::read(dir.path()).is_err(), "{text:?}");
        }
    }
}
