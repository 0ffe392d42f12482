"""A real source tree to build: that of a Debian package, fetched with apt."""

import bz2
import glob
import gzip
import lzma
import os
import shutil

from .system import Failure, run

PACKAGE = "zlib"
_OPENERS = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}


def fetch(directory):
    """The path of an uncompressed archive of the sources, and their version. The system's own package lists stay as they are."""
    for part in ("sources", "lists/partial", "cache/archives/partial"):
        os.makedirs(f"{directory}/{part}")
    _ask_for_sources(f"{directory}/sources")
    options = []
    for option in (
            "Dir::Etc::SourceList=/dev/null", f"Dir::Etc::SourceParts={directory}/sources", f"Dir::State::Lists={directory}/lists",
            f"Dir::Cache={directory}/cache", "APT::Sandbox::User=root"):
        options += ["-o", option]
    run("apt-get", *options, "update", "-q")
    run("sh", "-c", 'cd "$0" && exec apt-get "$@"', directory, *options, "source", "-q", "--download-only", PACKAGE)
    archives = glob.glob(f"{directory}/{PACKAGE}_*.orig.tar.*")
    if len(archives) != 1:
        raise Failure(f"apt-get source {PACKAGE} left {len(archives)} archives")
    name, compression = os.path.splitext(archives[0])
    with _OPENERS[compression](archives[0]) as packed, open(name, "wb") as plain:
        shutil.copyfileobj(packed, plain)
    return name, f"{PACKAGE} {os.path.basename(name).removeprefix(f'{PACKAGE}_').removesuffix('.orig.tar')}"


def _ask_for_sources(directory):
    """The system's package sources, with the sources of packages instead of packages."""
    for path in ["/etc/apt/sources.list", *glob.glob("/etc/apt/sources.list.d/*.list"), *glob.glob("/etc/apt/sources.list.d/*.sources")]:
        if not os.path.exists(path):
            continue
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
        with open(f"{directory}/{os.path.basename(path)}", "w", encoding="utf-8") as file:
            for line in lines:
                if line.startswith("Types:"):
                    line = "Types: deb-src"
                elif line.startswith("deb "):
                    line = f"deb-src {line.removeprefix('deb ')}"
                file.write(f"{line}\n")
