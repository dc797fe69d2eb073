"""What holds for every test: no network beyond this machine, one mark for all browser tests."""

from __future__ import annotations

import ipaddress
import os
import signal
import socket
from pathlib import Path

import pytest

os.environ.setdefault("MPLBACKEND", "Agg")
BROWSER = Path(__file__).parent / "browser"

# A shell lets what it starts in the background ignore Ctrl-C, and so would the commands under test.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in tests/browser, so that no new file there can forget to."""
    for item in items:
        if BROWSER in item.path.parents:
            item.add_marker("browser")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name a test after an argument of bytes, not after the bytes: they may hold the time.

    The processes that share a run have to find the same names, or none of them starts.
    """
    return argname if isinstance(val, bytes) else None


def pytest_collection_finish(session: pytest.Session) -> None:
    """Say once, not once a test, that a run of browser tests alone has no browser."""
    if session.items and all(item.get_closest_marker("browser") for item in session.items):
        from visits import find_chromium  # on the path once tests/browser is collected

        try:
            find_chromium()
        except pytest.fail.Exception as error:
            pytest.exit(f"error: {error}", returncode=1)


def is_here(address: object) -> bool:
    """Tell whether a socket's address is on this machine."""
    if not isinstance(address, tuple):  # a Unix socket
        return True
    host = address[0]
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@pytest.fixture(autouse=True)
def _stay_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail a test that reaches for another machine: every test passes without a network."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if not is_here(address):
            raise AssertionError(f"a test must not connect to {address}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
