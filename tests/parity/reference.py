"""The reference's side of the parity tests: checkpoints of random weights in the published format, and what PyTorch makes of them.

Usage: reference.py checkpoint NAME OUT.th|OUT.safetensors       one of MODELS below
       reference.py separate CHECKPOINT... -- IN.f32 OUT.f32 OVERLAP SHIFTS WEIGHTS [SEGMENT]
       reference.py layers CHECKPOINT FOLDER                     input, spectrum.f32, wave.f32 and every layer's result
       reference.py time CHECKPOINT IN.f32 THREADS               the whole path, timed

Runs in the environment that environment.sh makes. Files are raw little-endian floats; a song is 2 x frames.
"""
import json
import random
import resource
import sys
import time
from fractions import Fraction
from pathlib import Path

import numpy
import torch
from demucs.apply import BagOfModels, apply_model
from demucs.htdemucs import HTDemucs
from demucs.states import load_model

FOUR = ["drums", "bass", "other", "vocals"]
SIX = FOUR + ["guitar", "piano"]
# The arguments of the published checkpoints that differ from the constructor's defaults.
PUBLISHED = dict(channels=48, bottom_channels=512, t_layers=5, t_heads=8, t_hidden_scale=4.0, dconv_mode=3, dconv_depth=2, dconv_comp=8,
                 segment=Fraction(39, 5), samplerate=44100, audio_channels=2)
SMALL = dict(PUBLISHED, channels=8, bottom_channels=32, t_layers=3, t_heads=4, dconv_comp=4, segment=Fraction(3, 2))
MODELS = {
    "small4": dict(SMALL, sources=FOUR),
    "small6": dict(SMALL, sources=SIX, bottom_channels=0, t_layers=2, dconv_mode=1, channels=4),
    "small_cross_first": dict(SMALL, sources=FOUR, t_cross_first=True, t_norm_out=False, t_layer_scale=False, t_gelu=False, dconv_mode=2,
                              depth=3, context=0),
    "full4": dict(PUBLISHED, sources=FOUR),
    "full6": dict(PUBLISHED, sources=SIX, bottom_channels=0),
    "small4b": dict(SMALL, sources=FOUR),
}


def random_model(name):
    torch.manual_seed(list(MODELS).index(name) + 1)
    model = HTDemucs(**MODELS[name])
    # Fresh layer scales and norms are nearly nothing or exactly one: give every weight something to do.
    with torch.no_grad():
        for key, value in model.named_parameters():
            if key.endswith("scale"):
                value.uniform_(0.1, 0.4)
            elif value.dim() == 1:
                value.add_(0.05 * torch.randn_like(value))
    return model.eval()


def checkpoint(name, out):
    model = random_model(name)
    args, kwargs = model._init_args_kwargs
    state = {key: value.to(torch.half) for key, value in model.state_dict().items()}
    if out.endswith(".safetensors"):
        from safetensors.torch import save_file
        plain = {k: dict(_type="fraction", numerator=v.numerator, denominator=v.denominator) if isinstance(v, Fraction) else v
                 for k, v in kwargs.items()}
        save_file({key: value.contiguous() for key, value in state.items()}, out,
                  {"klass": "demucs.htdemucs.HTDemucs", "args": json.dumps(list(args)), "kwargs": json.dumps(plain)})
        return
    torch.save({"klass": HTDemucs, "args": args, "kwargs": kwargs, "state": state, "training_args": {"seed": 42, "lr": 3e-4}}, out)


def load(path):
    if path.endswith(".safetensors"):
        from demucs.hf import load_safetensors_model
        return load_safetensors_model(path).eval()
    return load_model(path).eval()


def song_of(path):
    return torch.from_numpy(numpy.fromfile(path, dtype="<f4").reshape(2, -1))


def separate(models, song, overlap, shifts, weights, segment=None):
    """demucs.api.Separator.separate_tensor, with the shifts given."""
    mono = song.mean(0)
    mean, deviation = mono.mean(), mono.std() + 1e-8
    bag = models[0] if len(models) == 1 else BagOfModels(models, weights, segment)
    given = iter(list(shifts) * len(models))
    random.randint = lambda least, most: next(given)
    out = apply_model(bag, ((song - mean) / deviation)[None], shifts=len(shifts), overlap=overlap)
    return (out * deviation + mean)[0]


def layers(path, folder):
    model, folder = load(path), Path(folder)
    torch.manual_seed(7)
    length = int(model.segment * model.samplerate)
    mix = torch.randn(1, 2, length)

    def keep(name, value):
        value.detach().contiguous().numpy().astype("<f4").tofile(folder / f"{name}.f32")

    for name, module in model.named_modules():
        parts = name.split(".")
        if len(parts) == 2 and parts[0] in ("encoder", "decoder", "tencoder", "tdecoder"):
            module.register_forward_hook(lambda _, __, out, name=name: keep(name, out[0] if isinstance(out, tuple) else out))

    def keep_tokens(_, __, out):
        keep("crosstransformer.z", out[0])
        keep("crosstransformer.t", out[1])

    if model.crosstransformer is not None and not model.bottom_channels:
        model.crosstransformer.register_forward_hook(keep_tokens)
    with torch.no_grad():
        magnitude = model._magnitude(model._spec(mix))
        normal = lambda x: (x - x.mean()) / (1e-5 + x.std())
        keep("spectrum", normal(magnitude))
        keep("wave", normal(mix))
        keep("mix", mix)
        keep("out", model(mix))


def timed(path, song_path, threads):
    torch.set_num_threads(int(threads))
    begin, cpu = time.perf_counter(), time.process_time()
    model, song = load(path), song_of(song_path)
    with torch.inference_mode():
        out = separate([model], song, 0.25, [], None).numpy().astype("<f4")
    out.tofile("/dev/null")
    print(json.dumps(dict(seconds=time.perf_counter() - begin, cpu_seconds=time.process_time() - cpu, torch=torch.__version__,
                          peak_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)))


def main(arguments):
    command, rest = arguments[0], arguments[1:]
    if command == "checkpoint":
        checkpoint(*rest)
    elif command == "layers":
        layers(*rest)
    elif command == "time":
        timed(*rest)
    elif command == "separate":
        at = rest.index("--")
        song, out, overlap, shifts, weights, *segment = rest[at + 1:]
        shifts = [] if shifts == "-" else [int(s) for s in shifts.split(",")]
        weights = None if weights == "-" else [[float(w) for w in row.split(",")] for row in weights.split(";")]
        with torch.no_grad():
            separate([load(p) for p in rest[:at]], song_of(song), float(overlap), shifts, weights, *map(float, segment)).numpy().astype("<f4").tofile(out)


if __name__ == "__main__":
    main(sys.argv[1:])
