"""The fio jobs: what is asked of a device, and in which state."""

import dataclasses

KIB = 1024
MIB = 1024 * KIB

# States of a device. Nothing has been written to it:
BASE = "base"
# ... and the job is the first to write, to every block at most once:
FIRST = "first"
# Every second piece of 64 KiB has been written:
HALF = "half"
# Everything has been written:
FULL = "full"
# These two are of the first part of the device only, and so are the jobs: enough to jump about in, and quickly read again and written back.
_PART = 4

STATES = {
    BASE: "nothing is written yet: all comes from the base",
    FIRST: "a new overlay for each run: the first write to every block",
    HALF: f"every second piece of 64 KiB of the first 1/{_PART} has been written before; the job keeps to that part",
    FULL: f"all of the first 1/{_PART} has been written before; the job keeps to that part",
}


def area_bytes(state, device_bytes):
    """How much of a device a job in this state works on."""
    return device_bytes // _PART if state in (HALF, FULL) else device_bytes


@dataclasses.dataclass(frozen=True)
class Job:
    """A fio job. Jobs marked `extra` run on the principal contenders only, unless contenders are chosen; `quick` ones are all that a quick run
    does."""

    name: str
    state: str
    pattern: str
    block_bytes: int
    depth: int
    threads: int = 1
    fsync: int = 0
    cold: bool = False
    extra: bool = False
    quick: bool = False

    @property
    def writes(self):
        return self.pattern not in ("read", "randread")

    @property
    def unit(self):
        return "IOPS" if self.block_bytes <= 4 * KIB else "MiB/s"

    @property
    def keeps_device(self):
        """Whether the device afterwards is in the state that it was in before."""
        return self.state == FULL or not self.writes

    def options(self, device_bytes, runtime_ms, seed):
        """The options of fio. First writes end when all is written; everything else goes on until the time is over."""
        part_bytes = area_bytes(self.state, device_bytes) // self.threads
        options = [
            f"--rw={self.pattern}", f"--bs={self.block_bytes // KIB}k", f"--iodepth={self.depth}", f"--size={part_bytes}",
            f"--runtime={runtime_ms}ms", f"--randseed={seed}"]
        if self.pattern == "randrw":
            options.append("--rwmixread=70")
        if self.fsync:
            options.append(f"--fsync={self.fsync}")
        if self.threads > 1:
            options += [f"--numjobs={self.threads}", f"--offset_increment={part_bytes}", "--group_reporting"]
        if not self.ends_when_all_is_written:
            options.append("--time_based")
            if self.pattern.startswith("rand"):
                options.append("--norandommap")
        return options

    @property
    def ends_when_all_is_written(self):
        return self.state == FIRST


def _writes(state, prefix, quick):
    """The jobs that write, alike for each state."""
    return [
        Job(f"{prefix}randwrite-4k-q1", state, "randwrite", 4 * KIB, 1, quick="q1" in quick),
        Job(f"{prefix}randwrite-4k-q32", state, "randwrite", 4 * KIB, 32, quick="q32" in quick),
        Job(f"{prefix}randwrite-4k-q32-j2", state, "randwrite", 4 * KIB, 32, threads=2, extra=True),
        Job(f"{prefix}write-1m-q4", state, "write", MIB, 4, quick="1m" in quick),
        Job(f"{prefix}write-128k-q8", state, "write", 128 * KIB, 8, extra=True),
        Job(f"{prefix}randwrite-4k-fsync1", state, "randwrite", 4 * KIB, 1, fsync=1, extra=True),
        Job(f"{prefix}randwrite-4k-fsync32", state, "randwrite", 4 * KIB, 1, fsync=32, quick="fsync32" in quick),
    ]


JOBS = [
    Job("randread-4k-q1", BASE, "randread", 4 * KIB, 1, quick=True),
    Job("randread-4k-q32", BASE, "randread", 4 * KIB, 32, quick=True),
    Job("randread-4k-q32-j2", BASE, "randread", 4 * KIB, 32, threads=2, extra=True),
    Job("read-1m-q4", BASE, "read", MIB, 4, quick=True),
    Job("read-128k-q8", BASE, "read", 128 * KIB, 8),
    Job("cold-randread-4k-q1", BASE, "randread", 4 * KIB, 1, cold=True, extra=True),
    Job("cold-randread-4k-q32", BASE, "randread", 4 * KIB, 32, cold=True, extra=True),
    Job("half-randread-4k-q1", HALF, "randread", 4 * KIB, 1),
    Job("half-randread-4k-q32", HALF, "randread", 4 * KIB, 32),
    *_writes(FIRST, "first-", {"q32"}),
    *_writes(FULL, "", {"q1", "q32", "1m", "fsync32"}),
    Job("mix-4k-q32", FULL, "randrw", 4 * KIB, 32, extra=True),
    Job("mix-4k-q32-j2", FULL, "randrw", 4 * KIB, 32, threads=2, extra=True),
    Job("half-randwrite-4k-q32", HALF, "randwrite", 4 * KIB, 32, extra=True),
    Job("half-write-1m-q4", HALF, "write", MIB, 4, extra=True),
    Job("half-mix-4k-q32", HALF, "randrw", 4 * KIB, 32, extra=True),
]

# How many writes with a flush each show what a contender does with it.
FLUSHES = 32
