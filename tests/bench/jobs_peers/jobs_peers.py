#!/usr/bin/env python3
"""Durable jobs, submit to complete, beside BullMQ and graphile-worker in one interleaved run.

    tests/bench/jobs_peers/jobs_peers.py [--build build/release] [--also OLD_JOBS_BENCH] [--rounds 3] [--seconds 5]

Peers come from npm (into a temporary folder), their servers from Debian: a Redis that syncs its log at every write, a PostgreSQL with Debian's
defaults. Prints medians and ratios; CPU time is read from /proc, so that a busy machine changes it less than the rates.
"""

import argparse
import glob
import json
import os
import shutil
import socket
import statistics
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TICK = os.sysconf("SC_CLK_TCK")
CLIENTS, SLOTS = "512", "256"


def cpu_below(pid):
    """CPU seconds of a process, of what it has started, and of those of them that have ended."""
    total = 0.0
    try:
        with open(f"/proc/{pid}/stat") as f:
            fields = f.read().rsplit(") ", 1)[1].split()
        total += sum(int(field) for field in fields[11:15]) / TICK
        for tasks in glob.glob(f"/proc/{pid}/task/*/children"):
            with open(tasks) as f:
                total += sum(cpu_below(int(child)) for child in f.read().split())
    except OSError:
        pass
    return total


class Redis:
    def __init__(self, folder):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        os.makedirs(folder)
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", folder, "--save", ""]
        command += ["--appendonly", "yes", "--appendfsync", "always", "--loglevel", "warning", "--maxmemory-policy", "noeviction"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        self.pid, self.address = self.process.pid, str(self.port)
        while socket.socket().connect_ex(("127.0.0.1", self.port)) != 0:
            time.sleep(0.05)

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


class Postgres:
    def __init__(self, folder):
        self.bin = "/usr/lib/postgresql/15/bin"
        self.as_owner = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        os.makedirs(folder)
        if self.as_owner:
            shutil.chown(folder, "postgres")
        self.data = f"{folder}/data"
        self.call("initdb", "-D", self.data, "-A", "trust", "-U", "postgres", "--no-locale", "-E", "UTF8")
        options = f"-c listen_addresses='' -c unix_socket_directories={folder}"
        self.call("pg_ctl", "-D", self.data, "-w", "-l", f"{self.data}/log", "-o", options, "start")
        with open(f"{self.data}/postmaster.pid") as f:
            self.pid = int(f.readline())
        self.address = f"postgresql:///postgres?host={folder}&user=postgres"

    def call(self, program, *arguments):
        subprocess.run(self.as_owner + [f"{self.bin}/{program}", *arguments], cwd="/", check=True, stdout=subprocess.DEVNULL)

    def stop(self):
        self.call("pg_ctl", "-D", self.data, "-m", "fast", "stop")


def ours(binary, seconds, address):
    out = subprocess.run([binary, "--seconds", str(seconds)] + ([address] if address else []), capture_output=True, text=True, check=True).stdout
    rate, median, p99, cpu = (float(field) for field in out.strip().splitlines()[-1].split()[1:])
    return {"rate": rate, "median": median, "p99": p99, "cpu": cpu}


def theirs(folder, script, seconds, address):
    command = ["node", f"{folder}/{script}", address, CLIENTS, SLOTS, str(seconds)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout)


def measured(side, folder, seconds):
    """One run on a fresh server; the server's CPU time a job is over all of the run, its own warm-up included."""
    place = tempfile.mkdtemp(dir=folder)
    os.chmod(place, 0o755)
    server = side["server"](f"{place}/server") if side["server"] else None
    try:
        begin = cpu_below(server.pid) if server else 0.0
        figures = side["run"](seconds, server.address if server else None)
        used = cpu_below(server.pid) - begin if server else 0.0
        figures["all_cpu"] = figures["cpu"] + used * 1e6 / (figures["rate"] * (seconds + 2)) if figures["rate"] else 0
        return figures
    finally:
        if server:
            server.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--also", help="an older jobs_bench to compare with")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="jobs-peers.")
    os.chmod(folder, 0o755)
    try:
        peers = f"{folder}/peers"
        shutil.copytree(HERE, peers)
        subprocess.run(["npm", "install", "--omit=optional", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=peers, check=True, stdout=subprocess.DEVNULL)
        sides = {}
        for name, binary in (("ours", f"{options.build}/tests/bench/jobs_bench"), ("ours before", options.also)):
            if not binary:
                continue
            sides[f"{name}, SQLite"] = {"server": None, "run": lambda s, a, b=binary: ours(b, s, a)}
            sides[f"{name}, PostgreSQL"] = {"server": Postgres, "run": lambda s, a, b=binary: ours(b, s, a)}
        sides["BullMQ, Redis AOF always"] = {"server": Redis, "run": lambda s, a: theirs(peers, "bullmq.mjs", s, a)}
        sides["graphile-worker, PostgreSQL"] = {"server": Postgres, "run": lambda s, a: theirs(peers, "graphile.mjs", s, a)}
        figures = {name: [] for name in sides}
        for _ in range(options.rounds):
            for name, side in sides.items():
                figures[name].append(measured(side, folder, options.seconds))
        medians = {name: {key: statistics.median(run[key] for run in runs) for key in runs[0]} for name, runs in figures.items()}
        base = medians["ours, SQLite"]["rate"]
        print(f"{CLIENTS} clients, {SLOTS} slots, {options.rounds} rounds of {options.seconds} s, interleaved, medians\n")
        print("| queue | jobs/s | of ours | median ms | p99 ms | CPU-us a job | with its server's |")
        print("|---|---:|---:|---:|---:|---:|---:|")
        for name, m in medians.items():
            print(f"| {name} | {m['rate']:,.0f} | {m['rate'] / base:.2f} | {m['median']:.0f} | {m['p99']:.0f} | {m['cpu']:.0f} | {m['all_cpu']:.0f} |")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
