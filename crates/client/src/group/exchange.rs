//! One request of a member to its coordinator, and the answer.

use std::time::Duration;

use protocol::Request as Wire;
use types::ErrorCode;

use super::member::{Request, Response};
use crate::client::Lane;
use crate::connection::BrokerConnection;
use crate::{Client, Error, Result};

/// The first version of `LeaveGroup` that names several members.
const LEAVE_MANY_SINCE: i16 = 3;

/// Asks the group's coordinator. `lane` is another one when an earlier request still occupies the
/// usual connection.
///
/// # Errors
/// Connection errors, and codes that are about the coordinator rather than the member.
pub(super) async fn exchange(
    client: &Client,
    group: &str,
    lane: Lane,
    patience: Duration,
    request: Request,
) -> Result<Response> {
    let node_id = client.coordinator_id(group).await?;
    let connection = client.broker_on(lane, node_id).await?;
    let to = To {
        connection: &connection,
        patience,
        group,
    };
    match request {
        Request::Join(request) => {
            let response = to.send(&request).await?;
            to.check(response.error_code)?;
            Ok(Response::Join(response))
        }
        Request::Sync(request) => {
            let response = to.send(&request).await?;
            to.check(response.error_code)?;
            Ok(Response::Sync(response))
        }
        Request::Heartbeat(request) => {
            let response = to.send(&request).await?;
            to.check(response.error_code)?;
            Ok(Response::Heartbeat(response))
        }
        Request::Leave(mut request) => {
            match connection.version(protocol::ApiKey::LeaveGroup)? {
                LEAVE_MANY_SINCE.. => request.member_id = protocol::Str::new(),
                _ => request.members.clear(),
            }
            let response = to.send(&request).await?;
            to.check(response.error_code)?;
            Ok(Response::Leave(response))
        }
        Request::Modern(request) => {
            let response = to.send(&request).await?;
            to.check(response.error_code)?;
            Ok(Response::Modern(response))
        }
    }
}

struct To<'a> {
    connection: &'a BrokerConnection,
    patience: Duration,
    group: &'a str,
}

impl To<'_> {
    async fn send<R: Wire>(&self, request: &R) -> Result<R::Response> {
        let version = self.connection.version(R::KEY)?;
        let sent = self
            .connection
            .send_within(request, version, self.patience)?;
        let answer = sent.await;
        answer.map_err(|error| self.connection.error(R::KEY, &error))
    }

    fn check(&self, code: i16) -> Result<()> {
        match is_about_coordinator(code) {
            true => Error::check(code, None, || format!("group {}", self.group)),
            false => Ok(()),
        }
    }
}

/// Whether the code says that this broker cannot answer for the group (now).
pub(super) fn is_about_coordinator(code: i16) -> bool {
    matches!(
        ErrorCode::from_wire(code),
        Some(
            ErrorCode::CoordinatorLoadInProgress
                | ErrorCode::CoordinatorNotAvailable
                | ErrorCode::NotCoordinator
                | ErrorCode::RequestTimedOut
        )
    )
}
