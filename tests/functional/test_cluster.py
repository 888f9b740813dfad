"""Two servers over one PostgreSQL and one Redis are one gate."""

import concurrent.futures
import contextlib
import shutil
import signal
import socket
import subprocess
import time

import pytest
import requests

from support.accounts import Client
from support.postgres import Cluster
from support.polling import until
from support.server import Server
from support.tunes import Listener, early_in_the_minute

REDIS = shutil.which("redis-server")
SECRETS = {"session_key": "9b1f0c6f3a8e47d2b5c4e1f7a0d36829", "api_key_pepper": "4d7e2a90c1b853f6e8d07a42b9c6f135"}


class Redis:
    """A private redis-server on a Unix socket."""

    def __init__(self, folder):
        self.socket = folder / "redis.sock"
        self.url = f"unix://{self.socket}"
        self.process = subprocess.Popen(
            [REDIS, "--port", "0", "--unixsocket", self.socket, "--dir", folder, "--save", "", "--appendonly", "no"],
            stdout=subprocess.DEVNULL,
        )
        until(self.answers, "redis-server listens", 10)

    def answers(self):
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(self.socket))
            return True

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def close(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def redis(tmp_path_factory):
    if not REDIS:
        pytest.skip("redis-server is not installed")
    made = Redis(tmp_path_factory.mktemp("redis"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def pair(tmp_path_factory, cluster, redis):
    """Two running servers, and nothing but the database, Redis and the secrets between them."""
    own = None if cluster else Cluster()
    database = (cluster or own).new_database()
    config = {"secrets": SECRETS, "limits": {"redis": redis.url}}
    servers = [Server(tmp_path_factory.mktemp(name), config, database) for name in ("one", "two")]
    for server in servers:
        server.start()
    yield servers
    for server in servers:
        server.dispose()
    if own:
        own.close()


def at_both(pair, key):
    return [Client(server, key["api_key"]) for server in pair]


def statuses(clients, calls):
    """What so many calls are answered, sent by eight threads to the clients in turn."""
    with concurrent.futures.ThreadPoolExecutor(8) as crowd:
        return list(crowd.map(lambda i: clients[i % len(clients)].get("/tracks").status_code, range(calls)))


def metric(server, name):
    for line in requests.get(f"{server.url}/metrics").text.splitlines():
        if line.startswith(name + " "):
            return float(line.split()[1])
    raise AssertionError(f"{name} is among the metrics")


def test_a_limit_of_300_lets_exactly_300_through_two_servers(pair):
    key = Listener(pair[0], "pro").made("read:tracks")
    early_in_the_minute(30)
    began = time.time() // 60
    found = statuses(at_both(pair, key), 360)
    assert time.time() // 60 == began, "the calls fit into one minute"
    assert sorted(set(found)) == [200, 429] and found.count(200) == 300, (
        f"a limit of 300 a minute admits 300 calls through two servers, not {found.count(200)}"
    )


def test_a_revoked_key_dies_on_both_servers_within_a_second(pair):
    listener = Listener(pair[0], "pro")
    key = listener.made("read:tracks")
    here, there = at_both(pair, key)
    assert here.get("/tracks").status_code == 200 and there.get("/tracks").status_code == 200
    revoked = listener.session.post(f"/api-keys/{key['id']}/revoke")
    answered = time.monotonic()
    assert revoked.status_code == 200
    assert here.get("/tracks").status_code == 401, "where it was revoked a key is dead for the next request"
    last_good = answered
    while there.get("/tracks").status_code == 200:
        last_good = time.monotonic()
        assert last_good - answered <= 1.0, "on the other server a revoked key is dead within a second"


def test_usage_of_both_servers_is_one_sum(pair):
    listener = Listener(pair[0], "pro")
    key = listener.made("read:tracks")
    for client in at_both(pair, key) * 3:
        assert client.get("/tracks").status_code == 200
    usage = until(
        lambda: (seen := listener.session.get(f"/api-keys/{key['id']}/usage").json())["total_requests"] == 6 and seen,
        "the calls of both servers are in the report within 2 s",
        2.5,
    )
    assert usage["requests_by_endpoint"] == {"/tracks": 6} and usage["requests_by_status_code"] == {"200": 6}


def test_a_silent_redis_stops_nobody_and_frees_nobody(pair, redis):
    key = Listener(pair[0], "free").made("read:tracks")
    here, _ = at_both(pair, key)
    early_in_the_minute(30)
    assert [here.get("/tracks").status_code for _ in range(6)] == [200] * 6
    redis.freeze()
    try:
        found = [here.get("/tracks").status_code for _ in range(8)]
        assert found == [200] * found.count(200) + [429] * found.count(429), found
        assert 3 <= found.count(200) <= 4, "the counts go on from what Redis had said; a call that it swallowed counts"
        assert metric(pair[0], "tollhouse_rate_limit_redis_down") == 1
        assert "counters.redis_down" in pair[0].log()
    finally:
        redis.thaw()
    until(lambda: metric(pair[0], "tollhouse_rate_limit_redis_down") == 0, "the server finds Redis again", 10)
