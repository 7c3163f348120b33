//! Fetch sessions (KIP-227): a consumer names its partitions once, then asks only for what changed.
//!
//! ```text
//!  epoch  0  full fetch: (re)creates the session       -> FullFetch, answered with a session id
//!  epoch -1  full fetch without a session, closes one  -> Sessionless
//!  epoch  n  only what changed; must be the next epoch -> Incremental
//! ```
//!
//! [`SessionCache::begin`] turns a request into a [`Plan`]: what to fetch, in which order.
//! [`SessionCache::finish`] takes the answers, drops those an incremental response leaves out, and says
//! which session id goes into the response. What is fetched is not known here; neither is time.
//!
//! # Invariants
//!
//! - A session's epoch moves once per accepted request. A request that repeats or skips an epoch is
//!   refused (71), so the client starts over instead of missing an answer it never got.
//! - A partition whose answer was an error is answered again in the next response.
//! - A partition that had records goes to the end, so that late partitions do not starve.

mod cache;
mod interest;
mod session;

pub(crate) use cache::{Limits, Plan, SessionCache};
pub(crate) use interest::{Interest, Topic};
