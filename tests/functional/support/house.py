"""A data folder without a server, and `tollhouse models` over it."""

import json
import os
import random
import resource
import subprocess

from support.server import BINARY


class House:
    def __init__(self, data, database):
        self.data = data
        self.database = ["--database", database] if database else []

    def start(self, *arguments, open_files=None, limits=(), **environment):
        """`limits`: pairs of a resource and its bound."""
        bounds = [*limits, *([(resource.RLIMIT_NOFILE, open_files)] if open_files else [])]

        def bound():
            for what, limit in bounds:
                resource.setrlimit(what, limit)

        return subprocess.Popen(
            [str(BINARY), "models", *map(str, arguments), "--data", str(self.data), *self.database],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
            preexec_fn=bound if bounds else None,
        )

    def run(self, *arguments, **environment):
        process = self.start(*arguments, **environment)
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err

    def __call__(self, *arguments, **environment):
        status, out, err = self.run(*arguments, "--format", "json", **environment)
        assert status == 0, f"{arguments} succeeds: {out} {err}"
        return json.loads(out)

    def refuses(self, *arguments, **environment):
        status, out, err = self.run(*arguments, **environment)
        assert status == 1, f"{arguments} fails: {status} {out} {err}"
        return err

    def files(self, repo):
        to = self.data.parent / f"out-{random.getrandbits(32)}"
        self("pull", repo, "--to", str(to))
        return {str(path.relative_to(to)): path.read_bytes() for path in sorted(to.rglob("*")) if path.is_file()}

    def blobs(self):
        return sorted(path for path in (self.data / "blobs").rglob("*") if path.is_file())

    def is_empty(self):
        """No model, no bytes, nothing half stored."""
        return self("list") == [] and self.blobs() == []

    def halves(self):
        """What waits for the next attempt of a download."""
        return sorted(path for path in (self.data / "mirror").rglob("*") if path.is_file())
