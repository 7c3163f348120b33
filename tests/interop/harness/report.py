"""What passed and what failed, as a table."""


class Report:
    def __init__(self):
        self.rows = {}

    def add(self, client, step, problem):
        """A step passed if `problem` is None."""
        self.rows.setdefault(client, {})[step] = problem
        print(f"{'FAIL' if problem else 'ok  '} {client}: {step}", flush=True)
        if problem:
            print(f"     {problem}", flush=True)

    def table(self):
        """Clients down, steps across; tools that have steps of their own follow as a list."""
        steps = list(dict.fromkeys(step for row in self.rows.values() for step in row))
        shared = [s for s in steps if sum(s in row for row in self.rows.values()) > 1]
        lines = [["", *shared]]
        for client, row in self.rows.items():
            if any(step in row for step in shared):
                lines.append([client, *(mark(row, step) for step in shared)])
        own = [
            f"{client}: {step} {mark(row, step)}"
            for client, row in self.rows.items()
            for step in row
            if step not in shared
        ]
        return "\n".join(["", *align(lines), "", *own, ""])

    def is_good(self):
        problems = [problem for row in self.rows.values() for problem in row.values()]
        return bool(problems) and not any(problems)


def summary(reports):
    problems = [problem for one in reports for row in one.rows.values() for problem in row.values()]
    failed = sum(problem is not None for problem in problems)
    return f"{len(problems) - failed} passed, {failed} failed"


def mark(row, step):
    if step not in row:
        return "-"
    return "FAIL" if row[step] else "ok"


def align(lines):
    widths = [max(len(cell) for cell in column) for column in zip(*lines)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines]
