"""The machine: what has to be installed, and what a reader of the figures must know about it."""

import datetime
import os
import platform
import shutil
import subprocess

from .system import Failure, interrupts, run

TOOLS = {"fio": "fio", "losetup": "mount", "mkfs.ext4": "e2fsprogs", "findmnt": "util-linux"}


class Installer:
    """Installs Debian packages, once asked; what could not be had stays known with the reason."""

    def __init__(self):
        self._lists_are_new = False

    def need(self, program, packages):
        """None when the program is there, or could be installed; else why not."""
        if shutil.which(program):
            return None
        try:
            print(f"Installing {' '.join(packages)} ...", flush=True)
            with interrupts.held():
                if not self._lists_are_new:
                    run("apt-get", "update", "-q")
                    self._lists_are_new = True
                run("apt-get", "install", "-q", "-y", "--no-install-recommends", *packages,
                    environment={"DEBIAN_FRONTEND": "noninteractive"})
        except Failure as failure:
            return f"{program} could not be installed: {str(failure)[-300:]}"
        return None if shutil.which(program) else f"{program} is not in {' '.join(packages)}"


def describe(directory):
    """What the figures were measured on; `directory` is where the files are."""
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "kernel": platform.release(),
        "system": _system(),
        "cpus": len(os.sched_getaffinity(0)),
        "cpuModel": _first_value("/proc/cpuinfo", "model name"),
        "virtualMachine": "hypervisor" in (_first_value("/proc/cpuinfo", "flags") or "").split(),
        "memoryGiB": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / (1 << 30)),
        "filesystem": run("findmnt", "-n", "-o", "FSTYPE", "--target", directory).strip(),
        "placement": "no process is bound to a CPU",
        "loadAtStart": os.getloadavg()[0],
        "python": f"Python {platform.python_version()}",
        "commit": _commit(),
    }


def _system():
    names = platform.freedesktop_os_release()
    return names.get("PRETTY_NAME", names["NAME"])


def _first_value(path, key):
    with open(path, encoding="utf-8") as file:
        for line in file:
            name, _, value = line.partition(":")
            if name.strip() == key:
                return value.strip()
    return None


def _commit():
    """The commit of the sources that are measured, if they come from a repository."""
    here = os.path.dirname(os.path.abspath(__file__))
    try:
        answer = subprocess.run(["git", "-C", here, "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    except OSError:
        return None
    return answer.stdout.strip() or None


def flushes_of_disk(directory):
    """How many flushes the disk that holds a directory has done, or None when it cannot be told. The kernel counts them for whole disks."""
    device = os.stat(directory).st_dev
    path = os.path.realpath(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}")
    if os.path.exists(f"{path}/partition"):
        path = os.path.dirname(path)
    try:
        with open(f"{path}/queue/write_cache", encoding="ascii") as file:
            if file.read().strip() != "write back":
                return None
        with open(f"{path}/stat", encoding="ascii") as file:
            return int(file.read().split()[15])
    except (OSError, IndexError):
        return None
