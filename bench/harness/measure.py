"""The runs of fio: each job on every contender in turn, in an order that is shuffled anew each time."""

import random

from . import cache, environment, fio, jobs
from .system import Failure, Undo, drop_caches


class Devices:
    """Devices that stay from job to job, because no job changes the state that they are in; `undo` takes them away."""

    def __init__(self, undo):
        self._undo = undo
        self._kept = {}

    def get(self, contender, state):
        key = (contender.name, state)
        if key not in self._kept:
            self._kept[key] = contender.device(state, self._undo)
        return self._kept[key]


class Measuring:
    """Runs jobs on contenders and collects the figures in `results`. With `everything` also the others do what the principal ones do."""

    def __init__(self, place, contenders, devices, results, runtime_ms, everything):
        self._place = place
        self._contenders = contenders
        self._devices = devices
        self._results = results
        self._runtime_ms = runtime_ms
        self._everything = everything

    def round(self, number, selected):
        """Every job once on every contender that takes part in it."""
        for job in selected:
            taking_part = [contender for contender in self._contenders if self._everything or contender.principal or not job.extra]
            random.shuffle(taking_part)
            self._prepare(job)
            for contender in taking_part:
                try:
                    self._results.add(job.name, contender.name, self._run(job, contender, number))
                except Failure as failure:
                    self._results.fail(job.name, contender.name, str(failure))

    def _prepare(self, job):
        """The base as everybody shall find it; it is never written, and so it stays that way."""
        drop_caches()
        if not job.cold and job.state != jobs.FULL:
            cache.warm([self._place.base])

    def _run(self, job, contender, seed):
        undo = Undo()
        try:
            device = self._devices.get(contender, job.state) if job.keeps_device else contender.device(job.state, undo)
            if job.cold:
                drop_caches()
            else:
                cache.forget(device.files)
                cache.warm(device.files, small_pages=True)
            return fio.measure(job, device.path, self._place.size_bytes, self._runtime_ms, seed)
        finally:
            undo.all()

    def verify(self):
        """Whether each contender gives back what was written to it."""
        for contender in self._contenders:
            undo = Undo()
            try:
                is_right = fio.reads_back(contender.device(jobs.FIRST, undo).path)
                self._results.set_verified(contender.name, is_right)
                if not is_right and contender.needs_service:
                    self._results.fail("verify", contender.name, "does not read as what was written")
            except Failure as failure:
                self._results.fail("verify", contender.name, str(failure))
            finally:
                undo.all()

    def count_flushes(self):
        """How often each contender has the disk flushed for a number of flushes of its device: the least of three tries, because others
        may use the disk."""
        if environment.flushes_of_disk(self._place.directory) is None:
            return
        for contender in self._contenders:
            try:
                self._results.set_flushes(contender.name, min(self._flushes(contender) for _ in range(3)))
            except Failure as failure:
                self._results.fail("flushes", contender.name, str(failure))

    def _flushes(self, contender):
        device = self._devices.get(contender, jobs.FULL)
        drop_caches()
        before = environment.flushes_of_disk(self._place.directory)
        fio.write_and_flush(device.path, jobs.area_bytes(jobs.FULL, self._place.size_bytes), jobs.FLUSHES)
        return environment.flushes_of_disk(self._place.directory) - before
