"""Our Spleeter against the package's own TensorFlow graph with its published weights: the networks, and whole songs. See README.md."""
import hashlib
import random
import subprocess
from array import array

import pytest
from conftest import BUILD, HERE, ROOT, floats, run
from parity_test import snr, song  # noqa: F401, a fixture

SCRIPT = HERE / "spleeter_reference.py"
SOURCES = ["vocals", "accompaniment"]


@pytest.fixture(scope="session")
def spleeter_cache():
    folder = ROOT / "build" / "parity" / hashlib.sha256(SCRIPT.read_bytes()).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def spleeter_reference():
    """Calls the reference; skips when it cannot be had."""
    done = subprocess.run([HERE / "spleeter_environment.sh"], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip("skipped: no reference")
    return lambda *arguments: run(done.stdout.strip(), SCRIPT, *arguments)


@pytest.fixture(scope="session")
def spleeter_tool():
    program = BUILD / "spleeter"
    if not program.exists():
        run("cmake", "--build", BUILD, "--target", "spleeter")
    if not (BUILD / "libonnxruntime.so.1").exists():
        pytest.skip("skipped: built without ONNX Runtime")
    return program


@pytest.fixture(scope="session")
def spleeter_model(tmp_path_factory, spleeter_tool, spleeter_reference):
    """The published weights, imported by the program under test."""
    path = tmp_path_factory.mktemp("spleeter") / "spleeter.onnx"
    run(spleeter_tool, "import", spleeter_reference("package").strip(), path)
    return path


# kind of song, seconds, what becomes of the spectrum above 11 kHz. A network looks at 11.9 s at once.
CASES = [
    ("sample", 25, "zeros"),
    ("sample", 25, "average"),
    ("noise", 13, "zeros"),
    ("noise", 1, "average"),
    ("tones", 12, "average"),
]


@pytest.mark.parametrize("kind,seconds,extension", CASES, ids=["-".join(map(str, case)) for case in CASES])
def test_both_stems_are_those_of_the_reference(kind, seconds, extension, spleeter_cache, spleeter_reference, spleeter_tool, spleeter_model, song, tmp_path):
    wanted, got = spleeter_cache / f"{kind}-{seconds}-{extension}.f32", tmp_path / "got.f32"
    if not wanted.exists():
        spleeter_reference("separate", song(kind, seconds), wanted, extension)
    run(spleeter_tool, "separate", song(kind, seconds), got, extension, spleeter_model)
    wanted, got = floats(wanted), floats(got)
    half = len(wanted) // 2
    for source, part in zip(SOURCES, (slice(0, half), slice(half, None))):
        assert snr(wanted[part], got[part]) >= 60, source


def test_the_networks_are_those_of_the_reference(spleeter_reference, spleeter_tool, spleeter_model, tmp_path):
    chance = random.Random(3)
    wanted, got = tmp_path / "wanted", tmp_path / "got"
    wanted.mkdir(), got.mkdir()
    magnitude = tmp_path / "magnitude.f32"
    magnitude.write_bytes(array("f", (chance.uniform(0.01, 30) for _ in range(2 * 512 * 1024))).tobytes())
    spleeter_reference("parts", magnitude, wanted)
    run(spleeter_tool, "parts", spleeter_model, magnitude, got)
    for source in SOURCES:
        pairs = zip(floats(wanted / f"{source}.f32"), floats(got / f"{source}.f32"), strict=True)
        assert max(abs(x - y) for x, y in pairs) <= 1e-4, f"parts of 0 to 1, {source}"
