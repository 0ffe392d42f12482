"""RESULTS.md, written from the results."""

from . import goals as goals_module
from . import jobs
from .results import SECONDS

_RIGHT = "---:"


def write(results, goals, comparison, path):
    """`comparison` is the answer of guard.compare, or None."""
    parts = [
        _head(results), _goals(goals_module.judge(goals, results)), _figures(results), _ratios(results, "raw"), _ratios(results, "qsd"),
        _writes_and_flushes(results), _contenders(results), _jobs(results), _failures(results), _comparison(comparison)]
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(part for part in parts if part))


def table(head, rows):
    """A table; all columns but the first are figures."""
    lines = [_line(head), _line(["---"] + [_RIGHT] * (len(head) - 1))]
    return "\n".join(lines + [_line(row) for row in rows]) + "\n"


def _line(cells):
    return f"| {' | '.join(cells)} |"


def figure(value, unit):
    """A figure with as many digits as it is good for."""
    if unit == SECONDS:
        return f"{value:.2f} s"
    if unit == "IOPS":
        return f"{value:.0f}" if value < 1000 else f"{value / 1000:.1f}k" if value < 100_000 else f"{value / 1000:.0f}k"
    return f"{value:.0f}"


def _head(results):
    machine, run = results.data["machine"], results.data["run"]
    kind = "virtual machine" if machine["virtualMachine"] else "machine"
    how = (f"{run['rounds']} rounds of {run['runtimeMs']} ms for each fio job on each contender, {run['realRounds']} rounds of real work; a base of "
           f"{run['sizeMiB']} MiB of random bytes. It took {run['seconds'] / 60:.0f} minutes; load of the machine when it began: {machine['loadAtStart']:.2f}.")
    where = (f"{machine['system']}, Linux {machine['kernel']}, a {kind} with {machine['cpus']} CPUs ({machine['cpuModel']}), {machine['memoryGiB']} GiB of "
             f"memory; files on {machine['filesystem']}; {machine['placement']}.")
    return f"""# Results

Written by `{run["command"]}` from [results.json](results.json); how it measures: docs/benchmarks.md.

* {machine["date"]}, commit {machine["commit"]}.
* {how}
* {where}
* {", ".join(run["tools"])}.

Read the ratios: absolute figures are this machine's at that hour.
"""


def _goals(verdicts):
    judged = [verdict for verdict in verdicts if verdict.met is not None]
    rows = []
    for verdict in verdicts:
        measured = "not measured" if verdict.ratio is None else f"{verdict.ratio:.2f}"
        answer = {True: "met", False: "**missed**", None: ""}[verdict.met]
        rows.append([verdict.job, verdict.of, verdict.against, f"{verdict.at_least:.2f}", measured, answer])
    met = sum(verdict.met for verdict in judged)
    return (f"## Goals\n\n{met} of {len(judged)} met. How many times as fast, by the medians; the goals are in [goals.json](goals.json). What it would take to meet those that\n"
            "are missed, and the goals for very many devices and for the tools: [docs/benchmarks.md](../docs/benchmarks.md).\n\n"
            + table(["job", "of", "against", "goal", "measured", ""], rows))


def _columns(results):
    """The contenders that have a column: all, also those that could not take part."""
    return results.contenders


def _figures(results):
    rows = []
    for job in results.jobs:
        cells = [f"{job} ({results.unit(job)})"]
        for contender in _columns(results):
            value = results.median(job, contender)
            if value is None:
                cells.append(_absence(results, job, contender))
            else:
                cells.append(f"{figure(value, results.unit(job))} ±{results.spread(job, contender) * 100:.0f} %")
        rows.append(cells)
    return "## Medians and half ranges\n\n" + table(["job", *_columns(results)], rows)


def _absence(results, job, contender):
    if results.data["contenders"][contender]["missing"]:
        return "missing"
    return "failed" if results.failure(job, contender) else ""


def _ratios(results, against):
    if against not in results.contenders:
        return ""
    rows = []
    columns = [contender for contender in _columns(results) if contender != against]
    for job in results.jobs:
        ratios = [results.ratio(job, contender, against) for contender in columns]
        rows.append([job] + ["" if ratio is None else f"{ratio:.2f}" for ratio in ratios])
    return f"## How many times as fast as {against}\n\n" + table(["job", *columns], rows)


def _writes_and_flushes(results):
    entries = results.data["contenders"]
    if results.data["run"]["rounds"] == 0:
        return ""
    text = (
        f"Flushes: how often the disk below was flushed for {jobs.FLUSHES} writes of 4 KiB with a flush behind each, the least of three tries. Writes: whether "
        "random writes of 4 KiB, 32 at once, read as what was written.\n")
    if all(entry["flushes"] is None for entry in entries.values()):
        text += "\nFlushes are not counted here: the disk below has no write cache that it would say to flush, or the filesystem is not on one disk.\n"
    deaf = [name for name, entry in entries.items() if entry["flushes"] is not None and entry["flushes"] < jobs.FLUSHES / 2]
    if deaf:
        text += f"\n{', '.join(deaf)} without a flush of the disk: it says \"done\" before it is, and its fsync jobs are not the same work.\n"
    wrong = [name for name, entry in entries.items() if entry["verified"] is False]
    if wrong:
        text += (f"\n**{', '.join(wrong)} with wrong data** after several writes at once. Its figures for more than one write at a time are those of a "
                 "server that is wrong.\n")
    rows = [[name, *(_answer(entry) if not entry["missing"] else ("missing", "missing"))] for name, entry in entries.items()]
    return f"## What becomes of writes and flushes\n\n{text}\n" + table(["contender", "flushes", "writes"], rows)


def _answer(entry):
    flushes = "not counted" if entry["flushes"] is None else str(entry["flushes"])
    return flushes, {True: "right", False: "**wrong**", None: "not verified"}[entry["verified"]]


def _contenders(results):
    lines = ["## Contenders", "", "`DIR` is the directory of the run.", ""]
    for name, entry in results.data["contenders"].items():
        lines.append(f"* **{name}**: {entry['title']}; " + (f"missing: {entry['missing']}" if entry["missing"] else entry["version"]))
        if entry["commands"]:
            lines += ["", *(f"      {command}" for command in entry["commands"]), ""]
    return "\n".join(lines) + "\n"


def _jobs(results):
    rows = [[job, f"`{entry['what']}`" if entry["what"].startswith("--") else entry["what"]] for job, entry in results.data["jobs"].items()]
    states = "\n".join(f"* {state}: {what}" for state, what in jobs.STATES.items())
    lines = "\n".join(_line(row) for row in rows)
    return f"## Jobs\n\nStates of the device before a job:\n\n{states}\n\n| job | what |\n| --- | --- |\n{lines}\n"


def _failures(results):
    lines = [f"* {job}, {contender}: {' '.join(why.split())}" for job, contenders in results.data["failures"].items()
             for contender, why in contenders.items()]
    lines += [f"* {remark}" for remark in results.data["run"]["remarks"]]
    return "## What did not work\n\n" + "\n".join(lines) + "\n" if lines else ""


def _comparison(comparison):
    if comparison is None:
        return ""
    return "## Beside the results before\n\n" + comparison_text(*comparison)


def comparison_text(falls, compared):
    if not falls:
        return f"None of {compared} ratios to raw fell by more than 10 %.\n"
    rows = [[fall.job, fall.contender, f"{fall.before:.2f}", f"{fall.now:.2f}", f"-{fall.part * 100:.0f} %", "yes" if fall.clear else "no"]
            for fall in falls]
    return (f"{len(falls)} of {compared} ratios to raw fell by more than 10 %; \"clear\" ones by more than the half ranges of both runs.\n\n"
            + table(["job", "contender", "before", "now", "fell by", "clear"], rows))
