//! Looking whether a broker's process is still there after its stream broke.

use std::io::ErrorKind;
use std::time::Duration;

use rpc::transport::Connector;
use tokio::time::timeout;

/// On one machine a refusal comes within microseconds; whatever takes longer than this says nothing.
const PATIENCE: Duration = Duration::from_millis(300);

/// Whether nobody listens at this `host:port`: the host answers, the process is gone. Anything else,
/// silence above all, is no evidence.
pub(crate) async fn dial_is_refused(address: String) -> bool {
    let connector = Connector::tcp(address);
    match timeout(PATIENCE, connector.connect()).await {
        Ok(Err(error)) => error.kind() == ErrorKind::ConnectionRefused,
        Ok(Ok(_)) | Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn a_listening_port_is_alive_and_a_closed_one_is_not() -> std::io::Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        assert!(!dial_is_refused(address.clone()).await);
        drop(listener);
        assert!(dial_is_refused(address).await);
        Ok(())
    }
}
