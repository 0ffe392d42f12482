"""No overlay at all: the kernel's loop device on a plain file of the same size. It is what nothing in between would cost."""

import shutil

from .. import jobs
from ..system import attach_loop, run
from .base import Contender


class Raw(Contender):
    """Through the page cache, as `losetup` and `mount -o loop` make it."""

    name = "raw"
    title = "loop device on a plain file, through the page cache"
    packages = ("mount",)
    program = "losetup"
    principal = True
    real_work = True
    direct = False

    def version(self):
        return run("losetup", "--version").strip()

    def make(self, state, undo):
        if state == jobs.BASE:
            return attach_loop(self.place.base, undo, self.direct, read_only=True), []
        path = self.file_removed_by(undo, "file")
        if state == jobs.HALF:
            # What is not written before is to be read as from an overlay: not from a hole.
            shutil.copyfile(self.place.base, path)
        with open(path, "ab") as file:
            file.truncate(self.place.size_bytes)
        self.note("losetup", f"--direct-io={'on' if self.direct else 'off'}", "--find", path)
        return attach_loop(path, undo, self.direct), [path]


class RawDirect(Raw):
    """Without the page cache: what a server that uses the disk alone could reach at best."""

    name = "rawdio"
    title = "loop device on a plain file, with direct I/O"
    direct = True
