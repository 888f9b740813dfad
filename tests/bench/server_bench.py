#!/usr/bin/env python3
"""The server beside its peers, in one interleaved run: start, idle memory, a keyed GET, a large upload.

    tests/bench/server_bench.py --tollhouse build/release/tollhouse --raw-epoll build/release/tests/bench/raw_epoll [--gib 5]

Peers come from Debian: nginx, wrk, curl. CPU time is read from /proc, so that a busy machine changes it little; wall time and
throughput are what the machine had to give. Everything stays on loopback and in a temporary folder.
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
import tempfile
import time
import urllib.request

TICK = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def cpu_seconds(pid):
    """User and system time of a process and its children that are still there (nginx's workers)."""
    total = 0.0
    for one in [pid] + children(pid):
        with open(f"/proc/{one}/stat") as f:
            fields = f.read().rsplit(") ", 1)[1].split()
        total += (int(fields[11]) + int(fields[12])) / TICK
    return total


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        return [int(p) for p in f.read().split()]


def status(pid, name):
    with open(f"/proc/{pid}/status") as f:
        return int(re.search(rf"{name}:\s+(\d+) kB", f.read()).group(1)) / 1024


def call(url, data=None, token=None):
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    body = None if data is None else json.dumps(data).encode()
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=30) as answer:
        return json.load(answer)


class Tollhouse:
    def __init__(self, binary, data):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        environment = dict(os.environ, TOLLHOUSE_PASSWORDS_COST="minimal", TOLLHOUSE_SERVER_LOG_LEVEL="info")
        begin = time.monotonic()
        self.log = open(os.path.join(os.path.dirname(data), "server.log"), "ab")
        self.process = subprocess.Popen(
            [binary, "serve", "--listen", f"127.0.0.1:{self.port}", "--data", data], env=environment, stderr=self.log
        )
        while True:
            try:
                urllib.request.urlopen(self.url + "/readyz", timeout=1)
                break
            except OSError:
                if self.process.poll() is not None:
                    raise SystemExit("the server ended; see " + self.log.name)
                time.sleep(0.001)
        self.ready_after = time.monotonic() - begin
        self.pid = self.process.pid

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(40)


class Nginx:
    def __init__(self, folder, body):
        self.port = free_port()
        os.makedirs(f"{folder}/dav")
        os.makedirs(f"{folder}/tmp")
        config = f"""daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log; user root;
events {{ worker_connections 1024; }}
http {{ access_log off; keepalive_requests 1000000; client_max_body_size 0; client_body_temp_path {folder}/tmp;
server {{ listen 127.0.0.1:{self.port};
location = /fixed {{ default_type application/json; return 200 '{body}'; }}
location /dav/ {{ root {folder}; dav_methods PUT; }} }} }}"""
        with open(f"{folder}/nginx.conf", "w") as f:
            f.write(config)
        self.folder = folder
        self.process = subprocess.Popen(["nginx", "-c", f"{folder}/nginx.conf"], stderr=subprocess.DEVNULL)
        self.pid = self.process.pid
        time.sleep(0.5)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)


def wrk(url, seconds, header=None):
    command = ["wrk", "-t1", "-c64", f"-d{seconds}s", "--latency", url]
    if header:
        command += ["-H", header]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in out:
        raise SystemExit(out)
    return int(re.search(r"(\d+) requests in", out).group(1))


def micros_per_request(pid, url, seconds, header=None):
    before = cpu_seconds(pid)
    requests = wrk(url, seconds, header)
    return (cpu_seconds(pid) - before) * 1e6 / requests, requests / seconds


def gets(toll, token, job, nginx, raw_port, raw_pid, rounds, seconds):
    sides = {
        "tollhouse GET /jobs/{id}": (toll.pid, f"{toll.url}/jobs/{job}", f"Authorization: Bearer {token}"),
        "nginx, fixed body": (nginx.pid, f"http://127.0.0.1:{nginx.port}/fixed", None),
        "raw epoll loop": (raw_pid, f"http://127.0.0.1:{raw_port}/", None),
    }
    figures = {name: [] for name in sides}
    for _ in range(rounds):
        for name, (pid, url, header) in sides.items():
            figures[name].append(micros_per_request(pid, url, seconds, header))
    base = statistics.median(f[0] for f in figures["nginx, fixed body"])
    print(f"\nkeyed GET, 64 connections, {rounds} rounds of {seconds} s, interleaved")
    print(f"{'server':28} {'CPU-us/request':>15} {'ratio':>7} {'requests/s':>12}")
    for name, values in figures.items():
        cpu, rate = (statistics.median(v[i] for v in values) for i in (0, 1))
        print(f"{name:28} {cpu:15.2f} {cpu / base:7.2f} {rate:12.0f}")


def timed(pid, command):
    cpu, begin = cpu_seconds(pid), time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - begin, cpu_seconds(pid) - cpu


def put_and_sync(nginx, source, name):
    """What makes nginx's file as durable as ours."""
    url = f"http://127.0.0.1:{nginx.port}/dav/{name}"
    wall, cpu = timed(nginx.pid, ["curl", "-sf", "-T", source, url])
    begin = time.monotonic()
    fd = os.open(f"{nginx.folder}/dav/{name}", os.O_RDONLY)
    os.fsync(fd)
    os.close(fd)
    return wall + time.monotonic() - begin, cpu


def uploads(servers, nginx, folder, gib, rounds):
    """servers: name -> (Tollhouse, token)."""
    size = int(gib * 1024)
    source = f"{folder}/source.wav"
    subprocess.run(["dd", "if=/dev/urandom", f"of={source}", "bs=1M", f"count={size}", "status=none"], check=True)
    os.sync()
    figures, pids = {}, {}

    def note(name, pid, values):
        figures.setdefault(name, []).append(values)
        pids[name] = pid

    for i in range(rounds):
        worker = children(nginx.pid)[0]
        note("nginx dav PUT", worker, timed(nginx.pid, ["curl", "-sf", "-T", source, f"http://127.0.0.1:{nginx.port}/dav/{i}.wav"]))
        os.unlink(f"{nginx.folder}/dav/{i}.wav")
        note("nginx dav PUT, then fsync", worker, put_and_sync(nginx, source, f"{i}.wav"))
        os.unlink(f"{nginx.folder}/dav/{i}.wav")
        for name, (toll, token) in servers.items():
            form = ["curl", "-sf", "-H", f"Authorization: Bearer {token}", "-F", f"file=@{source}", f"{toll.url}/upload"]
            note(f"{name} POST /upload", toll.pid, timed(toll.pid, form))
    print(f"\nupload of {gib:g} GiB, {rounds} rounds, interleaved, medians (ours: multipart, SHA-256, CRC-32, durable)")
    print(f"{'server':28} {'MiB/s':>8} {'of nginx':>9} {'CPU-s':>7} {'peak MiB':>9}")
    base = statistics.median(wall for wall, _ in figures["nginx dav PUT"])
    for name, values in figures.items():
        wall, cpu = (statistics.median(v[i] for v in values) for i in (0, 1))
        print(f"{name:28} {size / wall:8.0f} {base / wall:9.2f} {cpu:7.2f} {status(pids[name], 'VmHWM'):9.1f}")


def registered(toll):
    account = call(toll.url + "/auth/register", {"email": "b@example.com", "username": "bench", "password": "bench-bench"})
    return account["access_token"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tollhouse", default="build/release/tollhouse")
    parser.add_argument("--raw-epoll", default="build/release/tests/bench/raw_epoll")
    parser.add_argument("--gib", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--uploads-only", action="store_true")
    parser.add_argument("--also", help="an older tollhouse, for the uploads")
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="tollhouse-bench.")
    raw = None
    try:
        starts = []
        for i in range(5):
            toll = Tollhouse(options.tollhouse, f"{folder}/data")
            starts.append(toll.ready_after * 1000)
            if i < 4:
                toll.stop()
        time.sleep(1)
        print(f"start to ready: first (empty folder) {starts[0]:.0f} ms, then median {statistics.median(starts[1:]):.0f} ms")
        print(f"idle memory: {status(toll.pid, 'VmRSS'):.1f} MiB resident, of these {status(toll.pid, 'RssAnon'):.1f} MiB its own")
        token = registered(toll)
        os.makedirs(f"{folder}/nginx")
        if options.uploads_only:
            nginx = Nginx(f"{folder}/nginx", "{}")
        else:
            small = f"{folder}/not-audio.mp3"
            with open(small, "w") as f:
                f.write("no audio")
            sent = subprocess.run(["curl", "-sf", "-H", f"Authorization: Bearer {token}", "-F", f"file=@{small}", toll.url + "/upload"], capture_output=True, check=True)
            job = json.loads(sent.stdout)["id"]
            while call(f"{toll.url}/jobs/{job}", token=token)["status"] != "failed":
                time.sleep(0.1)
            key = json.loads(subprocess.run(["curl", "-sf", "-X", "POST", "-H", f"Authorization: Bearer {token}", toll.url + "/api-key/generate"], capture_output=True, check=True).stdout)["api_key"]
            body = json.dumps(call(f"{toll.url}/jobs/{job}", token=token))
            nginx = Nginx(f"{folder}/nginx", body.replace("'", ""))
            raw_port = free_port()
            raw = subprocess.Popen([options.raw_epoll, str(raw_port), str(len(body))])
            time.sleep(0.2)
            gets(toll, key, job, nginx, raw_port, raw.pid, options.rounds, options.seconds)
        servers = {"tollhouse": (toll, token)}
        if options.also:
            older = Tollhouse(options.also, f"{folder}/older")
            servers["before"] = (older, registered(older))
        uploads(servers, nginx, folder, options.gib, options.rounds)
        for server, _ in servers.values():
            server.stop()
        nginx.stop()
    finally:
        if raw:
            raw.kill()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
