#!/usr/bin/python3
"""What media forensics cost: CPU time and peak memory for a picture and for a minute of film, beside what decoding alone costs.

Usage: forensics_bench.py [--build build/release] [--seconds 60] [--rounds 3] [--venv build/bench/forensics]

Needs ffmpeg. The film is a drawn face that moves before FFmpeg's test picture, 1920x1080, 30 frames a second, H.264; the picture is one of 12 megapixels.
Peers, in the same run: `ffmpeg -f null` decodes and does nothing else; OpenCV in Python (from PyPI, into --venv; left out where it cannot be had) decodes,
and on every fifth frame looks for faces with its own frontal cascade. Neither judges anything: they say how much of our time is decoding.
Times are medians of CPU seconds over the rounds, so that other work on the machine counts little.
"""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Skin, hair, eyes, brows and mouth as boxes and ellipses; FFmpeg's geq draws them into a picture with a transparent ground.
FACE = {
    "r": "if(lt(hypot((X-150)/102,(Y-150)/150),1),if(lt(Y,70),60,224),0)",
    "g": "if(lt(hypot((X-150)/102,(Y-150)/150),1),if(lt(Y,70),42,172),0)",
    "b": "if(lt(hypot((X-150)/102,(Y-150)/150),1),if(lt(Y,70),27,141),0)",
    "a": "if(lt(hypot((X-150)/102,(Y-150)/150),1),255,0)",
}
MARKS = "drawbox=78:104:66:9:0x322319@1:fill,drawbox=156:104:66:9:0x322319@1:fill," \
        "drawbox=84:122:54:26:0xfafafa@1:fill,drawbox=162:122:54:26:0xfafafa@1:fill," \
        "drawbox=99:122:24:26:0x281e19@1:fill,drawbox=177:122:24:26:0x281e19@1:fill," \
        "drawbox=135:150:30:50:0xc89173@1:fill,drawbox=111:222:78:22:0xaa3c3c@1:fill"
PEER = """
import cv2, sys
film = cv2.VideoCapture(sys.argv[1])
finder = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")
index = 0
while True:
    good, frame = film.read()
    if not good:
        break
    if index % 5 == 0:
        finder.detectMultiScale(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), 1.2, 5, minSize=(60, 60))
    index += 1
"""


def ffmpeg(*arguments):
    subprocess.run(["ffmpeg", "-v", "error", "-y", *map(str, arguments)], check=True)


def make_media(folder, seconds):
    face, film, picture = folder / "face.png", folder / "film.mp4", folder / "picture.jpg"
    drawn = ":".join(f"{channel}='{what}'" for channel, what in FACE.items())
    ffmpeg("-f", "lavfi", "-i", "color=black:300x300,format=rgba", "-vf", f"geq={drawn},{MARKS}", "-frames:v", 1, face)
    ffmpeg("-f", "lavfi", "-i", f"testsrc2=1920x1080:rate=30:duration={seconds}", "-loop", 1, "-i", face, "-filter_complex",
           "[1]scale=480:480[f];[0][f]overlay=x='600+200*sin(t)':y='300+40*cos(t)':shortest=1,noise=alls=6:allf=t",
           "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", film)
    ffmpeg("-f", "lavfi", "-i", "testsrc2=4000x3000", "-vf", "noise=alls=10", "-frames:v", 1, "-q:v", 3, picture)
    return film, picture


def measured(command):
    """CPU seconds and peak MiB of one child."""
    pid = os.spawnvp(os.P_NOWAIT, "sh", ["sh", "-c", 'exec "$@" >/dev/null 2>&1', "sh", *map(str, command)])
    _, status, usage = os.wait4(pid, 0)
    if status:
        sys.exit(f"failed: {command}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def show(name, command, rounds):
    times, peaks = zip(*(measured(command) for _ in range(rounds)), strict=True)
    print(f"{name:46} {statistics.median(times):8.2f} CPU s   {max(peaks):6.0f} MiB", flush=True)


def peer_python(venv):
    python = venv / "bin" / "python"
    try:
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", venv], check=True, capture_output=True)
            subprocess.run([python, "-m", "pip", "-q", "install", "opencv-python-headless==4.12.0.88"], check=True, capture_output=True)
        subprocess.run([python, "-c", "import cv2"], check=True, capture_output=True)
        return python
    except (OSError, subprocess.CalledProcessError):
        return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "release")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--venv", type=Path, default=ROOT / "build" / "bench" / "forensics")
    given = parser.parse_args()
    examine = given.build / "src" / "engines" / "forensics" / "examine"
    with tempfile.TemporaryDirectory() as name:
        film, picture = make_media(Path(name), given.seconds)
        show("picture of 12 MP, AC-1", [examine, picture, "AC-1"], given.rounds)
        show("picture of 12 MP, ffmpeg decodes", ["ffmpeg", "-v", "error", "-i", picture, "-f", "null", "-"], given.rounds)
        show(f"{given.seconds} s of 1080p, DF-1 with heatmaps", [examine, film, "DF-1"], given.rounds)
        show(f"{given.seconds} s of 1080p, ffmpeg decodes", ["ffmpeg", "-v", "error", "-i", film, "-f", "null", "-"], given.rounds)
        if python := peer_python(given.venv):
            show(f"{given.seconds} s of 1080p, OpenCV finds faces", [python, "-c", PEER, film], given.rounds)
        else:
            print("OpenCV from PyPI: not to be had")


if __name__ == "__main__":
    main()
