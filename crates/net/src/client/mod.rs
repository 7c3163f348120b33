//! The client's end: one connection, many requests in flight.
//!
//! ```no_run
//! # async fn example() -> Result<(), net::client::Error> {
//! use net::client::{Connection, Options};
//! use protocol::messages::api_versions::ApiVersionsRequest;
//!
//! let connection = Connection::connect("127.0.0.1", 9092, Options::default()).await?;
//! let first = connection.send(&ApiVersionsRequest::default(), 0)?;
//! let second = connection.send(&ApiVersionsRequest::default(), 0)?; // does not wait for the first
//! println!("{:?} {:?}", first.await?, second.await?);
//! # Ok(())
//! # }
//! ```

mod connection;
mod driver;
mod error;
mod response;

pub use connection::{Connection, Options};
pub use error::Error;
pub use response::{RawResponse, Response};

#[cfg(test)]
mod tests;
