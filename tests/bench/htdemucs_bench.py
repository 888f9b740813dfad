#!/usr/bin/python3
"""HTDemucs of full size against PyTorch, on the same song, one after the other in every round.

Usage: htdemucs_bench.py [--seconds 25] [--rounds 2] [--threads 2] [--build build/release] [--without-reference]
       htdemucs_bench.py --model bag ...        four of them, each for one source, as htdemucs_ft has; without PyTorch
       htdemucs_bench.py --hours 0.5 [--model bag]   peak memory of the whole engine, 25 s of audio and so many hours

Raw floats in, stems out, on both sides: spectrograms, overlap and loudness included, loading of the model too. PyTorch runs in the environment
of tests/parity (newest version that installs, OPENBLAS_CORETYPE unset). Prints seconds, CPU seconds and peak memory, the best of the rounds, and
the portable graph of ONNX's own operators for comparison.
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from array import array
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "tests" / "parity" / "reference.py"


def song_of(seconds, path):
    decoded = subprocess.run(["ffmpeg", "-v", "error", "-stream_loop", "-1", "-i", ROOT / "sample" / "song.flac", "-t", str(seconds), "-f", "f32le",
                              "-ac", "2", "-ar", "44100", "-"], check=True, capture_output=True).stdout
    stereo = array("f", decoded)
    path.write_bytes(stereo[0::2].tobytes() + stereo[1::2].tobytes())


def peaks_of(separate, models, seconds, folder):
    """Decode, separate, WAV, FLAC and MP3 of every stem: peak MiB and CPU seconds."""
    song = folder / "song.wav"
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-stream_loop", "-1", "-i", ROOT / "sample" / "song.flac", "-t", str(seconds), "-rf64", "auto", song],
                   check=True)
    told = subprocess.run([separate, song, folder / "stems", "-", *models], check=True, capture_output=True, text=True).stdout
    cpu, peak = re.search(r"CPU ([\d.]+) s, peak memory (\d+) MiB", told).groups()
    return int(peak), float(cpu)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=25)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "release")
    parser.add_argument("--without-reference", action="store_true")
    parser.add_argument("--model", choices=["single", "bag"], default="single")
    parser.add_argument("--hours", type=float)
    parser.add_argument("--folder", type=Path, help="for the files of --hours: 1.4 GB an hour of audio and a stem, and as much for the song")
    arguments = parser.parse_args()
    found = subprocess.run([ROOT / "tests" / "parity" / "environment.sh"], capture_output=True, text=True)
    if found.returncode != 0:
        sys.exit("no reference: its packages cannot be had (build/parity/pip.log)")
    python, tool = found.stdout.strip(), arguments.build / "htdemucs"
    environment = {**os.environ, "THREADS": str(arguments.threads)}
    environment.pop("OPENBLAS_CORETYPE", None)

    def run(*command):
        return subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True, env=environment).stdout

    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        folder = Path(folder)
        checkpoint, song = folder / "full4.th", folder / "song.f32"
        run(python, REFERENCE, "checkpoint", "full4", checkpoint)
        run(tool, "import", checkpoint, folder / "fused.onnx")
        run(tool, "import", checkpoint, folder / "portable.onnx", "portable")
        models, weights = [folder / "fused.onnx"], "-"
        if arguments.model == "bag":
            models += [Path(shutil.copy(models[0], folder / f"fused{n}.onnx")) for n in range(3)]
            weights = "1,0,0,0;0,1,0,0;0,0,1,0;0,0,0,1"
        if arguments.hours:
            separate = arguments.build / "src" / "engines" / "separation" / "separate"
            print(f"{arguments.model}\n| seconds of audio | peak MiB | CPU-s |\n|------------------|----------|-------|")
            for seconds in (25, arguments.hours * 3600):
                peak, cpu = peaks_of(separate, models, seconds, folder)
                print(f"| {seconds:16.0f} | {peak:8} | {cpu:5.0f} |", flush=True)
            return
        song_of(arguments.seconds, song)

        def ours(*files):
            return json.loads(run(tool, "separate", song, folder / "out.f32", 0.25, "-", weights, *files))

        peers = {"ours": lambda: ours(*models)}
        if arguments.model == "single":
            peers["ours, ONNX's operators only"] = lambda: ours(folder / "portable.onnx")
        if arguments.model == "single" and not arguments.without_reference:
            peers["PyTorch"] = lambda: json.loads(run(python, REFERENCE, "time", checkpoint, song, arguments.threads))
        results = {name: [] for name in peers}
        for _ in range(arguments.rounds):
            for name, measure in peers.items():
                results[name].append(measure())
    print(f"{arguments.seconds:g} s of audio, {arguments.threads} threads, best of {arguments.rounds}")
    print(f"| {'':28} | seconds | CPU-s | peak MiB | first output |")
    print(f"|{'-' * 30}|---------|-------|----------|--------------|")
    for name, runs in results.items():
        first = min((r["first_output_seconds"] for r in runs if "first_output_seconds" in r), default=None)
        print(f"| {name:28} | {min(r['seconds'] for r in runs):7.1f} | {min(r['cpu_seconds'] for r in runs):5.1f} | "
              f"{min(r['peak_mib'] for r in runs):8} | {'' if first is None else f'{first:.1f} s':>12} |")
    for name, runs in results.items():
        if "torch" in runs[0]:
            print("PyTorch", runs[0]["torch"])


if __name__ == "__main__":
    main()
