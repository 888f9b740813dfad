"""A private PostgreSQL cluster: own folder, own port, gone at the end."""

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from support.polling import until
from support.server import free_port

PROGRAMS = Path(os.environ.get("POSTGRES_BIN", "/usr/lib/postgresql/15/bin"))


class Cluster:
    """PostgreSQL refuses to run as root, so a root test run hands the folder to the user postgres."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="tollhouse-postgres-")
        self.port = free_port()
        self.numbers = itertools.count(1)
        self.identity = {}
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self.identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        data = f"{self.folder}/data"
        subprocess.run(
            [
                PROGRAMS / "initdb",
                "-D",
                data,
                "-U",
                "tollhouse",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--no-locale",
                "--no-sync",
            ],
            check=True,
            capture_output=True,
            cwd=self.folder,
            **self.identity,
        )
        with open(f"{self.folder}/log", "wb") as log:
            self.process = subprocess.Popen(
                [
                    PROGRAMS / "postgres",
                    "-D",
                    data,
                    "-p",
                    str(self.port),
                    "-k",
                    self.folder,
                    "-c",
                    "listen_addresses=127.0.0.1",
                    "-c",
                    "fsync=off",
                    "-c",
                    "max_connections=300",
                ],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                **self.identity,
            )
        until(self.accepts, "the private PostgreSQL accepts connections", 30)

    def accepts(self):
        return (
            subprocess.run(
                [PROGRAMS / "pg_isready", "-h", self.folder, "-p", str(self.port)], capture_output=True
            ).returncode
            == 0
        )

    def new_database(self):
        """The URL of an empty database."""
        name = f"tollhouse_{next(self.numbers)}"
        self.sql(f"CREATE DATABASE {name}", "postgres")
        return f"postgresql://tollhouse@127.0.0.1:{self.port}/{name}"

    def sql(self, statement, database):
        command = [
            PROGRAMS / "psql",
            "-h",
            self.folder,
            "-p",
            str(self.port),
            "-U",
            "tollhouse",
            "-X",
            "-q",
            "-d",
            database,
            "-c",
            statement,
        ]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def dump(self, url):
        """Everything a database holds, as text."""
        return subprocess.run([PROGRAMS / "pg_dump", url], check=True, capture_output=True).stdout

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
