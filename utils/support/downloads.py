"""Downloads by other packages, which set no time limit and show their progress as if an error."""

import contextlib
import socket
import sys
from collections.abc import Iterator

SILENCE = 30.0  # seconds that a server may say nothing


@contextlib.contextmanager
def patiently() -> Iterator[None]:
    """Let a server be silent for `SILENCE` and no longer; show progress on standard output."""
    before = socket.getdefaulttimeout()  # the caller's own holds
    socket.setdefaulttimeout(SILENCE if before is None else before)
    try:
        with contextlib.redirect_stderr(sys.stdout):  # a notebook takes stderr for a fault
            yield
    finally:
        socket.setdefaulttimeout(before)
