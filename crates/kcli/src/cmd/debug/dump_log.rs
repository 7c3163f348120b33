//! `kcli debug dump-log`: what stands in segment files.

use std::path::PathBuf;

use clap::Args;
use protocol::records::{Batch, ControlRecord, Record, TimestampType};
use serde_json::{Value, json};

use super::dump_segment::{Placed, Segment};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::{Cell, Column, Format, Report, Table, note};
use crate::{bytes_text, group_records, when};

const DECOMPRESSED_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Show the batches of segment files, without a broker.
#[derive(Debug, Args)]
pub(crate) struct DumpLog {
    /// Segment files: 00000000000000000000.log
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The records of each batch, too
    #[arg(long, visible_alias = "print-data-log")]
    records: bool,
    /// What the records mean: offsets, for those of `__consumer_offsets`. Shows them as --records does
    #[arg(long, value_enum, value_name = "WHAT")]
    decode: Option<group_records::Decode>,
    /// Kafka's --decode offsets
    #[arg(long, hide = true)]
    offsets_decoder: bool,
    /// Compare checksums, and read every record even if it is not shown
    #[arg(long)]
    verify: bool,
    /// At most so many batches of each file
    #[arg(short = 'n', long, value_name = "N")]
    max_batches: Option<usize>,
}

/// Shows them.
pub(crate) fn run(dump: &DumpLog, context: &Context) -> Result {
    // A large log is printed in pieces where the form allows it, not kept.
    let piece_max = match context.output.format {
        Format::Jsonl => 1000,
        _ => usize::MAX,
    };
    let (mut all, mut troubles) = (Vec::new(), Vec::new());
    for path in &dump.files {
        let mut segment = Segment::open(path)
            .map_err(|error| Failure::failed(format!("{}: {error}", path.display())))?;
        let mut shown = 0;
        while let Some(next) = segment.next_batch() {
            if dump.max_batches.is_some_and(|max| shown >= max) {
                break;
            }
            shown += 1;
            match next.and_then(|placed| dump.describe(&placed)) {
                Ok(mut described) => {
                    described["file"] = Value::from(path.display().to_string());
                    troubles.extend(described["trouble"].as_str().map(ToOwned::to_owned));
                    all.push(described);
                }
                Err(trouble) => troubles.push(trouble),
            }
            if all.len() >= piece_max {
                print(&std::mem::take(&mut all), dump.has_records(), context)?;
            }
        }
    }
    print(&all, dump.has_records(), context)?;
    for trouble in &troubles {
        note(&format!("error: {trouble}"));
    }
    match troubles.is_empty() {
        true => Ok(()),
        false => Err(Failure::reported(Exit::Failed)),
    }
}

impl DumpLog {
    fn is_decoded(&self) -> bool {
        self.decode.is_some() || self.offsets_decoder
    }

    fn has_records(&self) -> bool {
        self.records || self.is_decoded()
    }

    fn describe(&self, placed: &Placed) -> Result<Value, String> {
        let batch = &placed.batch;
        let header = &batch.header;
        let crc = batch.check_crc();
        let mut trouble = None;
        if self.verify
            && let Err(error) = &crc
        {
            trouble = Some(format!("batch at offset {}: {error}", header.base_offset));
        }
        let mut records = Vec::new();
        if self.has_records() || self.verify {
            match read_records(batch) {
                Ok(read) => records = read,
                Err(error) => {
                    trouble
                        .get_or_insert(format!("batch at offset {}: {error}", header.base_offset));
                }
            }
        }
        let compression = header.compression().map_or("unknown", |codec| codec.name());
        let mut json = json!({
            "position": placed.position,
            "sizeBytes": batch.bytes.len(),
            "baseOffset": header.base_offset,
            "lastOffset": header.last_offset(),
            "recordCount": header.record_count,
            "leaderEpoch": header.partition_leader_epoch.0,
            "maxTimestamp": header.max_timestamp,
            "timestampType": timestamp_type(batch),
            "compression": compression,
            "producerId": header.producer_id.0,
            "producerEpoch": header.producer_epoch.0,
            "baseSequence": header.base_sequence,
            "lastSequence": header.last_sequence(),
            "isTransactional": header.is_transactional(),
            "isControl": header.is_control(),
            "control": control(batch),
            "crc": header.crc,
            "isCrcValid": crc.is_ok(),
        });
        if self.has_records() {
            let is_decoded = self.is_decoded() && !header.is_control();
            let mut shown = Vec::new();
            for record in &records {
                let mut json = record_json(batch, record);
                if is_decoded && let Err(error) = decode_into(record, &mut json) {
                    trouble.get_or_insert(format!("record at offset {}: {error}", json["offset"]));
                }
                shown.push(json);
            }
            json["records"] = Value::from(shown);
        }
        if let Some(trouble) = trouble {
            json["trouble"] = Value::from(trouble);
        }
        Ok(json)
    }
}

fn timestamp_type(batch: &Batch) -> &'static str {
    match batch.header.timestamp_type() {
        TimestampType::CreateTime => "CreateTime",
        TimestampType::LogAppendTime => "LogAppendTime",
    }
}

fn control(batch: &Batch) -> Option<String> {
    match batch.control_record().ok()?? {
        ControlRecord::EndTxn(marker) => Some(format!("{:?}", marker.outcome).to_uppercase()),
        ControlRecord::Other { control_type } => Some(format!("type {control_type}")),
    }
}

fn read_records(batch: &Batch) -> Result<Vec<Record>, String> {
    let records = batch
        .records(DECOMPRESSED_BYTES_MAX)
        .map_err(|error| error.to_string())?;
    records
        .map(|record| record.map_err(|error| error.to_string()))
        .collect()
}

fn record_json(batch: &Batch, record: &Record) -> Value {
    let text = |bytes: Option<&bytes::Bytes>| bytes.map(|bytes| bytes_text::shown(bytes));
    let headers = record
        .headers
        .iter()
        .map(|header| json!({ "key": &*header.key, "value": text(header.value.as_ref()) }));
    json!({
        "offset": batch.header.offset_at(record.offset_delta),
        "timestamp": batch.header.timestamp_at(record.timestamp_delta),
        "key": text(record.key.as_ref()),
        "value": text(record.value.as_ref()),
        "headers": headers.collect::<Vec<_>>(),
    })
}

/// Puts the meaning of a record in the place of its bytes; of a type that is not known, they stay.
fn decode_into(record: &Record, json: &mut Value) -> Result<(), String> {
    let key = record.key.as_ref().ok_or("it has no key")?;
    if let Some(decoded) = group_records::decode(key, record.value.as_ref())? {
        json["key"] = decoded.key;
        json["value"] = decoded.value;
    }
    Ok(())
}

fn print(batches: &[Value], with_records: bool, context: &Context) -> Result {
    let table = if with_records {
        records(batches)
    } else {
        table(batches)
    };
    context.output.print(&Report::new(&batches, table))
}

fn text(value: &Value) -> Cell {
    match value {
        Value::Null => Cell::from("-"),
        Value::String(text) => Cell::from(text.as_str()),
        other => Cell::from(other.to_string()),
    }
}

fn table(batches: &[Value]) -> Table {
    let mut table = Table::new(vec![
        Column::number("POSITION"),
        Column::number("BYTES"),
        Column::number("OFFSET"),
        Column::number("LAST"),
        Column::number("COUNT"),
        Column::number("EPOCH"),
        Column::new("MAX TIMESTAMP"),
        Column::new("CODEC"),
        Column::number("PRODUCER"),
        Column::number("SEQUENCE"),
        Column::new("CONTROL"),
        Column::new("CRC"),
        Column::wide("FILE"),
    ]);
    for batch in batches {
        let timestamp = batch["maxTimestamp"].as_i64().unwrap_or(-1);
        let crc = if batch["isCrcValid"] == true {
            "ok"
        } else {
            "WRONG"
        };
        table.push(
            batch["baseOffset"].to_string(),
            vec![
                text(&batch["position"]),
                text(&batch["sizeBytes"]),
                text(&batch["baseOffset"]),
                text(&batch["lastOffset"]),
                text(&batch["recordCount"]),
                text(&batch["leaderEpoch"]),
                Cell::from(when::display(timestamp)),
                text(&batch["compression"]),
                text(&batch["producerId"]),
                text(&batch["baseSequence"]),
                text(&batch["control"]),
                Cell::from(crc),
                text(&batch["file"]),
            ],
        );
    }
    table
}

fn records(batches: &[Value]) -> Table {
    let mut table = Table::new(vec![
        Column::number("OFFSET"),
        Column::new("TIMESTAMP"),
        Column::new("KEY"),
        Column::new("VALUE"),
        Column::wide("HEADERS"),
        Column::wide("FILE"),
    ]);
    for batch in batches {
        for record in batch["records"].as_array().into_iter().flatten() {
            let timestamp = record["timestamp"].as_i64().unwrap_or(-1);
            table.push(
                record["offset"].to_string(),
                vec![
                    text(&record["offset"]),
                    Cell::from(when::display(timestamp)),
                    Cell::from(group_records::key_text(&record["key"])),
                    Cell::from(group_records::value_text(&record["value"])),
                    text(&record["headers"]),
                    text(&batch["file"]),
                ],
            );
        }
    }
    table
}
