//! Exit codes: part of the contract with scripts, so they are few and documented.

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Ok = 0,
    /// Failed, or failed for some items.
    Failed = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// The cluster cannot be reached, or did not answer in time.
    Unreachable = 3,
    /// Authentication or authorisation.
    Denied = 4,
    /// A destructive command was not confirmed.
    NotConfirmed = 5,
    /// The cluster answered and is not well.
    Unhealthy = 10,
    /// A drill, a verification or an audit found a broken promise.
    Broken = 11,
    /// Ctrl-C.
    Interrupted = 130,
}

impl Exit {
    /// The number for the operating system.
    pub(crate) fn code(self) -> u8 {
        self as u8
    }

    /// The page `kcli help exit-codes`.
    pub(crate) const PAGE: &str = "\
EXIT CODES

    0  done (also when the reader of a pipe went away)
    1  the operation failed, or failed for some of the items
    2  the command line makes no sense
    3  the cluster cannot be reached, or did not answer in time
    4  authentication or authorisation failed
    5  a destructive command was not confirmed; nothing was done
   10  the cluster answered and is not healthy
   11  a drill or an audit found a broken promise: acknowledged records lost, replicas that differ
  130  interrupted (Ctrl-C)

With -o json, standard output is one valid JSON value whatever the exit code; a failure is
{\"error\": {\"exitCode\", \"message\", \"kafkaError\", \"kafkaErrorCode\", \"hints\"}}.
";
}
