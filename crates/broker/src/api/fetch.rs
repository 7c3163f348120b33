//! `Fetch` (1): records up to the high watermark, or a wait for them.
//!
//! ```text
//! request ─► session: what to read ─► round over the partitions ─┬─ enough, error, no wait ─► answer
//!                                       ▲    │ cold: on a worker │
//!                                       │    └───────────────────┤
//!                                       └── woken or overdue ◄── watch every partition
//! ```

mod answer;
mod nearest;
mod poll;
mod round;

use std::time::Duration;

use net::server::Reply;
use protocol::messages::fetch::{FetchRequest, FetchResponse};
use tokio::time::Instant;
use types::ErrorCode;

use super::Ctx;
use poll::Fetch;
use round::Terms;

pub(crate) fn handle(ctx: &Ctx<'_>, request: FetchRequest) -> Reply {
    if is_of_replica(&request) {
        return ctx.respond(&answer::not_for_replicas(&request));
    }
    let core = ctx.core;
    let plan = match core
        .fetch_sessions
        .begin(&request, ctx.version(), core.clock.monotonic())
    {
        Ok(plan) => plan,
        Err(code) => return refuse(ctx, code),
    };
    let fetch = Fetch {
        core: core.clone(),
        plan,
        terms: terms(ctx, &request),
        listener: ctx.connection.listener.clone(),
        responder: ctx.responder(),
        due: Instant::now() + millis(request.max_wait_ms),
        min_bytes: usize::try_from(request.min_bytes).unwrap_or(0),
        led: Vec::new(),
    };
    fetch.start()
}

fn refuse(ctx: &Ctx<'_>, code: ErrorCode) -> Reply {
    ctx.respond(&FetchResponse {
        error_code: code.to_wire(),
        ..FetchResponse::default()
    })
}

/// Since which version a consumer may read from followers, and says where it stands (KIP-392).
const FIRST_VERSION_WITH_RACK: i16 = 11;

fn terms(ctx: &Ctx<'_>, request: &FetchRequest) -> Terms {
    let fetching = &ctx.core.config.fetching;
    let max_bytes = usize::try_from(request.max_bytes.min(fetching.fetch_max_bytes)).unwrap_or(0);
    let is_by_rack = nearest::is_by_rack(fetching.replica_selector_class.as_deref());
    Terms {
        version: ctx.version(),
        is_committed_only: request.isolation_level == 1,
        max_bytes: max_bytes.min(ctx.core.response_budget.left_bytes()),
        may_follow: ctx.version() >= FIRST_VERSION_WITH_RACK,
        rack: (is_by_rack && !request.rack_id.is_empty()).then(|| request.rack_id.clone()),
    }
}

/// Brokers replicate over gRPC; nobody who calls itself one replicates from here.
fn is_of_replica(request: &FetchRequest) -> bool {
    request.replica_id.max(request.replica_state.replica_id) >= 0
}

fn millis(ms: i32) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}
