//! Events field by field, in the order and with the words of Kafka's console consumer.

use client::consumer::ConsumerRecord;

/// Which fields show.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
pub(super) struct Layout {
    pub(super) has_timestamp: bool,
    pub(super) has_partition: bool,
    pub(super) has_offset: bool,
    pub(super) has_epoch: bool,
    pub(super) has_headers: bool,
    pub(super) has_key: bool,
    pub(super) has_value: bool,
    key_separator: Vec<u8>,
    line_separator: Vec<u8>,
    headers_separator: Vec<u8>,
    null_literal: Vec<u8>,
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            has_timestamp: false,
            has_partition: false,
            has_offset: false,
            has_epoch: false,
            has_headers: false,
            has_key: false,
            has_value: true,
            key_separator: b"\t".to_vec(),
            line_separator: b"\n".to_vec(),
            headers_separator: b",".to_vec(),
            null_literal: b"null".to_vec(),
        }
    }
}

impl Layout {
    /// `-o wide`.
    pub(super) fn everything() -> Self {
        Self {
            has_timestamp: true,
            has_partition: true,
            has_offset: true,
            has_headers: true,
            has_key: true,
            ..Self::default()
        }
    }

    /// Takes one of Kafka's formatter properties.
    pub(super) fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        let is_true = value.eq_ignore_ascii_case("true");
        let bytes = || value.as_bytes().to_vec();
        match key {
            "print.timestamp" => self.has_timestamp = is_true,
            "print.partition" => self.has_partition = is_true,
            "print.offset" => self.has_offset = is_true,
            "print.epoch" => self.has_epoch = is_true,
            "print.headers" => self.has_headers = is_true,
            "print.key" => self.has_key = is_true,
            "print.value" => self.has_value = is_true,
            "key.separator" => self.key_separator = bytes(),
            "line.separator" => self.line_separator = bytes(),
            "headers.separator" => self.headers_separator = bytes(),
            "null.literal" => self.null_literal = bytes(),
            _ => return Err(format!("--formatter-property {key}: not supported")),
        }
        Ok(())
    }

    /// Appends an event.
    pub(super) fn render(&self, record: &ConsumerRecord, out: &mut Vec<u8>) {
        let time_type = if record.is_log_append_time {
            "LogAppendTime"
        } else {
            "CreateTime"
        };
        let numbers = [
            (self.has_timestamp, time_type, record.timestamp_ms),
            (self.has_partition, "Partition", record.partition.into()),
            (self.has_offset, "Offset", record.offset),
            (self.has_epoch, "Epoch", record.leader_epoch.into()),
        ];
        let mut is_first = true;
        let mut separate = |out: &mut Vec<u8>| {
            if !std::mem::take(&mut is_first) {
                out.extend_from_slice(&self.key_separator);
            }
        };
        for (_, label, number) in numbers.into_iter().filter(|(is_shown, ..)| *is_shown) {
            separate(out);
            out.extend(format!("{label}:{number}").into_bytes());
        }
        if self.has_headers {
            separate(out);
            self.headers(record, out);
        }
        if self.has_key {
            separate(out);
            out.extend_from_slice(self.or_null(record.key.as_deref()));
        }
        if self.has_value {
            separate(out);
            out.extend_from_slice(self.or_null(record.value.as_deref()));
        }
        out.extend_from_slice(&self.line_separator);
    }

    fn headers(&self, record: &ConsumerRecord, out: &mut Vec<u8>) {
        if record.headers.is_empty() {
            out.extend_from_slice(b"NO_HEADERS");
        }
        for (i, header) in record.headers.iter().enumerate() {
            if i > 0 {
                out.extend_from_slice(&self.headers_separator);
            }
            out.extend_from_slice(header.key.as_bytes());
            out.push(b':');
            out.extend_from_slice(self.or_null(header.value.as_deref()));
        }
    }

    fn or_null<'a>(&'a self, bytes: Option<&'a [u8]>) -> &'a [u8] {
        bytes.unwrap_or(&self.null_literal)
    }
}

#[cfg(test)]
mod tests {
    use client::producer::RecordHeader;

    use super::*;

    fn record() -> ConsumerRecord {
        ConsumerRecord {
            topic: "t".into(),
            partition: 3,
            offset: 42,
            leader_epoch: 0,
            timestamp_ms: 1000,
            is_log_append_time: false,
            key: None,
            value: Some("v".into()),
            headers: vec![
                RecordHeader::new("h", Some("1".into())),
                RecordHeader::new("n", None),
            ],
            producer_id: -1,
            producer_epoch: -1,
        }
    }

    fn shown(layout: &Layout) -> String {
        let mut out = Vec::new();
        layout.render(&record(), &mut out);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn only_the_value_shows_by_itself() {
        assert_eq!(shown(&Layout::default()), "v\n");
    }

    #[test]
    fn fields_stand_in_kafkas_order_and_words() {
        let expected = "CreateTime:1000\tPartition:3\tOffset:42\th:1,n:null\tnull\tv\n";
        assert_eq!(shown(&Layout::everything()), expected);
    }

    #[test]
    fn kafkas_properties_are_understood() {
        let mut layout = Layout::default();
        for (key, value) in [
            ("print.key", "true"),
            ("key.separator", "="),
            ("null.literal", "-"),
        ] {
            layout.set(key, value).expect(key);
        }
        assert_eq!(shown(&layout), "-=v\n");
        assert!(layout.set("print.colour", "true").is_err());
    }
}
