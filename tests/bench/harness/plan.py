"""Which rows a run still needs, and how long they will take."""

import statistics

# Starting and stopping a cluster, and warming it.
LIFE_S = {"kafka": 18, "raudal": 4}


def missing(rows, options, pair, target):
    """The workloads that this pair does not have from this target yet, in their order."""
    have = {(row["pair"], row["target"], row["workload"]) for row in rows if "error" not in row}
    return [
        workload
        for workload in options.workloads
        if (pair, target.name, workload.name) not in have
        and pair < (options.long_pairs if workload.own_life else options.pairs)
    ]


def seconds(rows, options, both):
    """What all that is missing takes; by what it took before, where that is known."""
    return sum(
        life_seconds(rows, options, target, missing(rows, options, pair, target))
        for pair in range(max(options.pairs, options.long_pairs))
        for target in both
    )


def life_seconds(rows, options, target, workloads):
    shares_life = any(not workload.own_life for workload in workloads)
    life = LIFE_S[target.name] + target.warm_s if shares_life else 0
    return life + sum(one_seconds(rows, options, target, workload) for workload in workloads)


def one_seconds(rows, options, target, workload):
    took = [
        row["took_s"]
        for row in rows
        if (row["target"], row["workload"]) == (target.name, workload.name) and "took_s" in row
    ]
    if took:
        return statistics.median(took)
    window = 0 if workload.own_life else options.seconds
    return window + workload.takes_s[target.name == "raudal"]
