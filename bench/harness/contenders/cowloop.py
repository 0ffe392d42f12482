"""Us."""

from .. import fio, jobs
from ..system import Failure, Undo, interrupts, run, wait_until
from .base import PIECE_BYTES, Contender

LAYERS = 8
_MAX_DEVICES = 64


class Cow(Contender):
    """A classic cowfile: a sparse file with a place for every block."""

    name = "cow"
    title = "cowloop, a classic cowfile"
    principal = True
    real_work = True
    options = ()
    needs_service = True

    @property
    def _cowloop(self):
        return f"{self.place.programs}/cowloop"

    def version(self):
        return run(self._cowloop, "--version").strip()

    def make(self, state, undo):
        cowfile = self.file_removed_by(undo, "cow")
        return self._attach(undo, cowfile), [cowfile]

    def _attach(self, undo, cowfile, layers=()):
        command = [self._cowloop, "attach", self.place.base]
        for layer in layers:
            command += ["--layer", layer]
        command += [cowfile, *self.options]
        self.note(*command)
        with interrupts.held():
            path = run(*command).strip()
            undo.add(self._detach, path)
        return path

    def _detach(self, path):
        wait_until(lambda: self._is_detached(path), f"{path} detached")

    def _is_detached(self, path):
        """Whoever looks at block devices that appear may have it open for a moment."""
        try:
            run(self._cowloop, "detach", path)
        except Failure as failure:
            if "busy" in str(failure):
                return False
            raise
        return True


class CowCompact(Cow):
    """A compact store: chunks one behind the other."""

    name = "compact"
    title = "cowloop, a compact store"
    principal = False
    options = ("--store", "compact")


class CowLayers(Cow):
    """A cowfile on layers, made by snapshots of a device in use. They are empty, or hold the half that was written before, dealt out
    to them in turn."""

    name = "cow8"
    title = f"cowloop, a cowfile on {LAYERS} layers"
    principal = False
    real_work = False

    def __init__(self, place):
        super().__init__(place)
        self._layers = {}

    def make(self, state, undo):
        kind = jobs.HALF if state == jobs.HALF else jobs.BASE
        if kind not in self._layers:
            self._layers[kind] = self._make_layers(kind)
        layers = self._layers[kind]
        cowfile = self.file_removed_by(undo, "cow")
        return self._attach(undo, cowfile, layers), [*layers, cowfile]

    def fill(self, device, state):
        """The layers hold the half already."""
        if state != jobs.HALF:
            super().fill(device, state)

    def _make_layers(self, state):
        undo = Undo()
        try:
            files = [self.place.new_path(f"{self.name}-layer")]
            path = self._attach(undo, files[0])
            for layer in range(LAYERS):
                if state == jobs.HALF:
                    area_bytes = jobs.area_bytes(state, self.place.size_bytes)
                    fio.fill_pieces(path, area_bytes, PIECE_BYTES, every=2 * LAYERS, first=2 * layer)
                files.append(self.place.new_path(f"{self.name}-layer"))
                command = [self._cowloop, "snapshot", path, files[-1]]
                self.note(*command)
                run(*command)
        finally:
            undo.all()
        return files[:LAYERS]


def start_service(place, undo):
    """Starts a service for this run alone."""
    with interrupts.held():
        run(f"{place.programs}/cowloop", "load", f"maxcows={_MAX_DEVICES}")
        undo.add(run, f"{place.programs}/cowloop", "unload", "--wait")
