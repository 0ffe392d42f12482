"""Runs fio, and believes it only what it can show: that it ran for the time that was asked for."""

import json

from .system import Failure, run

# Options that every run has. Its jobs are threads, so that they end with it when it is killed.
_COMMON = ["--name=job", "--thread", "--output-format=json", "--direct=1", "--ioengine=libaio"]
# A run that ends when all is written must have lasted this long, or its speed is mostly that of starting it.
_SHORTEST_MS = 100
# The end of a run waits for what is on its way, which may take a while when that is much; but not longer than this.
_LONGEST_FACTOR = 5
_VERIFIED_BYTES = 32 << 20


def version():
    return run("fio", "--version").strip()


def measure(job, path, device_bytes, runtime_ms, seed):
    """Runs a job on a device; its speed, in the unit of the job."""
    command = ["fio", f"--filename={path}", *_COMMON, *job.options(device_bytes, runtime_ms, seed)]
    if not job.writes:
        command.append("--readonly")
    figures = json.loads(run(*command))["jobs"][0]
    if figures["error"]:
        raise Failure(f"fio: error {figures['error']} in {job.name} on {path}")
    sides = [figures["read"], figures["write"]]
    check_runtime(job, max(side["runtime"] for side in sides), sum(side["io_bytes"] for side in sides), device_bytes, runtime_ms)
    if job.unit == "IOPS":
        return sum(side["iops"] for side in sides)
    return sum(side["bw_bytes"] for side in sides) / (1 << 20)


def check_runtime(job, lasted_ms, moved_bytes, device_bytes, runtime_ms):
    """fio 3.33 takes --runtime=0.6s for 0 and then makes one pass, however long that takes: never again unseen."""
    if job.ends_when_all_is_written and moved_bytes == device_bytes:
        if lasted_ms < _SHORTEST_MS:
            raise Failure(f"{job.name}: all was written after {lasted_ms} ms, too early to say how fast; take a larger --size")
    elif not runtime_ms * 0.95 <= lasted_ms <= runtime_ms * _LONGEST_FACTOR:
        raise Failure(f"{job.name}: fio ran for {lasted_ms} ms instead of {runtime_ms} ms")


def fill(path, device_bytes):
    """Writes all of a device."""
    run("fio", f"--filename={path}", *_COMMON, "--rw=write", "--bs=1m", "--iodepth=4", f"--size={device_bytes}")


def fill_pieces(path, device_bytes, piece_bytes, every, first=0):
    """Writes one of `every` pieces of a device."""
    run("fio", f"--filename={path}", *_COMMON, f"--rw=write:{(every - 1) * piece_bytes}", f"--bs={piece_bytes}", "--iodepth=4",
        f"--offset={first * piece_bytes}", f"--size={device_bytes - first * piece_bytes}", f"--io_size={device_bytes // every}")


def reads_back(path):
    """Whether a device gives back what was written to it with many requests at once. Damage is what is asked for here; anything else fails."""
    try:
        run("fio", f"--filename={path}", *_COMMON, "--rw=randwrite", "--bs=4k", "--iodepth=32", f"--size={_VERIFIED_BYTES}", "--verify=crc32c",
            "--verify_fatal=1", "--verify_state_save=0")
    except Failure as failure:
        if "verify" in str(failure):
            return False
        raise
    return True


def write_and_flush(path, device_bytes, count):
    """Writes 4 KiB as often, each time with a flush behind it."""
    run("fio", f"--filename={path}", *_COMMON, "--rw=randwrite", "--bs=4k", "--iodepth=1", "--fsync=1", "--end_fsync=1",
        f"--size={device_bytes}", f"--number_ios={count}")
