"""Waiting for something that another process does: look, look again, give up at a deadline."""

import time


def until(condition, what, seconds=30.0):
    """Returns the first truthy value of condition(); fails with `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    pause = 0.01
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {what}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.2)
