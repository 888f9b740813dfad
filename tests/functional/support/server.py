"""One running server with a private data folder, stopped by its process id."""

import contextlib
import itertools
import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import requests

from support.accounts import Account, Client
from support.polling import until

ROOT = Path(__file__).resolve().parents[3]
BINARY = Path(os.environ.get("TOLLHOUSE") or ROOT / "build" / "release" / "tollhouse")
FASTER = {"passwords": {"cost": "minimal"}}
DATABASE_SUFFIXES = (".db", ".db-wal", ".db-shm", ".db-journal", ".sqlite", ".sqlite3", "-wal", "-shm", "-journal")
_numbers = itertools.count(1)


def free_port():
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def as_toml(sections):
    """Our settings are strings, numbers, booleans and lists of them, which JSON and TOML write alike, and lists of tables."""
    lines = []
    for section, settings in sections.items():
        lines.append(f"[{section}]")
        tables = {name: value for name, value in settings.items() if value and isinstance(value, list) and isinstance(value[0], dict)}
        lines += [f"{name} = {json.dumps(value)}" for name, value in settings.items() if name not in tables]
        for name, rows in tables.items():
            for row in rows:
                lines += [f"[[{section}.{name}]]", *(f"{key} = {json.dumps(value)}" for key, value in row.items())]
    return "\n".join(lines) + "\n"


def descendants(pid):
    """Process ids of all children, grandchildren and so on that are alive now."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, IndexError, ValueError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if fields[0] != "Z":
                    parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found, queue = [], [pid]
    while queue:
        children = parents.get(queue.pop(), [])
        found += children
        queue += children
    return found


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Server:
    """`tollhouse serve` on a free port. Keeps its port over restarts, so that addresses stay good."""

    def __init__(self, directory, config=None, database=None, environment=None):
        self.directory = Path(directory)
        self.data = self.directory / "data"
        self.log_path = self.directory / "server.log"
        self.config_path = self.directory / "tollhouse.toml"
        self.database = database
        self.environment = dict(environment or {})
        self.config = {}
        for source in (FASTER, config or {}):
            for section, settings in source.items():
                self.config.setdefault(section, {}).update(settings)
        self.port = free_port()
        self.process = None
        self.operator = None
        self._followers = set()

    # ---- the process

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self):
        return self.process.pid

    def arguments(self):
        found = ["--data", str(self.data), "--config", str(self.config_path)]
        return found + (["--database", self.database] if self.database else [])

    def launch(self):
        """Starts the process and does not wait for it."""
        self.data.mkdir(parents=True, exist_ok=True)
        self.config_path.write_text(as_toml(self.config))
        command = [str(BINARY), "serve", "--listen", f"127.0.0.1:{self.port}", *self.arguments()]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **self.environment},
                start_new_session=True,
            )
        return self

    def start(self, operator=False):
        self.launch()
        until(self.is_ready, f"the server answers /readyz; its log ends:\n{self.log()[-2000:]}", 30)
        if operator and self.operator is None:
            self.operator = self.account()  # the first registrant is the admin
        return self

    def is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError(
                f"the server ended with {self.process.returncode}; its log ends:\n{self.log()[-2000:]}"
            )
        try:
            return requests.get(f"{self.url}/readyz", headers=self.operator_headers(), timeout=2).status_code == 200
        except requests.RequestException:
            return False

    def operator_headers(self):
        """What the operator's own routes want; nothing unless a token is set."""
        token = self.config.get("server", {}).get("operator_token")
        return {"Authorization": f"Bearer {token}"} if token else {}

    def workers(self):
        found = descendants(self.pid) if self.process and self.process.poll() is None else []
        self._followers.update(found)
        return found

    def stop(self, seconds=30):
        """Asks the server to end; answers its exit status."""
        if self.process is None:
            return None
        self.workers()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f"the server did not end within {seconds} s of SIGTERM")
        return self.process.returncode

    def kill9(self):
        """kill -9 of the server alone; its workers have to notice by themselves."""
        self.workers()
        os.kill(self.pid, signal.SIGKILL)
        self.process.wait()

    def kill_workers(self):
        killed = self.workers()
        for pid in killed:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return killed

    def restart(self, kill=False, **environment):
        self.kill9() if kill else self.stop()
        self.environment.update(environment)
        return self.start()

    def followers(self):
        """Workers of this server, seen at any time, that are still alive."""
        return [pid for pid in self._followers if alive(pid)]

    def dispose(self):
        """Ends everything this object started, whatever state it is in."""
        with contextlib.suppress(AssertionError):
            self.stop(10)
        deadline = time.monotonic() + 3
        while self.followers() and time.monotonic() < deadline:
            time.sleep(0.05)
        for pid in self.followers():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    # ---- what it leaves behind

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def log_records(self):
        """Every line of the log that is a JSON object."""
        records = []
        for line in self.log().splitlines():
            with contextlib.suppress(ValueError):
                record = json.loads(line)
                if isinstance(record, dict):
                    records.append(record)
        return records

    def files(self):
        """Relative names of all files below the data folder, except the database's own."""
        names = set()
        for folder, _, files in os.walk(self.data):
            names.update(os.path.relpath(os.path.join(folder, name), self.data) for name in files)
        return {name for name in names if not name.endswith(DATABASE_SUFFIXES)}

    def largest_unnamed_file(self):
        """Bytes of the largest file that the server has open and that has no name: an upload on its way."""
        largest = 0
        for entry in os.scandir(f"/proc/{self.pid}/fd"):
            with contextlib.suppress(OSError):
                if "(deleted)" in os.readlink(entry.path):
                    largest = max(largest, os.stat(entry.path).st_size)
        return largest

    def bytes_on_disk(self, needle):
        """Names of files, the database included, that contain these bytes."""
        found = []
        for folder, _, files in os.walk(self.data):
            for name in files:
                with contextlib.suppress(OSError):
                    if needle in Path(folder, name).read_bytes():
                        found.append(name)
        return found

    # ---- talking to it

    def client(self, credential=None, **headers):
        return Client(self, credential, headers)

    def account(self, credits=None, **fields):
        """A fresh account. `credits` sets its balance exactly, by the hand of the operator."""
        number = next(_numbers)
        made = Account.register(
            self,
            **{
                "email": f"user{number}@example.com",
                "username": f"user{number}",
                "password": f"pass-word-{number}",
                **fields,
            },
        )
        if credits is not None:
            self.set_credits(made, credits)
        return made

    def set_credits(self, account, credits):
        change = credits - account.credits()
        if change:
            answer = self.operator.session.post(f"/admin/users/{account.id}/credits", json={"amount": change})
            assert answer.status_code == 200, f"an admin sets a balance: {answer.status_code} {answer.text[:300]}"

    def run(self, *arguments, **options):
        """The command line beside the server, on the same data."""
        options = {"capture_output": True, "text": True, "timeout": 60, **options}
        return subprocess.run(
            [str(BINARY), *map(str, arguments), *self.arguments()], env={**os.environ, **self.environment}, **options
        )
