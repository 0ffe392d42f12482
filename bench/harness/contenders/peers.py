"""What people use instead, in user space: a server that shows a file by FUSE, and a loop device with direct I/O on it, so that there is one cache only,
that of the files below."""

import glob
import os
import signal

from ..system import Undo, attach_loop, interrupts, run, unmount, wait_until
from .base import Contender


class Qemu(Contender):
    """qemu-storage-daemon and a qcow2 overlay, with the defaults of both. With several requests under way the FUSE export of version 7.2 fails a
    verification of what was written. For a filesystem it gets one request at a time, and else what is fastest."""

    name = "qsd"
    title = "qemu-storage-daemon, a qcow2 overlay with clusters of 64 KiB"
    packages = ("qemu-utils", "qemu-system-common", "qemu-block-extra")
    program = "qemu-storage-daemon"
    principal = True
    real_work = True
    options = "cluster_size=64k"

    def __init__(self, place):
        super().__init__(place)
        self._shown = None

    def version(self):
        return run("qemu-storage-daemon", "--version").splitlines()[0]

    def make(self, state, undo):
        overlay = self.file_removed_by(undo, "qcow2")
        create = ["qemu-img", "create", "-q", "-f", "qcow2", "-b", self.place.base, "-F", "raw", "-o", self.options, overlay]
        run(*create)
        shown = self.file_removed_by(undo, "disk")
        with open(shown, "wb"):
            pass
        pidfile = self.file_removed_by(undo, "pid")
        serve = [
            "qemu-storage-daemon",
            "--blockdev", f"driver=file,node-name=file,filename={overlay}",
            # Without a lock on the base: that of cowloop, which uses it at the same time, is not one that QEMU shares.
            "--blockdev", f"driver=file,node-name=base-file,filename={self.place.base},read-only=on,locking=off",
            "--blockdev", "driver=raw,node-name=base,file=base-file,read-only=on",
            "--blockdev", "driver=qcow2,node-name=disk,file=file,backing=base",
            "--export", f"fuse,id=export,node-name=disk,mountpoint={shown},writable=on",
            "--daemonize", "--pidfile", pidfile]
        with interrupts.held():
            run(*serve)
            with open(pidfile, encoding="ascii") as file:
                undo.add(_end, int(file.read()))
        self._shown = shown
        self.note(*create)
        self.note(*serve)
        self.note("losetup", "--direct-io=on", "--find", shown)
        return attach_loop(shown, undo, direct=True), [overlay]


    def keep_in_order(self):
        control = f"{self.place.directory}/fusectl"
        os.makedirs(control, exist_ok=True)
        connection = os.minor(os.stat(self._shown).st_dev)
        undo = Undo()
        try:
            with interrupts.held():
                run("mount", "-t", "fusectl", "none", control)
                undo.add(unmount, control)
            with open(f"{control}/{connection}/max_background", "w", encoding="ascii") as file:
                file.write("1")
        finally:
            undo.all()
        self.note("echo", "1 > fusectl/CONNECTION/max_background (for the real work only)")


class QemuExtended(Qemu):
    """The same with subclusters, which make small first writes cheaper."""

    name = "qsdx"
    title = "the same with extended_l2=on: subclusters of 2 KiB"
    principal = False
    real_work = False
    options = "cluster_size=64k,extended_l2=on"


class Xmount(Contender):
    """xmount and its write cache."""

    name = "xmount"
    title = "xmount with a write cache"
    packages = ("xmount",)
    program = "xmount"

    def version(self):
        return " ".join(run("xmount", "--version").split()[:2])

    def make(self, state, undo):
        cache = self.file_removed_by(undo, "cache")
        directory = self.place.new_path(f"{self.name}-mount")
        os.mkdir(directory)
        undo.add(os.rmdir, directory)
        serve = ["xmount", "--in", "raw", self.place.base, "--cache", cache, directory]
        with interrupts.held():
            run(*serve)
            undo.add(unmount, directory)
        self.note(*serve)
        shown = f"{directory}/{os.path.splitext(os.path.basename(self.place.base))[0]}.dd"
        wait_until(lambda: glob.glob(shown), f"{shown} there")
        self.note("losetup", "--direct-io=on", "--find", shown)
        return attach_loop(shown, undo, direct=True), [cache]


def _end(process):
    """Asks a server to end, and waits for it; it writes what it holds before."""
    os.kill(process, signal.SIGTERM)
    wait_until(lambda: not os.path.exists(f"/proc/{process}"), f"process {process} ended")
