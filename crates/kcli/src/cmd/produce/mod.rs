//! `kcli produce`: a line is an event.
//!
//! ```text
//! input thread (files or standard input) ─ chunks ─▶ lines to records ─▶ producer
//!                                                     deliveries, in order ─▶ receipts, errors
//! ```

mod args;
mod deliveries;
mod input;
mod json_line;
mod line;
mod pace;

use std::io::IsTerminal as _;
use std::sync::Arc;

use client::Producer;
use client::producer::Record;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use types::ErrorCode;

pub(crate) use args::{Produce, acks, codec, rate};
#[cfg(test)]
pub(crate) use json_line::parse as parse_json_line;
pub(crate) use pace::Pace;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::topics;
use deliveries::{Deliveries, Place};
use input::Chunk;
use line::LineFormat;

/// Sends everything, then says how it went.
pub(crate) async fn run(produce: Produce, context: &Context) -> Result {
    let format = produce.line_format()?;
    let input = produce.open_input()?;
    let config = produce.producer_config(context)?;
    let client = context.client().await?;
    let producer = Producer::new(client.clone(), config)?;
    if let Err(error) = producer.learn(&produce.topic).await {
        let is_unknown = error.code() == Some(ErrorCode::UnknownTopicOrPartition);
        let create = format!("create it: kcli topic create {}", produce.topic);
        let failure = topics::explain(&client, &produce.topic, error).await;
        return Err(failure.hint_if(is_unknown.then_some(create)));
    }
    let is_prompting = produce.reads_stdin() && std::io::stdin().is_terminal();
    if is_prompting {
        context.remark("one line is one event; Ctrl-D ends");
    }
    let chunks = input::start(input, produce.delimiter_bytes()?, is_prompting);
    let mut deliveries = Deliveries::new(produce.print_offsets, context);
    let sending = Sending {
        producer: &producer,
        topic: Arc::from(produce.topic.as_str()),
        format: &format,
        pace: Pace::new(produce.rate),
        interrupt: &context.interrupt,
    };
    let sent = sending.run(chunks, &mut deliveries, &produce).await;
    producer.flush().await;
    deliveries.settle_all().await?;
    producer.close().await;
    deliveries.summarize(&produce.topic);
    sent?;
    deliveries.report(&produce.topic, &context.output)?;
    match (context.interrupt.is_cancelled(), deliveries.failed_exit()) {
        (true, _) => Err(Failure::reported(Exit::Interrupted)),
        (false, Some(exit)) => Err(Failure::reported(exit)),
        (false, None) => Ok(()),
    }
}

struct Sending<'a> {
    producer: &'a Producer,
    topic: Arc<str>,
    format: &'a LineFormat,
    pace: Pace,
    interrupt: &'a CancellationToken,
}

impl Sending<'_> {
    async fn run(
        mut self,
        mut chunks: mpsc::Receiver<Chunk>,
        deliveries: &mut Deliveries,
        produce: &Produce,
    ) -> Result {
        loop {
            let chunk = tokio::select! {
                chunk = chunks.recv() => chunk,
                () = self.interrupt.cancelled() => return Ok(()),
            };
            let Some(chunk) = chunk else { return Ok(()) };
            let lines = chunk
                .lines
                .map_err(|error| Failure::failed(format!("{}: {error}", chunk.source)))?;
            for (line, number) in lines.into_iter().zip(chunk.first_line..) {
                if self.interrupt.is_cancelled() {
                    return Ok(());
                }
                let place = Place {
                    source: Arc::clone(&chunk.source),
                    line: number,
                };
                let parsed = self.format.parse(line);
                let parsed =
                    parsed.map_err(|reason| Failure::failed(format!("{place}: {reason}")))?;
                let record = produce.complete(parsed, &self.topic);
                self.pace.wait().await;
                self.send(&record, place, deliveries).await?;
            }
            deliveries.settle_ready().await?;
        }
    }

    async fn send(&self, record: &Record, place: Place, deliveries: &mut Deliveries) -> Result {
        match self.producer.send(record).await {
            Ok(delivery) => deliveries.push(delivery, record, place).await,
            Err(error @ client::Error::RecordTooLarge { .. }) => {
                let failure = Failure::from(error).hint(
                    "allow more with -X max.request.size=BYTES, and max.message.bytes of the topic",
                );
                deliveries.fail(&place, &failure);
                Ok(())
            }
            Err(error) => {
                let failure = Failure::from(error);
                let message = format!("{place}: {}", failure.message);
                Err(Failure { message, ..failure })
            }
        }
    }
}
