"""Real work on a mounted ext4: seconds for each step, on each contender in turn."""

import glob
import os
import pwd
import random
import time

from . import cache, jobs, source_tree
from .results import SECONDS
from .system import Failure, Undo, drop_caches, interrupts, run, unmount

COPIES = 8
TRANSACTIONS = 300
PGBENCH_SCALE = 5
PGBENCH_CLIENTS = 4
PGBENCH_TRANSACTIONS = 1000
DD_MIB = 256
TOTAL = "real-total"

STEPS = {
    "real-mkfs": "mkfs.ext4 on the device",
    "real-unpack": f"tar unpacks {COPIES} copies of the sources of {source_tree.PACKAGE}; sync",
    "real-build": f"configure and make -j of {source_tree.PACKAGE}; sync",
    "real-sqlite": f"SQLite, rollback journal, synchronous=FULL: {TRANSACTIONS} transactions of 10 inserts and an update",
    "real-pg-init": f"PostgreSQL: initdb, start, pgbench -i -s {PGBENCH_SCALE}",
    "real-pgbench": f"pgbench: {PGBENCH_CLIENTS} clients, {PGBENCH_TRANSACTIONS} transactions each",
    "real-dd-write": f"dd writes {DD_MIB} MiB in pieces of 1 MiB, conv=fsync",
    "real-dd-read": "dd reads them again, nothing cached",
    "real-e2fsck": "e2fsck -f -n after all that, nothing cached",
}
PACKAGES = {
    "sqlite3": ("sqlite3",), "gcc": ("gcc", "libc6-dev"), "make": ("make",), "tar": ("tar",), "runuser": ("util-linux",),
    "/usr/share/postgresql-common/pg_wrapper": ("postgresql", "postgresql-contrib"),
}


class RealWork:
    """Does the steps on contenders and collects the seconds in `results`."""

    def __init__(self, place, contenders, results):
        self._place = place
        self._contenders = contenders
        self._results = results
        os.mkdir(self._files)
        self._archive, self.source = source_tree.fetch(self._files)
        self._script = f"{self._files}/transactions.sql"
        with open(self._script, "w", encoding="ascii") as file:
            file.write(_transactions())

    @property
    def _files(self):
        return f"{self._place.directory}/real"

    def round(self):
        contenders = list(self._contenders)
        random.shuffle(contenders)
        for contender in contenders:
            times = {}
            try:
                self._work(contender, times)
                times[TOTAL] = sum(times.values())
            except Failure as failure:
                step = list(STEPS)[len(times)]
                self._results.fail(step, contender.name, str(failure))
            for step, seconds in times.items():
                self._results.add(step, contender.name, seconds)

    def _work(self, contender, times):
        undo = Undo()
        try:
            drop_caches()
            device = contender.device(jobs.FIRST, undo)
            contender.keep_in_order()
            mountpoint = self._place.new_path("mnt")
            os.mkdir(mountpoint)
            undo.add(os.rmdir, mountpoint)
            _Steps(self._archive, self._script, self._place.base, device, mountpoint, undo, times).all()
        finally:
            undo.all()


class _Steps:
    def __init__(self, archive, script, base, device, mountpoint, undo, times):
        self._archive = archive
        self._script = script
        self._base = base
        self._device = device
        self._mountpoint = mountpoint
        self._undo = undo
        self._times = times

    def all(self):
        self._timed("real-mkfs", lambda: run("mkfs.ext4", "-q", "-F", self._device.path))
        run("mount", self._device.path, self._mountpoint)
        self._undo.add(unmount, self._mountpoint)
        self._timed("real-unpack", self._unpack)
        self._timed("real-build", self._build)
        self._timed("real-sqlite", lambda: run("sqlite3", f"{self._mountpoint}/database", f".read {self._script}"))
        self._postgres()
        copy = f"{self._mountpoint}/copy"
        self._timed("real-dd-write", lambda: run("dd", f"if={self._base}", f"of={copy}", "bs=1M", f"count={DD_MIB}", "conv=fsync"))
        unmount(self._mountpoint)
        cache.forget(self._device.files)
        run("mount", self._device.path, self._mountpoint)
        self._timed("real-dd-read", lambda: run("dd", f"if={copy}", "of=/dev/null", "bs=1M"))
        unmount(self._mountpoint)
        cache.forget(self._device.files)
        self._timed("real-e2fsck", lambda: run("e2fsck", "-f", "-n", self._device.path))

    def _timed(self, step, work):
        begin = time.monotonic()
        work()
        self._times[step] = time.monotonic() - begin

    def _unpack(self):
        for copy in range(COPIES):
            os.mkdir(f"{self._mountpoint}/{copy}")
            run("tar", "-xf", self._archive, "-C", f"{self._mountpoint}/{copy}", "--strip-components=1")
        run("sync", "-f", self._mountpoint)

    def _build(self):
        run("sh", "-c", 'cd "$0" && ./configure && make -j"$1"', f"{self._mountpoint}/0", len(os.sched_getaffinity(0)))
        run("sync", "-f", self._mountpoint)

    def _postgres(self):
        server = _Postgres(f"{self._mountpoint}/postgres")
        self._undo.add(server.kill)
        self._timed("real-pg-init", server.begin)
        self._timed("real-pgbench", server.work)
        server.stop()


class _Postgres:
    """A cluster of its own, which listens on a socket in its directory only."""

    def __init__(self, directory):
        self._directory = directory
        self._programs = max(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[4]))
        os.mkdir(directory)
        user = pwd.getpwnam("postgres")
        os.chown(directory, user.pw_uid, user.pw_gid)

    def begin(self):
        self._run("initdb", "-D", self._data, "-A", "trust", "--locale=C", "-E", "UTF8", "--no-instructions")
        settings = f"-c listen_addresses='' -c unix_socket_directories={self._directory} -c max_wal_size=256MB"
        with interrupts.held():
            self._run("pg_ctl", "-D", self._data, "-w", "-l", f"{self._directory}/log", "-o", settings, "start")
        self._run("pgbench", "-h", self._directory, "-q", "-i", "-s", PGBENCH_SCALE, "postgres")

    def work(self):
        self._run(
            "pgbench", "-h", self._directory, "-n", "-c", PGBENCH_CLIENTS, "-j", 2, "-t", PGBENCH_TRANSACTIONS, "--random-seed=1", "postgres")

    def stop(self):
        self._run("pg_ctl", "-D", self._data, "-w", "-m", "fast", "stop")

    def kill(self):
        if os.path.exists(f"{self._data}/postmaster.pid"):
            self._run("pg_ctl", "-D", self._data, "-w", "-m", "immediate", "stop")

    @property
    def _data(self):
        return f"{self._directory}/data"

    def _run(self, program, *arguments):
        run("runuser", "-u", "postgres", "--", f"{self._programs}/{program}", *arguments)


def _transactions():
    """SQL that writes much the same each time."""
    numbers = random.Random(1)
    lines = [
        "PRAGMA journal_mode=DELETE;", "PRAGMA synchronous=FULL;",
        "CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT, content BLOB);", "CREATE INDEX names ON items (name);"]
    count = 0
    for _ in range(TRANSACTIONS):
        lines.append("BEGIN;")
        for _ in range(10):
            lines.append(f"INSERT INTO items VALUES ({count}, 'item {numbers.getrandbits(32)}', randomblob(200));")
            count += 1
        lines.append(f"UPDATE items SET content = randomblob(300) WHERE id = {numbers.randrange(count)};")
        lines.append("COMMIT;")
    return "\n".join(lines) + "\n"


def versions():
    """Names and versions of what works."""
    return [
        f"SQLite {run('sqlite3', '--version').split()[0]}", run("psql", "--version").strip(), run("gcc", "--version").splitlines()[0]]


def describe(results):
    """The steps, as jobs of the results."""
    for step, what in STEPS.items():
        results.add_job(step, SECONDS, what)
    results.add_job(TOTAL, SECONDS, "all of it")
