"""What all contenders have in common."""

import contextlib
import os
import re

from .. import fio, jobs

PIECE_BYTES = 64 * jobs.KIB


class Place:
    """Where the files of a run are: the base, and a directory for everything else; and our own programs."""

    def __init__(self, directory, base, size_bytes, programs):
        self.directory = directory
        self.base = base
        self.size_bytes = size_bytes
        self.programs = programs
        self._count = 0

    def new_path(self, name):
        """A path that nothing has had before."""
        self._count += 1
        return f"{self.directory}/{name}.{self._count}"

    def neutral(self, text):
        """A text without the directories of this run."""
        return text.replace(self.directory, "DIR").replace(self.programs, "bin").replace(os.environ["COWLOOP_DEV_DIR"], "/dev/cow")


class Device:
    """A block device in some state. `files` are those below it that are its own, to be warmed or forgotten before a run."""

    def __init__(self, path, files):
        self.path = path
        self.files = files


class Contender:
    """One way of having a writable device of the base. The `principal` ones run all jobs; those for `real_work` that, too."""

    name = ""
    title = ""
    packages = ()
    # The program that must be there.
    program = None
    principal = False
    real_work = False
    # Whether it is served by our service.
    needs_service = False

    def __init__(self, place):
        self.place = place
        self._commands = {}

    def version(self):
        """Name and version of what serves the device."""
        raise NotImplementedError

    def make(self, state, undo):
        """A new device on the untouched base for a state: its path and its own files. `undo` takes it and them away."""
        raise NotImplementedError

    def fill(self, device, state):
        """Brings a new device into its state by writing to it, in the same way for everybody."""
        area_bytes = jobs.area_bytes(state, self.place.size_bytes)
        if state == jobs.FULL:
            fio.fill(device.path, area_bytes)
        elif state == jobs.HALF:
            fio.fill_pieces(device.path, area_bytes, PIECE_BYTES, every=2)

    def device(self, state, undo):
        """A new device in a state, that `undo` takes away."""
        device = Device(*self.make(state, undo))
        self.fill(device, state)
        return device

    def keep_in_order(self):
        """Makes the latest device fit for a filesystem, where that takes something that slows it down."""

    def file_removed_by(self, undo, name):
        """A path for a file that goes with its device."""
        path = self.place.new_path(f"{self.name}-{name}")
        undo.add(remove_file, path)
        return path

    def note(self, *command):
        """Keeps a command for the report: the first of those that differ in numbers only."""
        text = self.place.neutral(" ".join(command))
        self._commands.setdefault(re.sub(r"\d+", "", text), text)

    @property
    def commands(self):
        return list(self._commands.values())


def remove_file(path):
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
