//! `kcli cheat`: the daily commands on one page.

use crate::failure::Result;
use crate::output::write_stdout;

const PAGE: &str = r"KCLI ON ONE PAGE                        cluster: -b host:9092 or KCLI_BOOTSTRAP_SERVER

topics
  kcli topic create cities -p 3 -r 3              three partitions, three replicas of each
  kcli topic create logs -c retention.ms=3600000  keep an hour
  kcli topic list                                 --internal for the cluster's own
  kcli topic describe cities                      leader, replicas, in-sync replicas, configs
  kcli topic describe --under-replicated          what is out of sync; also --unavailable, --under-min-isr
  kcli topic offsets cities                       first and next offset of each partition
  kcli topic add-partitions cities --to 6         grow
  kcli topic trim cities --before @-1h            drop what is older than an hour
  kcli topic delete cities                        asks first; -y says yes

write events, one line each
  kcli produce cities                             type them; Ctrl-D ends
  kcli produce cities < file.txt                  or: kcli produce cities a.txt b.txt
  echo 'es:Madrid' | kcli produce cities -K:      key before the colon
  kcli produce cities -k es -H source=me -z zstd  one key, a header, compressed
  kcli produce cities --json-lines < dump.jsonl   what `consume -o jsonl` wrote

read events
  kcli consume cities                             from now on; Ctrl-C ends
  kcli consume cities --from-beginning -e         all there is, then stop
  kcli consume cities --offset -10                the last ten of each partition
  kcli consume cities --offset @-15m -p 0         partition 0, the last quarter of an hour
  kcli consume cities -f '%p/%o %k=%v\n'          own layout: kcli help format
  kcli consume cities --grep k:^es -o jsonl       keys that begin with es, as JSON

groups: who has read how far
  kcli consume cities -g teams --from-beginning   goes on where the group was; Ctrl-C leaves it
  kcli group list                                 --state empty, --type consumer
  kcli group describe teams                       state, lag, members; --watch
  kcli group lag --all                            committed, end and lag of each partition
  kcli group reset teams --to start               or end, @-1h, -10, group:OTHER: shows, then asks
  kcli group delete teams                         kcli group delete-offsets teams --topic cities
  kcli consume __consumer_offsets --decode offsets     what groups write

settings
  kcli config describe topic/cities               what is set; --all shows every key
  kcli config set topic/cities retention.ms=60000
  kcli config unset topic/cities retention.ms

partitions
  kcli partition list --unhealthy                 where is what, and what is wrong
  kcli partition move cities/0 1,2,3              replicas elsewhere; --throttle 10MB/s
  kcli partition transfer cities/0 --to 2         another leader
  kcli partition elect-preferred                  leaders back where they belong
  kcli partition rebalance                        plan, ask, move; --plan only shows

the cluster
  kcli cluster info       kcli broker list        kcli quorum status
  kcli cluster health --wait 60s                  exit code 10 if not well
  kcli cluster doctor                             what will hurt, and the remedy
  kcli broker drain 2     kcli broker resume 2    before and after work on a broker
  kcli broker decommission 4                      everything away, then forgotten
  kcli quorum voters      kcli quorum add-voter 4 kcli quorum remove-voter 4
  kcli broker logdirs     kcli debug listeners    kcli debug error 19

break it, and see
  kcli dev start                                  three brokers here; status, stop, wipe
  kcli dev kill 2         kcli dev pause 2        kcli dev restart 2
  kcli drill kill --topic cities --restore        kill the leader under load: anything lost?
  kcli drill rolling-restart --topic cities       every broker once
  kcli audit cities                               are all replicas the same?

how fast?
  kcli perf produce cities -n 100000 --size 1000  rate and latencies
  kcli perf consume cities -n 100000

scripts: -o json (or jsonl, yaml, csv, name), -y, --timeout 10s; exit codes: kcli help exit-codes
";

/// Prints the page.
pub(crate) fn run() -> Result {
    write_stdout(PAGE.as_bytes())
}
