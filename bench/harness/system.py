"""Running programs, and taking back what was made, also when the run is interrupted."""

import contextlib
import os
import signal
import subprocess
import sys
import time


class Failure(Exception):
    """Something that was asked of the system did not work; the message says what, and why."""


class Interrupts:
    """SIGINT, SIGTERM and SIGHUP become KeyboardInterrupt, but not while something is made or taken back."""

    def __init__(self):
        self._held = 0
        self._pending = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._arrived)

    def _arrived(self, _number, _frame):
        if self._held:
            self._pending = True
        else:
            raise KeyboardInterrupt

    @contextlib.contextmanager
    def held(self):
        """Puts interrupts off to the end of the block, so that nothing is made without a note of how to take it back."""
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
        if self._pending and not self._held:
            self._pending = False
            raise KeyboardInterrupt


interrupts = Interrupts()


class Undo:
    """What has been made, and how to take it back, in the opposite order. Nothing that fails keeps the rest from being tried."""

    def __init__(self):
        self._steps = []

    def add(self, step, *arguments):
        self._steps.append((step, arguments))

    def all(self):
        with interrupts.held():
            while self._steps:
                step, arguments = self._steps.pop()
                try:
                    step(*arguments)
                except (Failure, OSError) as error:
                    print(f"cleaning up: {error}", file=sys.stderr)


def run(*command, stdin=None, environment=None):
    """Runs a program to its end and returns what it printed. It is in a session of its own, so that Ctrl-C reaches only us;
    an interrupt kills it."""
    command = [str(word) for word in command]
    try:
        child = subprocess.Popen(
            command, stdin=stdin or subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True, env={**os.environ, **(environment or {})})
    except OSError as error:
        raise Failure(f"{command[0]}: {error.strerror}") from error
    try:
        output, errors = child.communicate()
    except KeyboardInterrupt:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.communicate()
        raise
    if child.returncode != 0:
        raise Failure(f"{' '.join(command)}: exit {child.returncode}: {(errors or output).strip()[-600:]}")
    return output


def wait_until(condition, what, seconds=20):
    """Waits for what a program does after it has returned."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise Failure(f"after {seconds} s still not: {what}")
        time.sleep(0.02)


def drop_caches():
    """Empties the page cache, of clean and dirty pages."""
    os.sync()
    with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as file:
        file.write("3")


def loop_options(device):
    """The directory where the kernel describes a loop device; it exists while the device has a file."""
    return f"/sys/block/{os.path.basename(device)}/loop"


def attach_loop(path, undo, direct=False, read_only=False):
    """A loop device on a file; `undo` detaches it."""
    options = [f"--direct-io={'on' if direct else 'off'}"] + (["--read-only"] if read_only else [])
    with interrupts.held():
        device = run("losetup", "--find", "--show", *options, path).strip()
        undo.add(_detach_loop, device)
    with open(f"{loop_options(device)}/dio", encoding="ascii") as file:
        if (file.read().strip() == "1") != direct:
            raise Failure(f"{device} on {path}: the kernel did not take --direct-io={'on' if direct else 'off'}")
    return device


def _detach_loop(device):
    run("losetup", "--detach", device)
    wait_until(lambda: not os.path.exists(loop_options(device)), f"{device} detached")


def unmount(path):
    """Unmounts, also when the last user is only just gone."""
    def is_gone():
        if os.path.ismount(path):
            with contextlib.suppress(Failure):
                run("umount", path)
        return not os.path.ismount(path)
    wait_until(is_gone, f"{path} unmounted")
