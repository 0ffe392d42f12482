"""The state of the page cache before a measurement. How a file was read and written before decides whether the cache has it in pages of
4 KiB or of megabytes, and for ext4 a write of 4 KiB into one of the latter is several times as slow, whoever does it. So every run finds its files
read anew from disk, and what will be rewritten in pages of 4 KiB; or not cached at all."""

import errno
import os

_PIECE_BYTES = 8 << 20
_buffer = memoryview(bytearray(_PIECE_BYTES))


def forget(paths):
    """Takes files out of the page cache; what is dirty is written first."""
    os.sync()
    for path in paths:
        file = os.open(path, os.O_RDONLY)
        try:
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(file)


def warm(paths, small_pages=False):
    """Reads all data of files, and none of their holes; how many bytes that were."""
    # The kernel makes larger pages only where it reads ahead on its own account.
    advice = os.POSIX_FADV_RANDOM if small_pages else os.POSIX_FADV_SEQUENTIAL
    read_bytes = 0
    for path in paths:
        file = os.open(path, os.O_RDONLY)
        try:
            os.posix_fadvise(file, 0, 0, advice)
            for begin, end in _extents(file):
                while begin < end:
                    count = os.preadv(file, [_buffer[:min(_PIECE_BYTES, end - begin)]], begin)
                    if count == 0:
                        break
                    begin += count
                    read_bytes += count
        finally:
            os.close(file)
    return read_bytes


def _extents(file):
    end = 0
    while True:
        try:
            begin = os.lseek(file, end, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:
                return
            raise
        end = os.lseek(file, begin, os.SEEK_HOLE)
        yield begin, end
