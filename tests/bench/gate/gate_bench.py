#!/usr/bin/env python3
"""A keyed, scoped, limited, metered GET beside its peers, in one interleaved run. README.md says who does what.

    tests/bench/gate/gate_bench.py --tollhouse build/release/tollhouse --raw-epoll build/release/tests/bench/raw_epoll
        [--rounds 3] [--seconds 4] [--connections 64,512] [--only NAME,...]

Servers run on one core, the load on another. Everything stays on loopback and in a temporary folder.
"""

import argparse
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
PEERS = os.path.join(HERE, "peers")
TICK = os.sysconf("SC_CLK_TCK")
KEY = "tt_AbCdEfGhIjKlMnOpQrStUvWxYz3jTFSV"
PLENTY = 1_000_000_000


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def family(pid):
    """A process and its descendants."""
    out = [pid]
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as f:
                for child in f.read().split():
                    out += family(int(child))
    except OSError:
        pass
    return out


def cpu_seconds(pid):
    total = 0
    for one in family(pid):
        with open(f"/proc/{one}/stat") as f:
            fields = f.read().rsplit(") ", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICK


def call(url, data=None, token=None):
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    body = None if data is None else json.dumps(data).encode()
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=30) as answer:
        return json.load(answer)


class Server:
    """A process on the servers' core. start() returns once it answers."""

    name = ""
    path = "/tracks/1"
    key = KEY

    def __init__(self, folder):
        self.folder = folder
        self.port = free_port()
        self.log = open(os.path.join(folder, "out.log"), "ab")

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def run(self, command, **options):
        self.process = subprocess.Popen(
            ["taskset", "-c", "0"] + command, stdout=self.log, stderr=self.log, start_new_session=True, **options
        )
        until = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > until:
                    raise SystemExit(f"{self.name} did not start; see {self.log.name}")
                time.sleep(0.02)

    def template(self, name, **more):
        with open(os.path.join(PEERS, name)) as f:
            text = f.read()
        places = {"FOLDER": self.folder, "PORT": self.port, "KEY": KEY, "BODY": self.body, **more}
        for place, value in places.items():
            text = text.replace(f"@{place}@", str(value))
        path = os.path.join(self.folder, name)
        with open(path, "w") as f:
            f.write(text)
        with open(os.path.join(self.folder, "body.json"), "w") as f:
            f.write(self.body)
        return path

    def stop(self):
        for one in family(self.process.pid)[::-1]:
            try:
                os.kill(one, signal.SIGTERM)
            except ProcessLookupError:
                pass
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()


class Tollhouse(Server):
    name = "tollhouse"

    def __init__(self, folder, binary):
        super().__init__(folder)
        self.binary = binary

    def start(self):
        data = os.path.join(self.folder, "data")
        environment = dict(os.environ, TOLLHOUSE_PASSWORDS_COST="minimal", TOLLHOUSE_SERVER_THREADS="1")
        self.run([self.binary, "serve", "--listen", f"127.0.0.1:{self.port}", "--data", data], env=environment)
        account = {"email": "bench@example.com", "username": "bench", "password": "a long password"}
        session = call(self.url + "/auth/register", account)["access_token"]
        plan = ["--per-minute", PLENTY, "--per-hour", PLENTY, "--per-day", PLENTY]
        command = [self.binary, "accounts", "set-plan", account["email"], "enterprise", "--data", data]
        subprocess.run(command + [str(word) for word in plan], check=True, capture_output=True)
        scopes = ["read:tracks", "write:tracks"]
        self.key = call(self.url + "/api-keys", {"name": "bench", "scopes": scopes}, session)["api_key"]
        song = {"name": "Song", "artists": ["Somebody"], "genres": ["pop"], "duration_ms": 180000}
        track = call(self.url + "/tracks", song, self.key)
        self.path = f"/tracks/{track['id']}"
        self.answer = json.dumps(track, separators=(",", ":"))


class RawEpoll(Server):
    name = "raw epoll"

    def __init__(self, folder, binary):
        super().__init__(folder)
        self.binary = binary

    def start(self):
        self.run([self.binary, str(self.port), str(len(self.body))])


class NginxMap(Server):
    name = "nginx map + limit_req"

    def start(self):
        self.run(["nginx", "-c", self.template("nginx_map.conf")])


class NginxLua(Server):
    name = "nginx-lua, 3 windows"

    def start(self):
        self.run(["nginx", "-c", self.template("nginx_lua.conf", MODULES="/usr/lib/nginx/modules")])


class HAProxy(Server):
    name = "HAProxy stick tables"

    def start(self):
        self.run(["haproxy", "-db", "-f", self.template("haproxy.cfg")])


class Fastify(Server):
    name = "fastify + rate-limit"

    def start(self):
        source = os.path.join(self.folder, "fastify")
        shutil.copytree(os.path.join(PEERS, "fastify"), source)
        npm = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(npm, cwd=source, check=True, stdout=self.log, stderr=self.log)
        self.template("haproxy.cfg")
        body = os.path.join(self.folder, "body.json")
        self.run(["node", os.path.join(source, "server.mjs"), str(self.port), KEY, body])


class FastAPI(Server):
    name = "FastAPI, uvicorn"

    def start(self):
        self.template("haproxy.cfg")
        environment = dict(os.environ, GATE_KEY=KEY, GATE_BODY=os.path.join(self.folder, "body.json"))
        command = ["/usr/bin/python3", "-m", "uvicorn", "--app-dir", PEERS, "fastapi_app:app", "--port", str(self.port)]
        self.run(command, env=environment)


def load(server, connections, seconds):
    """CPU-us a request, requests a second, 99th percentile in ms."""
    header = f"Authorization: Bearer {server.key}"
    command = ["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-H", header]
    before = cpu_seconds(server.process.pid)
    out = subprocess.run(command + [server.url + server.path], capture_output=True, text=True, check=True).stdout
    spent = cpu_seconds(server.process.pid) - before
    if "Non-2xx" in out:
        raise SystemExit(f"{server.name} refused requests:\n{out}")
    requests = int(re.search(r"(\d+) requests in", out).group(1))
    number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", out).groups()
    p99 = float(number) * {"us": 1e-3, "ms": 1, "s": 1e3}[unit]
    return spent * 1e6 / requests, requests / seconds, p99


def must_refuse(server):
    """A peer that answers anybody is no peer."""
    request = urllib.request.Request(server.url + server.path, headers={"Authorization": "Bearer " + KEY[:-1] + "x"})
    try:
        urllib.request.urlopen(request, timeout=5)
    except urllib.error.HTTPError as refused:
        if refused.code == 401:
            return
    raise SystemExit(f"{server.name} does not check the key")


def table(servers, figures, connections):
    ours = statistics.median(f[0] for f in figures["tollhouse"]) if "tollhouse" in figures else None
    print(f"\n{connections} connections, one core each for server and load\n")
    print("| server | CPU-µs a request | of ours | requests/s | p99 ms |\n|---|---:|---:|---:|---:|")
    for server in servers:
        cpu, rate, p99 = (statistics.median(f[i] for f in figures[server.name]) for i in range(3))
        ratio = f"{cpu / ours:.2f}" if ours else "-"
        print(f"| {server.name} | {cpu:.1f} | {ratio} | {rate:,.0f} | {p99:.1f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tollhouse", required=True)
    parser.add_argument("--raw-epoll", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--connections", default="64,512")
    parser.add_argument("--only", help="names that begin so, comma-separated")
    options = parser.parse_args()
    root = tempfile.mkdtemp(prefix="gate-bench-")
    makers = [
        lambda f: Tollhouse(f, os.path.abspath(options.tollhouse)),
        lambda f: RawEpoll(f, os.path.abspath(options.raw_epoll)),
        NginxMap,
        NginxLua,
        HAProxy,
        Fastify,
        FastAPI,
    ]
    servers = []
    try:
        for number, make in enumerate(makers):
            folder = os.path.join(root, str(number))
            os.makedirs(folder)
            server = make(folder)
            if number and options.only and not server.name.startswith(tuple(options.only.split(","))):
                continue
            servers.append(server)
            # The others answer with the body that ours gives.
            server.body = getattr(servers[0], "answer", "")
            server.start()
            if server.name != "raw epoll":
                must_refuse(server)
            load(server, 8, 1)
        for connections in (int(c) for c in options.connections.split(",")):
            figures = {server.name: [] for server in servers}
            for _ in range(options.rounds):
                for server in servers:
                    figures[server.name].append(load(server, connections, options.seconds))
            table(servers, figures, connections)
    finally:
        for server in servers:
            if hasattr(server, "process"):
                server.stop()
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
