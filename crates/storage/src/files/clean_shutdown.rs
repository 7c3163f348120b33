//! `.kafka_cleanshutdown`: its presence says that every log of the directory was closed, its content
//! names the broker epoch of the process that closed them.

pub(crate) const NAME: &str = ".kafka_cleanshutdown";

const START: &str = "{\"version\":0,\"brokerEpoch\":";

pub(crate) fn format(broker_epoch: i64) -> Vec<u8> {
    format!("{START}{broker_epoch}}}").into_bytes()
}

/// The broker epoch. `None` if it cannot be read, as in the empty file of older versions: the
/// shutdown was clean all the same.
pub(crate) fn parse(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    compact.strip_prefix(START)?.strip_suffix('}')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_what_kafka_writes() {
        let text = br#"{"version":0,"brokerEpoch":12}"#;
        assert_eq!(parse(text), Some(12));
        assert_eq!(format(12), text);
        assert_eq!(parse(b""), None);
        assert_eq!(parse(b"{}"), None);
    }
}
