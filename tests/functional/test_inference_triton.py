"""The official client of the protocol, tritonclient from PyPI, unmodified."""

import subprocess
import sys
from pathlib import Path

import pytest

from support.inference import Market
from support.registry_users import SETTINGS
from support.server import BINARY, ROOT

HERE = Path(__file__).parent / "triton"

pytestmark = pytest.mark.skipif(
    not (BINARY.parent / "libonnxruntime.so.1").exists(), reason="skipped: built without ONNX Runtime"
)


@pytest.fixture(scope="module")
def settings():
    return SETTINGS


@pytest.fixture(scope="module")
def python():
    """Of an environment that has the client; made once in a checkout."""
    folder = ROOT / "build" / "triton"
    python = folder / "bin" / "python"
    pip = ["-q", "--disable-pip-version-check", "--no-cache-dir", "--retries", "1", "--timeout", "20"]
    commands = [
        [sys.executable, "-m", "venv", folder],
        [folder / "bin" / "pip", "install", *pip, "-r", HERE / "requirements.txt"],
    ]
    there = [python, "-c", "import tritonclient.http"]
    if python.exists() and subprocess.run(there, capture_output=True, timeout=60).returncode == 0:
        return python
    for command in [*commands, there]:
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        except subprocess.TimeoutExpired:
            pytest.skip("tritonclient could not be fetched from PyPI within 5 minutes")
        if done.returncode != 0:
            pytest.skip(f"tritonclient cannot be had from PyPI: {(done.stdout + done.stderr)[-300:]}")
    return python


def test_the_official_client_is_answered(python, server):
    market = Market(server)
    names = [market[name] for name in ("affine", "sum_and_difference", "filled")]
    command = [python, HERE / "calls.py", f"127.0.0.1:{server.port}", market.seller.key, *names]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "all calls answered" in done.stdout, done.stdout + done.stderr
