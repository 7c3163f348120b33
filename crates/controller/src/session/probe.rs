//! Looking whether a broker's process is still there after its stream broke.

use std::io::ErrorKind;
use std::time::Duration;

use rpc::transport::Connector;
use tokio::time::timeout;

/// On one machine a refusal comes within microseconds; whatever takes longer than this says nothing.
const PATIENCE: Duration = Duration::from_millis(300);

/// Pauses between looks. A dying process closes its sockets one by one, so its port may still accept
/// when its stream has ended already; after the last pause the looking goes on at that interval.
const PAUSES_MS: [u64; 9] = [0, 2, 5, 10, 20, 50, 100, 200, 400];

/// Looks again and again until nobody listens at any of these `host:port`, for no longer than
/// `at_most`. Whether that was seen.
///
/// One address that answers in whatever way, or not at all, keeps the others from being believed: what
/// a client elsewhere calls `localhost` may well refuse connections here.
///
/// # Cancel safety
/// Cancel-safe.
pub(crate) async fn until_refused(addresses: Vec<String>, at_most: Duration) -> bool {
    let looking = async {
        let last = PAUSES_MS.last().copied();
        for pause_ms in PAUSES_MS
            .into_iter()
            .chain(std::iter::repeat_with(|| last.unwrap_or(400)))
        {
            tokio::time::sleep(Duration::from_millis(pause_ms)).await;
            if all_refuse(&addresses).await {
                return;
            }
        }
    };
    timeout(at_most, looking).await.is_ok()
}

async fn all_refuse(addresses: &[String]) -> bool {
    for address in addresses {
        if !dial_is_refused(address.clone()).await {
            return false;
        }
    }
    !addresses.is_empty()
}

/// Whether nobody listens at this `host:port`: the host answers, the process is gone. Anything else,
/// silence above all, is no evidence.
async fn dial_is_refused(address: String) -> bool {
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
        let another = TcpListener::bind("127.0.0.1:0").await?;
        let alive = another.local_addr()?.to_string();
        drop(listener);
        assert!(dial_is_refused(address.clone()).await);
        assert!(!all_refuse(&[address.clone(), alive]).await);
        assert!(!all_refuse(&[]).await);
        assert!(until_refused(vec![address], PATIENCE).await);
        Ok(())
    }
}
