"""What was counted is there after the server is not."""

import time

import pytest

from support.polling import until
from support.tunes import Listener, early_in_the_minute


@pytest.fixture
def own(start_server):
    """A server of the test's own, a free account and a key with 10 calls a minute."""
    server = start_server()
    listener = Listener(server, "free")
    return server, listener, listener.with_key("read:tracks")


def usage(listener, client):
    return listener.session.get(f"{client.path}/usage").json()


def test_limits_survive_a_restart(own):
    server, _, client = own
    early_in_the_minute(30)
    assert [client.get("/tracks").status_code for _ in range(6)] == [200] * 6
    server.restart()
    found = [client.get("/tracks").status_code for _ in range(8)]
    assert found == [200] * 4 + [429] * 4, "6 of 10 calls were used before the restart"


def test_kill_9_loses_no_more_than_a_flush(own):
    server, listener, client = own
    early_in_the_minute(30)
    for _ in range(5):
        assert client.get("/tracks").status_code == 200
    until(lambda: usage(listener, client)["total_requests"] == 5, "five calls are in the report within 2 s", 2.5)
    for _ in range(2):
        client.get("/tracks")
    server.restart(kill=True)
    kept = usage(listener, client)["total_requests"]
    assert 5 <= kept <= 7, "what a report has shown is never lost again"
    found = [client.get("/tracks").status_code for _ in range(8)]
    assert found == [200] * (10 - kept) + [429] * (kept - 2), "the limits know what the report knows"


def test_use_counters_of_a_key_lag_two_seconds_at_most(own):
    _, listener, client = own
    for _ in range(3):
        client.get("/tracks")
    client.get("/nothing-here")
    asked = time.time()
    key = until(
        lambda: (seen := listener.key(client.key["id"]))["total_requests"] == 4 and seen,
        "total_requests follows within 2 s",
        2.5,
    )
    assert key["last_used_ip"] == "127.0.0.1" and key["last_used_at"], key
    assert time.time() - asked < 2.6
