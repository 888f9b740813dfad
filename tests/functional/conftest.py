"""Fixtures of the functional tests. Every module gets a server of its own; a test that breaks or configures one starts another."""

import os

import pytest

from support import audio
from support.house import House
from support.postgres import Cluster
from support.server import BINARY, Server
from support.square import SETTINGS, FakeSquare

# Servers, their peers and their clients are all on this machine; a proxy that the environment names is for npm alone.
for name in ("no_proxy", "NO_PROXY"):
    os.environ[name] = ",".join(filter(None, [os.environ.get(name), "127.0.0.1", "127.0.0.2", "localhost", "::1"]))


def pytest_addoption(parser):
    group = parser.getgroup("tollhouse")
    group.addoption(
        "--database-engine", choices=("sqlite", "postgres"), default="sqlite", help="the database behind every server"
    )
    group.addoption("--all", action="store_true", help="also the slow and violent tests (marked fault)")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--all"):
        return
    left_out = [item for item in items if item.get_closest_marker("fault")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session")
def cluster(request):
    """The private PostgreSQL, or None when the run is on SQLite."""
    if request.config.getoption("--database-engine") == "sqlite":
        yield None
        return
    made = Cluster()
    yield made
    made.close()


@pytest.fixture
def house(tmp_path, cluster):
    """A data folder without a server."""
    return House(tmp_path / "data", cluster.new_database() if cluster else None)


class Starter:
    """Makes servers and ends them all."""

    def __init__(self, folders, cluster):
        self.folders = folders
        self.cluster = cluster
        self.servers = []

    def prepare(self, directory=None, environment=None, **config):
        """A server that is not started yet."""
        assert BINARY.exists(), f"no server to test: build {BINARY}, or name one in TOLLHOUSE"
        database = self.cluster.new_database() if self.cluster else None
        server = Server(directory or self.folders.mktemp("server"), config, database, environment)
        self.servers.append(server)
        return server

    def __call__(self, operator=True, **config):
        return self.prepare(**config).start(operator)

    def close(self):
        for server in self.servers:
            server.dispose()


@pytest.fixture
def start_server(tmp_path_factory, cluster):
    """start_server(stems={"max_concurrent_jobs": 1}) -> a running server that lives as long as the test."""
    starter = Starter(tmp_path_factory, cluster)
    yield starter
    starter.close()


@pytest.fixture(scope="module")
def start_module_server(tmp_path_factory, cluster):
    starter = Starter(tmp_path_factory, cluster)
    yield starter
    starter.close()


@pytest.fixture(scope="module")
def settings():
    """Sections of the configuration of the module's server; a module overrides this fixture."""
    return {}


@pytest.fixture(scope="module")
def server(start_module_server, settings):
    """The module's server. Its operator registered first and is the admin."""
    return start_module_server(**settings)


@pytest.fixture
def account(server):
    return server.account()


@pytest.fixture
def other(server):
    return server.account()


@pytest.fixture(scope="module")
def owner(server):
    """An account with credits enough for a whole module."""
    return server.account(credits=1000)


@pytest.fixture(scope="module")
def done(owner):
    """A completed four-stem job of `owner`. Leave it as it is."""
    return owner.finished("song.mp3", audio.encoded(".mp3"), model="htdemucs", stem_count="4")


@pytest.fixture
def square():
    fake = FakeSquare()
    yield fake
    fake.close()


@pytest.fixture
def shop(start_server, square):
    """A server that takes payments through the fake provider."""
    return start_server(payments={**SETTINGS, "square_base_url": square.url})


@pytest.fixture
def busy(start_server):
    """A server with one worker, and a job that occupies it until it is cancelled."""
    server = start_server(stems={"max_concurrent_jobs": 1})
    holder = server.account(credits=100)
    job = holder.upload("long.wav", audio.long_noise())
    holder.wait(job["id"], "processing")
    server.blocker = (holder, job["id"])
    server.release = lambda: holder.session.post(f"/jobs/{job['id']}/cancel")
    return server
