"""Small media, made here: the same bytes on every run."""

import array
import functools
import io
import math
import random
import shutil
import subprocess
import tempfile
import wave
from pathlib import Path

FFMPEG = shutil.which("ffmpeg")


def as_wav(samples, channels=2, rate=44100, width=2):
    """Interleaved integers as a WAV file."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(samples if isinstance(samples, bytes) else array.array("h", samples).tobytes())
    return out.getvalue()


@functools.lru_cache(maxsize=None)
def song(seconds=1.0, rate=44100):
    """Stereo: a bass left of the middle, a voice in it, clicks as drums. Quiet enough that nothing clips."""
    chance = random.Random(1)
    samples = array.array("h")
    for n in range(int(seconds * rate)):
        t = n / rate
        bass = 0.15 * math.sin(2 * math.pi * 55 * t)
        voice = 0.15 * math.sin(2 * math.pi * 440 * t + 3 * math.sin(2 * math.pi * 5 * t))
        click = 0.2 * chance.uniform(-1, 1) if n % (rate // 4) < rate // 100 else 0.0
        samples.append(int(32767 * (bass + voice + click)))
        samples.append(int(32767 * (0.5 * bass + voice + 0.8 * click)))
    return as_wav(samples.tobytes())


@functools.lru_cache(maxsize=None)
def long_noise(minutes=30):
    """Keeps a worker busy: long for the worker, small to send (8 kHz, 8 bit, mono)."""
    second = random.Random(2).randbytes(8000)
    return as_wav(second * int(minutes * 60), channels=1, rate=8000, width=1)


@functools.lru_cache(maxsize=None)
def encoded(suffix, seconds=1.0, options=()):
    """The song in another container or codec, as ffmpeg's command line makes it."""
    return ffmpeg(("-i", "pipe:0", *options), suffix, song(seconds))


def ffmpeg(options, suffix, stdin=b""):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"out{suffix}")
        subprocess.run(
            [FFMPEG, "-nostdin" if not stdin else "-y", "-v", "error", *options, "-bitexact", str(path)],
            input=stdin,
            check=True,
        )
        return path.read_bytes()


@functools.lru_cache(maxsize=None)
def silent_film():
    """A video with a picture and no sound."""
    return ffmpeg(("-f", "lavfi", "-i", "testsrc=size=64x64:rate=10:duration=1", "-an"), ".mp4")


class Decoded:
    """A WAV file, read back."""

    def __init__(self, content):
        with wave.open(io.BytesIO(content)) as file:
            self.channels = file.getnchannels()
            self.width = file.getsampwidth()
            self.rate = file.getframerate()
            self.frames = file.getnframes()
            self.samples = array.array("h", file.readframes(self.frames)) if self.width == 2 else None
