#!/usr/bin/python3
"""The registry with a large catalogue on SQLite: the median of each route, and requests a second with wrk.

Usage: registry_bench.py [--binary build/release/tollhouse] [--models 100000] [--files 20] [--seconds 5] [--rounds 300]

Starts a server of its own on a private folder, fills its database with SQL while it is stopped, and asks it as a developer who owns
nothing: every public model is seen, a tenth is private and somebody else's. Medians are those of one client over one connection, the
client's own time included; wrk uses 16 connections on the same machine.
"""

import argparse
import hashlib
import http.client
import json
import os
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WORDS = "bert llama whisper demucs vit clip gemma mistral falcon phi qwen audio vision speech large small base tiny".split()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    def __init__(self, binary, folder):
        self.binary, self.folder, self.port, self.process = binary, Path(folder), free_port(), None

    def start(self):
        command = [self.binary, "serve", "--listen", f"127.0.0.1:{self.port}", "--data", str(self.folder / "data"), "--log-level", "warn"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=open(self.folder / "log", "ab"))
        for _ in range(600):
            try:
                if self.ask("GET", "/healthz")[0] == 200:
                    return
            except OSError:
                time.sleep(0.1)
        sys.exit("the server does not answer: " + (self.folder / "log").read_text()[-2000:])

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()

    def ask(self, method, path, body=None, key=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Content-Type": "application/json"} if body else {}
        if key:
            headers["x-api-key"] = key
        connection.request(method, path, body and json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, answer.read()


def name_of(n):
    return f"org{n % 997}/{WORDS[n % len(WORDS)]}-{WORDS[(n // 7) % len(WORDS)]}-{n}"


def seed(database, models, files):
    db = sqlite3.connect(database)
    db.execute("PRAGMA synchronous = OFF")
    start, base = 1_700_000_000, db.execute("SELECT seq FROM model_feed").fetchone()[0]
    rows, search = [], []
    for n in range(1, models + 1):
        repo = name_of(n)
        text = f"{repo}\x1fmodel {n}\x1f{repo.split('/')[0]}"
        private = n % 10 == 0
        rows.append((n + 100, repo, 999 if private else None, 0 if private else 1, start + n // 50, base + n, "created", files, 1, n % 2,
                     n * 3, n, n * 1000, f"{n}K", start * 1_000_000, start * 1_000_000, f"https://hub.example/{repo}", f"Model {n}",
                     repo.split("/")[0], "text-generation", "apache-2.0", "en, de", "nlp, bench, " + WORDS[n % len(WORDS)], text.lower()))
        search.append((n + 100, text.lower()))
    db.executemany(
        "INSERT INTO model_repos (id, repo_id, owner_id, is_public, last_update_ts, change_seq, change, file_count, has_safetensors, "
        "has_bin, downloads, likes, parameters, parameters_readable, created_at, last_modified, canonical_url, model_name, author, "
        "pipeline_tag, license, languages, tags, search) VALUES (" + ",".join("?" * 24) + ")", rows)
    db.executemany("INSERT INTO model_search (rowid, search) VALUES (?, ?)", search)
    db.execute("UPDATE model_feed SET seq = ?, stamp = ?, closed = ?", (base + models, start + models // 50, start + models // 50))

    def file_rows():
        for n in range(1, models + 1):
            repo = name_of(n)
            for f in range(files):
                file = f"part-{f:05}.safetensors" if f else "config.json"
                digest = hashlib.sha256(f"{n}/{f}".encode()).hexdigest()
                yield (n + 100, file, 0, 1, 1000 + f, digest, f"hf/{repo}/{file}", start)

    db.executemany(
        "INSERT INTO model_files (repo, rfilename, version, ready, size, sha256, object_key, updated_ts) VALUES (?,?,?,?,?,?,?,?)", file_rows())
    db.commit()
    db.execute("ANALYZE")
    db.commit()
    db.close()


def median(server, key, paths, rounds):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    times = []
    for i in range(rounds):
        path = paths[i % len(paths)]
        begun = time.perf_counter()
        connection.request("GET", path, headers={"x-api-key": key})
        answer = connection.getresponse()
        answer.read()
        times.append(time.perf_counter() - begun)
        assert answer.status in (200, 404), f"{path}: {answer.status}"
    return statistics.median(times) * 1000, sorted(times)[int(len(times) * 0.95)] * 1000


def wrk(server, key, path, seconds):
    command = ["wrk", "-t2", "-c16", f"-d{seconds}s", "-H", f"x-api-key: {key}", f"http://127.0.0.1:{server.port}{path}"]
    shown = subprocess.run(command, capture_output=True, text=True).stdout
    if "Non-2xx" in shown:
        sys.exit(shown)
    cpu = sum(float(x) for x in Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()[11:13])
    rate = next(float(line.split()[1]) for line in shown.splitlines() if line.startswith("Requests/sec"))
    return rate, cpu


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=str(ROOT / "build/release/tollhouse"))
    parser.add_argument("--models", type=int, default=100_000)
    parser.add_argument("--files", type=int, default=20)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=300)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tollhouse-registry-bench-") as folder:
        server = Server(given.binary, folder)
        server.start()
        key = json.loads(server.ask("POST", "/v1/users/register", {"email": "bench@example.com", "name": "Bench"})[1])["api_key"]
        server.stop()
        begun = time.time()
        seed(Path(folder) / "data" / "tollhouse.db", given.models, given.files)
        print(f"{given.models} models, {given.models * given.files} files in {time.time() - begun:.0f} s; {os.cpu_count()} cores", flush=True)
        server.start()
        numbers = [(i * 7919) % given.models + 1 for i in range(given.rounds)]
        names = [name_of(n) for n in numbers]
        routes = {
            "models?limit=100": ["/v1/models?limit=100"],
            "models?limit=100&offset=50000": ["/v1/models?limit=100&offset=50000"],
            "models?updated_since": [f"/v1/models?limit=100&updated_since={1_700_000_000 + n // 50}" for n in numbers],
            "search, rare (model id)": [f"/v1/models?q={name.split('/')[1]}" for name in names],
            "search, common (bert)": ["/v1/models?q=bert"],
            "search, nothing (zzzqqq)": ["/v1/models?q=zzzqqq"],
            "search, two letters (vi)": ["/v1/models?q=vi"],
            "detail": [f"/v1/models/{name}" for name in names],
            "files": [f"/v1/models/{name}/files" for name in names],
            "manifest": [f"/v1/manifest/{name}" for name in names],
            "download (bytes absent: 404)": [f"/v1/files/{name}/config.json/download" for name in names],
            "versions": [f"/v1/models/{name}/versions" for name in names],
            "changes?limit=500": [f"/v1/changes?limit=500&since={1_700_000_000 + n // 50}" for n in numbers],
        }
        for title, paths in routes.items():
            middle, late = median(server, key, paths, given.rounds)
            print(f"{title:32} median {middle:6.2f} ms   p95 {late:6.2f} ms", flush=True)
        for path in ("/v1/models?limit=100", "/v1/changes?since=1700000000&limit=500", f"/v1/models/{name_of(1)}"):
            before = wrk(server, key, path, 1)[1]
            rate, after = wrk(server, key, path, given.seconds)
            per_request = (after - before) * 10_000 / max(rate * given.seconds, 1)
            print(f"{path:45} {rate:8.0f} req/s   {per_request:6.0f} CPU-us a request (server)", flush=True)
        resident = next(line.split()[1] for line in Path(f"/proc/{server.process.pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
        print(f"server resident {int(resident) // 1024} MiB, {len(os.listdir(f'/proc/{server.process.pid}/fd'))} descriptors")
        server.stop()


if __name__ == "__main__":
    main()
