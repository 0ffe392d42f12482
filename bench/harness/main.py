"""The command: what is measured, and where the results go."""

import argparse
import os
import shlex
import shutil
import sys
import tempfile
import time

from . import chart, environment, fio, goals, guard, realwork, report
from .contenders import CONTENDERS, Place, start_service
from .jobs import JOBS
from .measure import Devices, Measuring
from .results import Results
from .system import Failure, Undo, interrupts

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOT = os.path.dirname(HERE)
KEPT = HERE
PASSING = os.path.join(ROOT, "artifacts", "bench")
# The rounds so far, for whoever interrupts a long run.
UNFINISHED = os.path.join(PASSING, "unfinished.json")
QUICK_CONTENDERS = ("raw", "cow", "qsd")
MIB = 1 << 20
# What the devices of one contender may take at once, as multiples of the base.
_SPACE_OF_A_CONTENDER = 2


def main():
    options = _options()
    if options.list:
        return _list()
    try:
        if options.report:
            return _report(Results.load(options.report), options, os.path.dirname(os.path.abspath(options.report)))
        if os.geteuid() != 0:
            raise Failure("run it as root: it makes block devices and empties the page cache")
        return _measure(options)
    except (Failure, ValueError, OSError) as error:
        print(f"compare: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; everything is taken away", file=sys.stderr)
        return 130


def _options():
    parser = argparse.ArgumentParser(prog="bench/compare", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few jobs, contenders and rounds: a look in under 3 minutes")
    parser.add_argument("--contenders", type=_names(CONTENDERS), metavar="NAME,...", help="only these")
    parser.add_argument("--jobs", type=_names([*(job.name for job in JOBS), "real"]), metavar="NAME,...",
                        help="only these; 'real' is the real work")
    parser.add_argument("--rounds", type=_positive, help="rounds of the fio jobs (5)")
    parser.add_argument("--real-rounds", type=_positive, help="rounds of the real work (3)")
    parser.add_argument("--runtime", type=_positive, default=1000, metavar="MS", help="milliseconds of a fio job (1000)")
    parser.add_argument("--size", type=_positive, metavar="MIB", help="size of the base (1024; a quick run: 512)")
    parser.add_argument("--output", metavar="DIR", help="where the results go; else bench/ for a full run and artifacts/bench/ for others")
    parser.add_argument("--guard", action="store_true", help="exit with 1 when something clearly fell beside the results before")
    parser.add_argument("--list", action="store_true", help="list contenders and jobs")
    parser.add_argument("--report", metavar="JSON", help="write report and chart of results again, without measuring")
    return parser.parse_args()


def _names(known):
    def parse(text):
        names = text.split(",")
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name} is none of {', '.join(known)}")
        return names
    return parse


def _positive(text):
    number = int(text)
    if number <= 0:
        raise argparse.ArgumentTypeError("must be more than 0")
    return number


def _list():
    print("contenders:")
    for name, kind in CONTENDERS.items():
        print(f"  {name:24}{kind.title}")
    print("jobs:")
    for job in JOBS:
        print(f"  {job.name:32}{job.state:8}{_what(job)}")
    print(f"  {'real':32}{'':8}{', '.join(realwork.STEPS)}")
    return 0


def _what(job):
    return " ".join(word for word in job.options(1024 * MIB, 1000, 1) if not word.startswith(("--size", "--runtime", "--randseed")))


class _Plan:
    """What of everything a run does."""

    def __init__(self, options):
        asked = options.contenders or (QUICK_CONTENDERS if options.quick else CONTENDERS)
        self.contenders = [kind for name, kind in CONTENDERS.items() if name in asked]
        if options.jobs:
            self.jobs = [job for job in JOBS if job.name in options.jobs]
        else:
            self.jobs = [job for job in JOBS if job.quick or not options.quick]
        self.real = "real" in options.jobs if options.jobs else not options.quick
        self.rounds = (options.rounds or (2 if options.quick else 5)) if self.jobs else 0
        self.real_rounds = (options.real_rounds or 3) if self.real else 0
        self.is_full = not options.contenders and not options.jobs and not options.quick and self.rounds >= 5 and self.real_rounds >= 3


def _measure(options):
    plan = _Plan(options)
    size_mib = options.size or (512 if options.quick else 1024)
    output = options.output or (KEPT if plan.is_full else PASSING)
    results = Results()
    undo = Undo()
    try:
        directory = _make_directory(undo)
        place = Place(directory, f"{directory}/base.img", size_mib * MIB, os.path.join(ROOT, "bin"))
        begin = time.monotonic()
        run_of = results.data["run"]
        run_of.update(
            command=shlex.join(["bench/compare", *sys.argv[1:]]), rounds=plan.rounds, realRounds=plan.real_rounds, runtimeMs=options.runtime,
            sizeMiB=size_mib, remarks=[], seconds=0)
        results.data["machine"] = environment.describe(directory)
        contenders = _prepare(place, plan, results, undo)
        if plan.jobs:
            _run_jobs(place, contenders, plan, options, results, undo)
        if plan.real:
            _run_real_work(place, [contender for contender in contenders if options.contenders or contender.real_work], plan, results)
        run_of["seconds"] = round(time.monotonic() - begin)
        for contender in contenders:
            results.set_commands(contender)
    finally:
        undo.all()
    status = _report(results, options, output)
    if os.path.exists(UNFINISHED):
        os.unlink(UNFINISHED)
    return status


def _make_directory(undo):
    """A directory of this run, that PostgreSQL's user can pass through."""
    with interrupts.held():
        directory = tempfile.mkdtemp(prefix="cowloop-bench.", dir=os.environ.get("BENCH_DIR", "/var/tmp"))
        undo.add(shutil.rmtree, directory)
        os.chmod(directory, 0o711)
    nodes = f"/dev/cowbench.{os.getpid()}"
    os.environ.update(COWLOOP_RUN_DIR=f"{directory}/run", COWLOOP_DEV_DIR=nodes)
    undo.add(_remove_if_there, nodes)
    return directory


def _remove_if_there(directory):
    if os.path.isdir(directory):
        os.rmdir(directory)


def _prepare(place, plan, results, undo):
    """The base, the tools and the contenders that can take part."""
    installer = environment.Installer()
    for program, package in environment.TOOLS.items():
        if why := installer.need(program, (package,)):
            raise Failure(why)
    results.data["run"]["tools"] = [fio.version()]
    free_bytes = shutil.disk_usage(place.directory).free
    needed_bytes = (len(plan.contenders) * _SPACE_OF_A_CONTENDER + 2) * place.size_bytes
    if free_bytes < needed_bytes:
        raise Failure(f"{place.directory} has {free_bytes >> 20} MiB left and {int(needed_bytes) >> 20} MiB may be needed: "
                      "set BENCH_DIR, or take a smaller --size or fewer --contenders")
    _write_base(place)
    contenders = []
    for kind in plan.contenders:
        missing = installer.need(kind.program, kind.packages) if kind.program else None
        contender = kind(place)
        results.add_contender(contender, missing)
        if missing:
            print(f"{kind.name} does not take part: {missing}", file=sys.stderr)
        else:
            contenders.append(contender)
    if any(contender.needs_service for contender in contenders):
        start_service(place, undo)
    if plan.real:
        for program, packages in realwork.PACKAGES.items():
            if why := installer.need(program, packages):
                plan.real = False
                _remark(results, f"no real work: {why}")
                break
    return contenders


def _remark(results, text):
    results.data["run"]["remarks"].append(text)
    print(text, file=sys.stderr)


def _write_base(place):
    with open(place.base, "wb") as base:
        for _ in range(place.size_bytes // MIB):
            base.write(os.urandom(MIB))


def _run_jobs(place, contenders, plan, options, results, undo):
    for job in plan.jobs:
        results.add_job(job.name, job.unit, f"{_what(job)} (state: {job.state}{', nothing cached' if job.cold else ''})")
    devices = Devices(undo)
    measuring = Measuring(place, contenders, devices, results, options.runtime, everything=bool(options.contenders))
    measuring.verify()
    measuring.count_flushes()
    for number in range(1, plan.rounds + 1):
        begin = time.monotonic()
        measuring.round(number, plan.jobs)
        results.save(UNFINISHED)
        print(f"round {number} of {plan.rounds}: {time.monotonic() - begin:.0f} s", flush=True)


def _run_real_work(place, contenders, plan, results):
    realwork.describe(results)
    try:
        work = realwork.RealWork(place, contenders, results)
    except Failure as failure:
        _remark(results, f"no real work: {failure}")
        return
    results.data["run"]["tools"] += [f"sources of {work.source}", *realwork.versions()]
    for number in range(1, plan.real_rounds + 1):
        begin = time.monotonic()
        work.round()
        results.save(UNFINISHED)
        print(f"real work, round {number} of {plan.real_rounds}: {time.monotonic() - begin:.0f} s", flush=True)


def _report(results, options, output):
    """Writes the results, the report and the chart, and says how they stand beside the results that are kept."""
    kept = os.path.join(KEPT, "results.json")
    comparison = None
    if os.path.exists(kept) and not (options.report and os.path.samefile(kept, options.report)):
        comparison = guard.compare(Results.load(kept), results)
    results.save(os.path.join(output, "results.json"))
    report.write(results, goals.load(), comparison, os.path.join(output, "RESULTS.md"))
    if picture := chart.draw(results):
        with open(os.path.join(output, "results.svg"), "w", encoding="utf-8") as file:
            file.write(picture)
    print(f"{os.path.relpath(output)}/RESULTS.md is written")
    if comparison:
        print(report.comparison_text(*comparison), end="")
    for job, failed in results.data["failures"].items():
        for contender, why in failed.items():
            print(f"failed: {job} on {contender}: {why}", file=sys.stderr)
    if results.data["failures"] or results.data["run"]["remarks"]:
        return 1
    return 1 if options.guard and comparison and any(fall.clear for fall in comparison[0]) else 0
