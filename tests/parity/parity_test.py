"""Our HTDemucs against the reference: every layer, and whole songs. See README.md."""
import math
import random
import subprocess
from array import array

import pytest

from conftest import ROOT, floats, run

RATE = 44100


def snr(wanted, got):
    assert len(wanted) == len(got)
    signal = math.fsum(x * x for x in wanted)
    noise = math.fsum((x - y) ** 2 for x, y in zip(wanted, got))
    return 10 * math.log10(signal / max(noise, 1e-30))


def write_song(path, left, right):
    path.write_bytes(array("f", left).tobytes() + array("f", right).tobytes())
    return path


@pytest.fixture(scope="session")
def song(tmp_path_factory):
    """Songs by name, as 2 x frames floats; the same bytes in every run."""
    folder, made = tmp_path_factory.mktemp("songs"), {}

    def noise(path, seconds):
        chance = random.Random(1)
        frames = int(seconds * RATE) + 123
        write_song(path, *[[chance.gauss(0, 0.2) for _ in range(frames)] for _ in range(2)])

    def tones(path, seconds):
        times = [n / RATE for n in range(int(seconds * RATE))]
        write_song(path, *[[0.3 * math.sin(2 * math.pi * f * t) + 0.2 * math.sin(2 * math.pi * (f * 3.01) * t * (1 + t / 50)) for t in times]
                           for f in (110.0, 440.5)])

    def sample(path, seconds):
        decoded = subprocess.run(["ffmpeg", "-v", "error", "-i", ROOT / "sample" / "song.flac", "-t", str(seconds), "-f", "f32le", "-ac", "2",
                                  "-ar", str(RATE), "-"], check=True, capture_output=True).stdout
        stereo = array("f", decoded)
        write_song(path, stereo[0::2], stereo[1::2])

    def make(kind, seconds):
        path = folder / f"{kind}-{seconds}.f32"
        if not path.exists():
            {"noise": noise, "tones": tones, "sample": sample}[kind](path, seconds)
        return path

    return make


# name, kind of song, seconds, overlap, shifts
CASES = [
    ("small4", "noise", 5, 0.25, "-"),
    ("small4", "tones", 4, 0.25, "-"),
    ("small4", "sample", 12, 0.25, "-"),
    ("small4", "noise", 1, 0.25, "-"),  # shorter than a segment
    ("small4", "noise", 4, 0.6, "-"),
    ("small4", "tones", 4, 0.25, "1234"),
    ("small4", "noise", 3, 0.1, "0,22050"),
    ("small6", "noise", 5, 0.25, "-"),
    ("small6", "sample", 6, 0.25, "-"),
    ("small_cross_first", "noise", 4, 0.25, "-"),
    ("full4", "sample", 10, 0.25, "-"),
    ("full6", "tones", 6, 0.25, "-"),
]


@pytest.mark.parametrize("name,kind,seconds,overlap,shifts", CASES, ids=["-".join(map(str, case)) for case in CASES])
def test_stems_are_those_of_the_reference(name, kind, seconds, overlap, shifts, cache, reference, checkpoint, model, tool, song, tmp_path):
    wanted = cache / f"{name}-{kind}-{seconds}-{overlap}-{shifts}.f32"
    reference(wanted, "separate", checkpoint(name), "--", song(kind, seconds), wanted, overlap, shifts, "-")
    got = tmp_path / "got.f32"
    run(tool, "separate", song(kind, seconds), got, overlap, shifts, "-", model(name))
    assert snr(floats(wanted), floats(got)) >= 60


@pytest.mark.parametrize("kernels", ["v2", "v3", "v3_vnni", "v4", "v4_vnni"])
def test_every_kind_of_processor_makes_the_stems_of_the_reference(kernels, cache, reference, checkpoint, model, tool, song, tmp_path):
    wanted = cache / "small4-noise-5-0.25--.f32"
    reference(wanted, "separate", checkpoint("small4"), "--", song("noise", 5), wanted, 0.25, "-", "-")
    got = tmp_path / "got.f32"
    try:
        run(tool, "separate", song("noise", 5), got, 0.25, "-", "-", model("small4"), KERNELS=kernels)
    except AssertionError as refused:
        if "this processor has no kernels" in str(refused):
            pytest.skip(f"skipped: no processor for {kernels}")
        raise
    assert snr(floats(wanted), floats(got)) >= 60


def test_a_bag_weighs_its_models_as_the_reference_does(cache, reference, checkpoint, model, tool, song, tmp_path):
    weights = "1,0,0.25,0.5;0,1,1,0.5"
    wanted = cache / "bag.f32"
    reference(wanted, "separate", checkpoint("small4"), checkpoint("small4b"), "--", song("noise", 4), wanted, 0.25, "-", weights)
    got = tmp_path / "got.f32"
    run(tool, "separate", song("noise", 4), got, 0.25, "-", weights, model("small4"), model("small4b"))
    assert snr(floats(wanted), floats(got)) >= 60


@pytest.mark.parametrize("segment", [1.1, 44])
def test_a_bag_that_names_a_segment_shortens_those_of_its_models(segment, cache, reference, checkpoint, model, tool, song, tmp_path):
    weights = "1,0,1,0;0,1,0,1"
    wanted = cache / f"bag-{segment}.f32"
    reference(wanted, "separate", checkpoint("small4"), checkpoint("small4b"), "--", song("noise", 4), wanted, 0.25, "-", weights, segment)
    got = tmp_path / "got.f32"
    run(tool, "separate", song("noise", 4), got, 0.25, "-", weights, model("small4", segment=segment), model("small4b", segment=segment))
    assert snr(floats(wanted), floats(got)) >= 60


def test_safetensors_make_the_same_model_as_the_zip(model):
    assert model("small4", ".safetensors").read_bytes() == model("small4", ".th").read_bytes()


# What the reference's modules give, in the order in which they run.
LAYERS = [f"{prefix}{half}.{layer}" for half in ("encoder", "decoder") for layer in range(4) for prefix in ("", "t")]


# In single precision every layer is exact; in 16 bits, which is what serves, its loss is bounded.
@pytest.mark.parametrize("precision,most", [("float32", 1e-4), ("fixed16", 1e-3)])
@pytest.mark.parametrize("name", ["small4", "small6", "full4"])
def test_every_layer_is_that_of_the_reference(name, precision, most, cache, reference, checkpoint, model, tool, tmp_path):
    folder = cache / f"layers-{name}"
    folder.mkdir(exist_ok=True)
    reference(folder / "out.f32", "layers", checkpoint(name), folder)
    run(tool, "layers", model(name, layers=True), folder / "spectrum.f32", folder / "wave.f32", tmp_path, PRECISION=precision)
    compared = 0
    for layer in LAYERS + ["crosstransformer.z", "crosstransformer.t"]:
        if not (folder / f"{layer}.f32").exists():
            continue
        wanted, got = floats(folder / f"{layer}.f32"), floats(tmp_path / f"{layer}.f32")
        assert len(wanted) == len(got)
        worst = max(abs(x - y) for x, y in zip(wanted, got))
        assert worst <= most * max(1.0, max(map(abs, wanted))), layer
        compared += 1
    assert compared >= 16
