"""Letting days pass: libfaketime moves the wall clock of a restarted server and leaves its timers alone."""

import glob

import pytest

LIBRARIES = sorted(glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")) + sorted(
    glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
)


def later(days=0, hours=0):
    """Environment of a server that lives that much later; skips the test where Debian's package faketime is not installed."""
    if not LIBRARIES:
        pytest.skip("needs Debian's package libfaketime to move the server's clock")
    return {
        "LD_PRELOAD": LIBRARIES[0],
        "FAKETIME": f"+{days * 24 + hours}h",
        "DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
