#!/usr/bin/env python3
"""Makes song.flac and stems/*.flac: a song of our own, from notes and words in this file.

Needs the Debian packages fluidsynth, fluid-soundfont-gm, espeak-ng and ffmpeg; of Python, the standard library alone.
The stems are 16-bit files whose sum is song.flac, sample for sample.
"""
import array
import math
import pathlib
import random
import struct
import subprocess
import sys
import tempfile
import wave

RATE = 44100
BEAT = 0.6  # seconds: 100 beats a minute
BARS = 10
LENGTH = int((BARS * 4 * BEAT + 1.2) * RATE)
SOUNDFONT = "/usr/share/sounds/sf2/FluidR3_GM.sf2"
HERE = pathlib.Path(__file__).resolve().parent

# One chord a bar: (bass note, notes of the chord), as MIDI numbers.
AM, F, C, G = (33, (57, 60, 64)), (29, (53, 57, 60)), (36, (55, 60, 64)), (31, (55, 59, 62))
CHORDS = [AM, G, AM, F, C, G, AM, F, C, G]

# The song line: (start beat, beats, MIDI note, espeak phonemes of one syllable).
LINE = [
    (8, 1, 57, "m'O@"), (9, 1, 60, "n'IN"), (10, 1.5, 64, "l'aIt"), (11.5, 0.5, 62, "Iz"),
    (12, 1, 60, "0n"), (13, 0.5, 57, "D@"), (13.5, 2, 57, "r'oUd"),
    (16, 1, 55, "w'i:"), (17, 1, 60, "k'a"), (18, 1, 64, "r'i"), (19, 1, 62, "w'0t"),
    (20, 1, 62, "w'i:"), (21, 2.5, 59, "m'eId"),
    (24, 1, 64, "l'i:v"), (25, 0.5, 62, "It"), (25.5, 1.5, 60, "'at"), (27, 1, 57, "D@"),
    (28, 1, 60, "t'oUl"), (29, 1, 57, "h'aUs"), (30, 1.75, 60, "d'O@"),
    (32, 1, 64, "'and"), (33, 1.5, 67, "s'IN"), (34.5, 0.5, 64, "In"), (35, 1, 62, "t@"),
    (36, 1, 62, "D@"), (37, 3.5, 60, "S'eId"),
]


# --- MIDI -------------------------------------------------------------------------------------------------------------

def variable_length(value):
    out = [value & 0x7F]
    while value := value >> 7:
        out.append(value & 0x7F | 0x80)
    return bytes(reversed(out))


def midi_file(notes, program, channel, pan):
    """notes: (start beat, beats, note, velocity). A type 0 file of one part."""
    ticks = 480
    events = []
    for start, beats, note, velocity in notes:
        events.append((round(start * ticks), 1, bytes([0x90 | channel, note, velocity])))
        events.append((round((start + beats) * ticks), 0, bytes([0x80 | channel, note, 0])))
    events.sort()
    track = b"\0\xff\x51\x03" + struct.pack(">I", round(BEAT * 1e6))[1:]
    track += bytes([0, 0xC0 | channel, program, 0, 0xB0 | channel, 10, pan])
    now = 0
    for tick, _, message in events:
        track += variable_length(tick - now) + message
        now = tick
    track += variable_length(4 * ticks) + b"\xff\x2f\0"
    return b"MThd" + struct.pack(">IHHH", 6, 0, 1, ticks) + b"MTrk" + struct.pack(">I", len(track)) + track


def drums():
    kick, snare, closed, opened, crash, tom = 36, 38, 42, 46, 49, 45
    notes = [(0, 1, crash, 90), (24, 1, crash, 100)]
    for bar in range(BARS):
        beat = 4 * bar
        pattern = [(0, kick), (1, snare), (1.5, kick), (2.5, kick), (3, snare)]
        if bar % 4 == 3:
            pattern += [(3.25, tom), (3.5, snare), (3.75, tom)]
        notes += [(beat + offset, 0.25, drum, 108) for offset, drum in pattern]
        for eighth in range(8):
            drum = opened if eighth == 7 and bar % 2 else closed
            notes.append((beat + eighth / 2, 0.25, drum, 84 if eighth % 2 == 0 else 66))
    return notes + [(4 * BARS, 1, crash, 100), (4 * BARS, 1, kick, 110)]


def bass():
    notes = []
    for bar, (root, _) in enumerate(CHORDS):
        steps = [(0, 1, 0), (1.5, 0.5, 0), (2, 0.75, 7), (3, 0.5, 12), (3.5, 0.5, 7)]
        notes += [(4 * bar + start, length, root + step, 100) for start, length, step in steps]
    return notes + [(4 * BARS, 1.5, 33, 100)]


def keys():
    notes = []
    for bar, (_, chord) in enumerate(CHORDS):
        for start, length in ((0, 1.4), (1.5, 0.9), (2.5, 1.4)):
            notes += [(4 * bar + start, length, note, 74) for note in chord]
    return notes + [(4 * BARS, 2, note, 74) for note in AM[1]]


def guitar():
    notes = []
    for bar, (_, chord) in enumerate(CHORDS):
        figure = (chord[0], chord[1], chord[2], chord[0] + 12, chord[2], chord[1], chord[2], chord[1])
        notes += [(4 * bar + i / 2, 0.5, note + 12, 88) for i, note in enumerate(figure)]
    return notes


def strings():
    return [(4 * bar, 4, note + 12, 56) for bar, (_, chord) in enumerate(CHORDS) if bar >= 2 for note in chord]


def render(folder, name, notes, program, channel, pan, gain):
    """The part as [left, right], floats."""
    midi, sound = folder / f"{name}.mid", folder / f"{name}.wav"
    midi.write_bytes(midi_file(notes, program, channel, pan))
    subprocess.run(["fluidsynth", "-ni", "-q", "-F", sound, "-O", "s16", "-r", str(RATE), "-g", "0.6",
                    "-o", "synth.reverb.level=0.4", "-o", "synth.chorus.active=0", SOUNDFONT, midi],
                   check=True, stdout=subprocess.DEVNULL)
    samples = read_wave(sound)
    return [fit([s * gain for s in samples[side::2]]) for side in (0, 1)]


# --- the voice: espeak-ng says each syllable, a linear-prediction vocoder sings it -------------------------------------

VOICE_RATE = 22050
ORDER = 26
HOP = 110  # 5 ms
WINDOW = 550


def read_wave(path):
    with wave.open(str(path)) as f:
        samples = array.array("h", f.readframes(f.getnframes()))
    return [s / 32768 for s in samples]


def speak(folder, phonemes):
    path = folder / "syllable.wav"
    subprocess.run(["espeak-ng", "-v", "en-gb", "-s", "130", "-p", "45", "-w", path, f"[[{phonemes}]]"], check=True)
    samples = read_wave(path)
    loud = [i for i, s in enumerate(samples) if abs(s) > 0.01]
    return samples[loud[0]:loud[-1] + 1]


def analyse(samples):
    """Frames of (gain, voicing 0..1, predictor), 5 ms apart; Levinson-Durbin on the windowed autocorrelation."""
    emphasised = [b - 0.95 * a for a, b in zip([0.0] + samples, samples)]
    padded = [0.0] * (WINDOW // 2) + emphasised + [0.0] * WINDOW
    window = [0.5 - 0.5 * math.cos(2 * math.pi * (i + 0.5) / WINDOW) for i in range(WINDOW)]
    frames = []
    for start in range(0, len(samples), HOP):
        x = [a * w for a, w in zip(padded[start:start + WINDOW], window)]
        r = [sum(a * b for a, b in zip(x, x[lag:])) for lag in range(ORDER + 1)]
        pitch = [sum(a * b for a, b in zip(x, x[lag:])) for lag in range(VOICE_RATE // 300, VOICE_RATE // 70, 2)]
        voicing = min(1.0, max(0.0, (max(pitch) / (r[0] + 1e-9) - 0.15) / 0.2))
        error, predictor = r[0] * 1.0001 + 1e-9, []
        for i in range(ORDER):
            k = (r[i + 1] - sum(p * r[i - j] for j, p in enumerate(predictor))) / error
            predictor = [p - k * q for p, q in zip(predictor, reversed(predictor))] + [k]
            error *= 1 - k * k
        frames.append((math.sqrt(error / WINDOW), voicing, predictor))
    return frames


def frame_at(position, natural, wanted):
    """Which analysis frame sounds at `position` of a note: consonants keep their speed, the vowel is drawn out."""
    head, tail = 0.4 * natural, 0.35 * natural
    if wanted <= natural:
        return position * natural / wanted
    if position < head:
        return position
    if position > wanted - tail:
        return natural - (wanted - position)
    return head + (position - head) * (natural - head - tail) / (wanted - head - tail)


def sing(frames, note, seconds, phase, rng):
    frequency = 440 * 2 ** ((note - 69) / 12)
    wanted = seconds * VOICE_RATE / HOP
    out, state, last = [], [0.0] * ORDER, 0.0
    for n in range(int(seconds * VOICE_RATE)):
        if n % HOP == 0:
            gain, voicing, predictor = frames[min(int(frame_at(n / HOP, len(frames), wanted)), len(frames) - 1)]
        time = n / VOICE_RATE
        depth = 0.006 * min(1.0, max(0.0, time - 0.25) * 4)
        glide = 1 - 0.06 * math.exp(-time / 0.03)
        step = frequency * glide * (1 + depth * math.sin(2 * math.pi * 5.4 * time)) / VOICE_RATE
        phase += step
        pulse = 0.0
        if phase >= 1:
            phase -= 1
            pulse = math.sqrt(1 / step)
        excitation = gain * (voicing * (pulse + 0.06 * rng.gauss(0, 1)) + (1 - voicing) * 0.8 * rng.gauss(0, 1))
        y = excitation + sum(p * s for p, s in zip(predictor, state))
        state = [y] + state[:-1]
        last = y + 0.95 * last
        fade = min(1.0, time / 0.004, (seconds - time) / 0.03)
        out.append(last * fade)
    return out, phase


def vocals(folder):
    rng = random.Random(7)
    line = [0.0] * (LENGTH * VOICE_RATE // RATE + 1)
    phase = 0.0
    for start, beats, note, phonemes in LINE:
        samples, phase = sing(analyse(speak(folder, phonemes)), note, beats * BEAT * 0.97, phase, rng)
        level = math.sqrt(sum(s * s for s in samples) / len(samples))
        offset = int(start * BEAT * VOICE_RATE)
        for i, s in enumerate(samples):
            line[offset + i] += s * 0.1 / level
    dry = resample(line)
    left, right = (echo(dry, taps) for taps in ((1116, 1356, 1617, 1933), (1139, 1379, 1640, 1956)))
    return [[d + 0.05 * w for d, w in zip(dry, wet)] for wet in (left, right)]


def resample(samples):
    raw = array.array("f", samples).tobytes()
    out = subprocess.run(["ffmpeg", "-v", "error", "-f", "f32le", "-ar", str(VOICE_RATE), "-ac", "1", "-i", "-",
                          "-f", "f32le", "-ar", str(RATE), "-"], input=raw, stdout=subprocess.PIPE, check=True).stdout
    return fit(array.array("f", out).tolist())


def echo(samples, delays):
    """A small room: parallel feedback combs (Schroeder 1962)."""
    out = [0.0] * len(samples)
    for delay in delays:
        line = [0.0] * delay
        for i, s in enumerate(samples):
            y = line[i % delay]
            line[i % delay] = s + 0.72 * y
            out[i] += y
    return out


# --- mixing ------------------------------------------------------------------------------------------------------------

def fit(samples):
    return (samples + [0.0] * LENGTH)[:LENGTH]


def add(*parts):
    return [[sum(values) for values in zip(*(part[side] for part in parts))] for side in (0, 1)]


def write_flac(path, left, right):
    path.parent.mkdir(exist_ok=True)
    raw = array.array("h", (s for pair in zip(left, right) for s in pair)).tobytes()
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "s16le", "-ar", str(RATE), "-ac", "2", "-i", "-",
                    "-map_metadata", "-1", "-fflags", "+bitexact", "-flags:a", "+bitexact",
                    "-compression_level", "12", path], input=raw, check=True)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        stems = {
            "bass": render(folder, "bass", bass(), 33, 0, 64, 1.5),
            "drums": render(folder, "drums", drums(), 0, 9, 64, 1.9),
            "other": add(render(folder, "keys", keys(), 4, 0, 28, 1.0),
                         render(folder, "guitar", guitar(), 25, 0, 104, 0.9),
                         render(folder, "strings", strings(), 48, 0, 84, 0.8)),
            "vocals": vocals(folder),
        }
    peak = max(abs(s) for side in add(*stems.values()) for s in side)
    scale = 0.9 * 32767 / peak
    whole = {stem: [[round(s * scale) for s in side] for side in sides] for stem, sides in stems.items()}
    for stem, (left, right) in whole.items():
        level = math.sqrt(sum(s * s for s in left + right) / (2 * LENGTH)) / 32768
        print(f"{stem:7} {20 * math.log10(level):6.1f} dBFS", file=sys.stderr)
        write_flac(HERE / "stems" / f"{stem}.flac", left, right)
    write_flac(HERE / "song.flac", *add(*whole.values()))


if __name__ == "__main__":
    main()
