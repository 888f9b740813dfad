#!/usr/bin/python3
"""What a call of a model costs: CPU-us a call and calls a second, for a tiny model and a medium one, beside its peers in the same run.

Usage: inference_bench.py [--binary build/release/tollhouse] [--peers build/inference-bench] [--seconds 4] [--rounds 3] [--connections 8]

- onnxruntime in a Python process: the run alone, with the same numbers of threads; no HTTP, no JSON.
- FastAPI on uvicorn with onnxruntime in it, reading and writing the same JSON: no accounts, no money, no sandbox.
- Tollhouse with price 0, and with a price: then each call is two durable transactions (hold, capture).

CPU time is that of the server and all its children, load excluded (wrk, from Debian). Medians of the rounds. The peers come from PyPI into
--peers, which is made when it is not there; without PyPI only Tollhouse is measured.
"""

import argparse
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "functional"))
from support import onnx_file as onnx  # noqa: E402
from support.server import descendants, free_port  # noqa: E402

PACKAGES = ["onnxruntime==1.32.0", "fastapi==0.165.0", "uvicorn==0.54.0", "uvloop==0.23.0", "httptools==0.9.0"]
TICK = os.sysconf("SC_CLK_TCK")

IN_PROCESS = """
import json, sys, time
import numpy as np, onnxruntime
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(sys.argv[1], options)
x = np.array(json.loads(sys.argv[2]), dtype=np.float32).reshape(1, -1)
for _ in range(100): session.run(None, {"x": x})
calls, began, cpu = 0, time.perf_counter(), time.process_time()
while time.perf_counter() - began < float(sys.argv[3]):
    for _ in range(20): session.run(None, {"x": x})
    calls += 20
print(json.dumps([1e6 * (time.process_time() - cpu) / calls, calls / (time.perf_counter() - began)]))
"""

FASTAPI = """
import sys
import numpy as np, onnxruntime, uvicorn
from fastapi import FastAPI, Request
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(sys.argv[1], options)
app = FastAPI()

@app.post("/infer")
async def infer(request: Request):
    one = (await request.json())["inputs"][0]
    y = session.run(None, {"x": np.array(one["data"], dtype=np.float32).reshape(one["shape"])})[0]
    return {"outputs": [{"name": "y", "shape": list(y.shape), "datatype": "FP32", "data": y.ravel().tolist()}]}

uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="warning", access_log=False)
"""


def tiny():
    return onnx.affine(), 3


def medium():
    """256 -> 1024 -> 1024 -> 256: 1.6 million weights."""
    chance, sizes, nodes, tensors, last = random.Random(1), [256, 1024, 1024, 256], [], [], "x"
    for i, (n, m) in enumerate(zip(sizes, sizes[1:])):
        tensors.append(onnx.tensor(f"w{i}", onnx.FLOAT, [n, m], [chance.gauss(0, 0.03) for _ in range(n * m)]))
        nodes.append(onnx.node("MatMul", [last, f"w{i}"], [f"m{i}"]))
        last = "y" if i == 2 else f"r{i}"
        nodes.append(onnx.node("Relu", [f"m{i}"], [last]))
    ends = [[onnx.value(name, onnx.FLOAT, ["rows", 256])] for name in ("x", "y")]
    return onnx.model(nodes, *ends, tensors), 256


def cpu_seconds(pid):
    total = 0
    for one in [pid, *descendants(pid)]:
        try:
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(int(field) for field in fields[11:15])
    return total / TICK


def load(url, body, headers, seconds, connections, folder):
    script = folder / "post.lua"
    lines = ['wrk.method = "POST"', f"wrk.body = {json.dumps(body)}", *(f"wrk.headers[{json.dumps(k)}] = {json.dumps(v)}" for k, v in headers.items())]
    lines.append(
        'done = function(summary) io.stderr:write(string.format("%d %d %d\\n", summary.requests, summary.errors.status, summary.duration)) end'
    )
    script.write_text("\n".join(lines))
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", script, url]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    requests, errors, duration = map(int, done.stderr.split())
    if errors:
        sys.exit(f"{errors} of {requests} calls failed at {url}")
    return requests, duration / 1e6


def measured(pid, url, body, headers, arguments, folder):
    load(url, body, headers, 1, arguments.connections, folder)
    found = []
    for _ in range(arguments.rounds):
        before = cpu_seconds(pid)
        requests, duration = load(url, body, headers, arguments.seconds, arguments.connections, folder)
        found.append((1e6 * (cpu_seconds(pid) - before) / requests, requests / duration))
    return tuple(statistics.median(column) for column in zip(*found))


def started(command, url, log, environment=None):
    process = subprocess.Popen(
        list(map(str, command)), stdout=subprocess.DEVNULL, stderr=open(log, "ab"), env={**os.environ, **(environment or {})}
    )
    for _ in range(300):
        try:
            urllib.request.urlopen(url, timeout=5)
            return process
        except urllib.error.HTTPError:
            return process
        except OSError:
            time.sleep(0.1)
    sys.exit("a server does not answer: " + Path(log).read_text()[-2000:])


def stopped(process):
    process.send_signal(signal.SIGTERM)
    process.wait()


def ours(arguments, file, body, price, folder):
    binary, port, data = Path(arguments.binary).resolve(), free_port(), folder / f"data-{price}"
    add = [binary, "models", "add", "bench/model", "v1", file, "--engine", "onnx", "--data", data]
    settings = {"TOLLHOUSE_INFERENCE_PRICE": price, "TOLLHOUSE_STEMS_STARTER_CREDITS": "1000000", "TOLLHOUSE_INFERENCE_THREADS": "1"}
    settings |= {"TOLLHOUSE_INFERENCE_QUEUE": "128", "TOLLHOUSE_SERVER_LOG_LEVEL": "warn"}
    command = [binary, "serve", "--listen", f"127.0.0.1:{port}", "--data", data]
    url = f"http://127.0.0.1:{port}"
    server = started(command, url + "/v2", folder / "log", settings)
    try:
        subprocess.run(list(map(str, add)), check=True, capture_output=True)
        register = urllib.request.Request(
            url + "/v1/users/register", json.dumps({"email": "b@example.com", "name": "B"}).encode(), {"Content-Type": "application/json"}
        )
        key = json.loads(urllib.request.urlopen(register).read())["api_key"]
        return measured(server.pid, url + "/v2/models/bench/model/infer", body, {"x-api-key": key}, arguments, folder)
    finally:
        stopped(server)


def peers_python(folder):
    python = Path(folder) / "bin" / "python"
    try:
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", folder], check=True, capture_output=True)
            subprocess.run([Path(folder) / "bin" / "pip", "install", "-q", *PACKAGES], check=True, capture_output=True)
        subprocess.run([python, "-c", "import onnxruntime, fastapi, uvicorn"], check=True, capture_output=True)
        return python
    except (subprocess.CalledProcessError, OSError):
        print("no peers: their packages cannot be had from PyPI")
        return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", default=ROOT / "build" / "release" / "tollhouse")
    parser.add_argument("--peers", default=ROOT / "build" / "inference-bench")
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=8)
    arguments = parser.parse_args()
    python = peers_python(arguments.peers)
    print(f"{'model':8}{'server':34}{'CPU-us a call':>15}{'calls a second':>16}")
    for name, (content, width) in (("tiny", tiny()), ("medium", medium())):
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            file = folder / "model.onnx"
            file.write_bytes(content)
            data = [i / width for i in range(width)]
            body = json.dumps({"inputs": [{"name": "x", "shape": [1, width], "datatype": "FP32", "data": data}]})

            def show(server, figures):
                print(f"{name:8}{server:34}{figures[0]:15.0f}{figures[1]:16.0f}", flush=True)

            if python:
                command = [python, "-c", IN_PROCESS, file, json.dumps(data), str(arguments.seconds)]
                rounds = [json.loads(subprocess.check_output(list(map(str, command)))) for _ in range(arguments.rounds)]
                show("onnxruntime in Python, no server", [statistics.median(column) for column in zip(*rounds)])
                port = free_port()
                server = started([python, "-c", FASTAPI, file, port], f"http://127.0.0.1:{port}/docs", folder / "log")
                show("FastAPI + onnxruntime, no money", measured(server.pid, f"http://127.0.0.1:{port}/infer", body, {}, arguments, folder))
                stopped(server)
            show("Tollhouse, price 0", ours(arguments, file, body, "0", folder))
            show("Tollhouse, metered", ours(arguments, file, body, "0.001", folder))


if __name__ == "__main__":
    main()
