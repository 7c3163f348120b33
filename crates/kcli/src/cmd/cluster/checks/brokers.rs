//! Brokers: can they be reached, are they alike, is there room.

use std::net::IpAddr;
use std::time::Duration;

use client::Admin;
use futures_util::future::join_all;

use super::super::look::Look;
use super::{Finding, some};
use crate::cmd::broker::list;

/// A client that waits longer is not a happy one.
const REACHED_WITHIN: Duration = Duration::from_secs(3);

/// Whether the addresses that brokers advertise lead to them from here.
pub(super) async fn listeners(admin: &Admin, look: &Look) -> Vec<Finding> {
    const CHECK: &str = "advertised listeners";
    let up = look.topics.brokers.values();
    let tried = up.map(|broker| async {
        let probe = admin.client().probe(&broker.address);
        let why = match tokio::time::timeout(REACHED_WITHIN, probe).await {
            Ok(Ok(_)) => return None,
            Ok(Err(attempt)) => attempt.reason,
            Err(_elapsed) => "no answer".to_owned(),
        };
        Some(format!("broker {} at {}: {why}", broker.id, broker.address))
    });
    let broken: Vec<String> = join_all(tried).await.into_iter().flatten().collect();
    let mut findings = match broken.is_empty() {
        true => vec![Finding::ok(CHECK, "every broker can be reached from here")],
        false => vec![Finding::bad(
            CHECK,
            some(&broken),
            "set advertised.listeners to addresses that clients reach; `kcli debug listeners` tries them",
        )],
    };
    let is_public = |host: &str| host.parse::<IpAddr>().is_ok_and(is_public);
    let public = look
        .topics
        .brokers
        .values()
        .filter(|b| is_public(&b.address.host));
    let public: Vec<String> = public
        .map(|b| format!("broker {} at {}", b.id, b.address))
        .collect();
    if !public.is_empty() {
        findings.push(Finding::warn(
            "plain text",
            format!(
                "{} speak without encryption on public addresses",
                some(&public)
            ),
            "let a firewall admit only those who shall come in",
        ));
    }
    findings
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            !(v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_unspecified())
        }
        IpAddr::V6(v6) => !(v6.is_loopback() || v6.is_unspecified() || v6.is_unique_local()),
    }
}

/// Whether all brokers run the same software, as far as its requests show.
pub(super) async fn versions(admin: &Admin, look: &Look) -> Vec<Finding> {
    const CHECK: &str = "versions";
    let asked = look.up().into_iter().map(|id| async move {
        let versions = tokio::time::timeout(REACHED_WITHIN, admin.api_versions(Some(id))).await;
        let versions = versions.ok()?.ok()?;
        Some((
            id,
            format!("{:?} {:?}", versions.ranges, versions.supported_features),
        ))
    });
    let said: Vec<(i32, String)> = join_all(asked).await.into_iter().flatten().collect();
    let Some((first, example)) = said.first() else {
        return vec![Finding::unknown(CHECK, "no broker says what it supports")];
    };
    let others = said.iter().filter(|(_, versions)| versions != example);
    let others: Vec<String> = others.map(|(id, _)| id.to_string()).collect();
    vec![match others.is_empty() {
        true => Finding::ok(CHECK, "all brokers support the same requests"),
        false => Finding::warn(
            CHECK,
            format!(
                "brokers {} support other requests than broker {first}",
                some(&others)
            ),
            "finish the upgrade: bring all brokers to one version",
        ),
    }]
}

/// Whether brokers say where they stand.
pub(super) fn racks(look: &Look) -> Vec<Finding> {
    const CHECK: &str = "racks";
    let all = &look.cluster.brokers;
    let without = all.iter().filter(|b| b.broker.rack.is_none());
    let without: Vec<String> = without.map(|b| b.broker.id.to_string()).collect();
    vec![match without.len() {
        0 => Finding::ok(CHECK, "every broker has a rack"),
        n if n == all.len() => Finding::ok(CHECK, "no broker has a rack"),
        _ => Finding::warn(
            CHECK,
            format!("brokers {} have no rack, others do", some(&without)),
            "set broker.rack on all of them, or replicas are not spread by rack",
        ),
    }]
}

/// Whether disks have room.
pub(super) fn disks(look: &Look) -> Vec<Finding> {
    const CHECK: &str = "disk space";
    /// Percent that should be free.
    const FREE_MIN: i64 = 15;
    let mut tight = Vec::new();
    let mut is_known = false;
    for (id, dirs) in &look.log_dirs {
        for dir in dirs.iter().flatten() {
            let (Some(total), Some(free)) = (dir.total_bytes, dir.usable_bytes) else {
                continue;
            };
            is_known = true;
            if let Some(percent) = free.saturating_mul(100).checked_div(total)
                && percent < FREE_MIN
            {
                tight.push(format!("broker {id} {} ({percent} % free)", dir.path));
            }
        }
    }
    vec![match (is_known, tight.is_empty()) {
        (false, _) => Finding::unknown(CHECK, "no broker tells how large its disks are"),
        (true, true) => Finding::ok(CHECK, "disks have room"),
        (true, false) => Finding::warn(
            CHECK,
            some(&tight),
            "shorten retention.ms or retention.bytes, or add brokers and `kcli partition rebalance`",
        ),
    }]
}

/// Whether a broker was drained and forgotten.
pub(super) async fn draining(admin: &Admin, look: &Look) -> Vec<Finding> {
    const CHECK: &str = "drained brokers";
    let drains = list::draining(admin, &look.cluster).await;
    let drains = drains.iter().filter(|(_, drains)| **drains);
    let drains: Vec<String> = drains.map(|(id, _)| id.to_string()).collect();
    vec![match drains.first() {
        None => Finding::ok(CHECK, "no broker is draining"),
        Some(first) => Finding::warn(
            CHECK,
            match drains.len() {
                1 => format!("broker {first} leads nothing because it drains"),
                _ => format!("brokers {} lead nothing because they drain", some(&drains)),
            },
            format!("when the work is done: kcli broker resume {first}"),
        ),
    }]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_not_public() {
        for private in ["127.0.0.1", "10.1.2.3", "192.168.0.1", "::1", "fd00::1"] {
            assert!(
                !is_public(private.parse().expect("an address")),
                "{private}"
            );
        }
        assert!(is_public("34.1.2.3".parse().expect("an address")));
    }
}
