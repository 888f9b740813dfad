"""The reference's values, made once and kept: in build/parity, by the digest of the script that makes them."""
import hashlib
import os
import subprocess
from array import array
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = Path(os.environ.get("TOLL_BUILD", ROOT / "build" / "release"))
SCRIPT = HERE / "reference.py"
THREADS = {**os.environ, "OMP_NUM_THREADS": str(os.cpu_count())}
THREADS.pop("OPENBLAS_CORETYPE", None)


def run(*command, **environment):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, env={**THREADS, **environment})
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="session")
def cache():
    digest = hashlib.sha256(SCRIPT.read_bytes()).hexdigest()[:16]
    folder = ROOT / "build" / "parity" / digest
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def reference(cache):
    """Calls reference.py unless the file it makes is there already."""
    python = []

    def call(made, *arguments):
        if made.exists():
            return made
        if not python:
            done = subprocess.run([HERE / "environment.sh"], capture_output=True, text=True)
            python.append(done.stdout.strip() if done.returncode == 0 else None)
        if python[0] is None:
            pytest.skip("skipped: no reference")
        run(python[0], SCRIPT, *arguments)
        assert made.exists()
        return made

    return call


@pytest.fixture(scope="session")
def tool():
    program = BUILD / "htdemucs"
    if not program.exists():
        run("cmake", "--build", BUILD, "--target", "htdemucs")
    if not (BUILD / "libonnxruntime.so.1").exists():
        pytest.skip("skipped: built without ONNX Runtime")
    return program


@pytest.fixture(scope="session")
def checkpoint(cache, reference):
    def make(name, ending=".th"):
        path = cache / f"{name}{ending}"
        return reference(path, "checkpoint", name, path)

    return make


@pytest.fixture(scope="session")
def model(tmp_path_factory, tool, checkpoint):
    """A checkpoint, imported by the program under test."""
    folder, made = tmp_path_factory.mktemp("models"), {}

    def make(name, ending=".th", layers=False, segment=None):
        key = (name, ending, layers, segment)
        if key not in made:
            made[key] = folder / f"{name}{ending}{'.layers' if layers else ''}{segment or ''}.onnx"
            run(tool, "import", checkpoint(name, ending), made[key], "layers" if layers else "-", segment or 0)
        return made[key]

    return make


def floats(path):
    values = array("f")
    values.frombytes(Path(path).read_bytes())
    return values
