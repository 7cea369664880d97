"""Appends to files that another run reads: a line is there as a whole, or not at all.

On a full disk the system writes a part and says so, or fails later. What a restart would cut off is cut
off at once, so that the next line does not begin in the middle of this one.
"""

import os
from contextlib import suppress
from typing import IO

from cij.runtime.private_files import write_all


def append(file: IO[bytes], data: bytes, *, is_synced: bool) -> None:
    """Write `data` at the end of an unbuffered file. Raises: OSError, and then the file is as before."""
    descriptor = file.fileno()
    size = os.lseek(descriptor, 0, os.SEEK_END)
    try:
        write_all(descriptor, data)
        if is_synced:
            os.fsync(descriptor)
    except OSError:
        with suppress(OSError):
            os.ftruncate(descriptor, size)
        raise
