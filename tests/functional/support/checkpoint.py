"""Small HTDemucs checkpoints of random weights in the real file format (torch.save: a stored zip with a pickle of protocol 2), written
without PyTorch."""

import hashlib
import io
import json
import random
import struct
import zipfile
from array import array

FOUR = ["drums", "bass", "other", "vocals"]
SIX = [*FOUR, "guitar", "piano"]
SEGMENT, RATE = 4410, 44100
CHANNELS, GROWTH, NFFT, DEPTH, COMPRESSION, KERNEL, WIDTH, HIDDEN, LAYERS, HEADS = 4, 2, 512, 2, 2, 8, 8, 4, 2, 2
NUMBERS = {"channels": CHANNELS, "nfft": NFFT, "depth": DEPTH, "dconv_comp": COMPRESSION, "dconv_mode": 3, "bottom_channels": WIDTH, "t_layers": LAYERS, "t_heads": HEADS}


def _dconv(prefix, channels):
    hidden = channels // COMPRESSION
    for i in range(2):
        at = f"{prefix}.dconv.layers.{i}"
        yield f"{at}.0", (hidden, channels, 3)
        yield f"{at}.1", (hidden,)
        yield f"{at}.3", (2 * channels, hidden, 1)
        yield f"{at}.4", (2 * channels,)
        yield f"{at}.6.scale", (channels,)


def _branch(prefix, bins, inputs, outputs):
    """Encoder and decoder over the spectrum (bins = (1,)) or over time (bins = ())."""
    sizes = [CHANNELS * GROWTH**i for i in range(DEPTH)]
    for i, size in enumerate(sizes):
        coder = f"{prefix}encoder.{i}"
        yield f"{coder}.conv", (size, inputs if i == 0 else sizes[i - 1], KERNEL, *bins)
        yield from _dconv(coder, size)
        yield f"{coder}.rewrite", (2 * size, size, 1, *bins)
        coder = f"{prefix}decoder.{DEPTH - 1 - i}"
        yield f"{coder}.conv_tr", (size, outputs if i == 0 else sizes[i - 1], KERNEL, *bins)
        yield from _dconv(coder, size)
        yield f"{coder}.rewrite", (2 * size, size, 3, *(3 for _ in bins))


def _transformer():
    norms = ["norm_in", "norm_in_t"]
    for branch in ("layers", "layers_t"):
        for i in range(LAYERS):
            at = f"crosstransformer.{branch}.{i}"
            attention = f"{at}.{'cross_attn' if i % 2 else 'self_attn'}"
            yield f"{at}.gamma_1.scale", (WIDTH,)
            yield f"{at}.gamma_2.scale", (WIDTH,)
            yield f"{at}.linear1", (HIDDEN * WIDTH, WIDTH)
            yield f"{at}.linear2", (WIDTH, HIDDEN * WIDTH)
            yield f"{attention}.in_proj_weight", (3 * WIDTH, WIDTH)
            yield f"{attention}.in_proj_bias", (3 * WIDTH,)
            yield f"{attention}.out_proj", (WIDTH, WIDTH)
            norms += [f"{branch}.{i}.{norm}" for norm in ("norm1", "norm2", "norm_out", *(["norm3"] if i % 2 else []))]
    for norm in norms:
        yield f"crosstransformer.{norm}", (WIDTH,)


def shapes(sources):
    """Every weight of the network by its name."""
    modules = [
        *_branch("", (1,), 4, 4 * len(sources)),
        *_branch("t", (), 2, 2 * len(sources)),
        *_transformer(),
        *((f"channel_{way}sampler{branch}", (WIDTH, CHANNELS * GROWTH ** (DEPTH - 1), 1)) for way in ("up", "down") for branch in ("", "_t")),
    ]
    out = {"freq_emb.embedding.weight": (NFFT // 2 // 4, CHANNELS)}
    for name, shape in modules:
        if name.endswith((".scale", "_weight", "_bias")):
            out[name] = shape
            continue
        out[f"{name}.weight"] = shape
        out[f"{name}.bias"] = (shape[1],) if "conv_tr" in name else (shape[0],)
    return out


def _text(value):
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def _integer(value):
    return b"J" + struct.pack("<i", value)


def _call(module, name):
    return f"c{module}\n{name}\n".encode()


def _tensor(key, shape):
    strides, count = [], 1
    for extent in reversed(shape):
        strides.insert(0, count)
        count *= extent
    storage = b"(" + _text("storage") + _call("torch", "FloatStorage") + _text(key) + _text("cpu") + _integer(count) + b"tQ"
    sizes = b"(" + b"".join(map(_integer, shape)) + b"t(" + b"".join(map(_integer, strides)) + b"t"
    return _call("torch._utils", "_rebuild_tensor_v2") + b"(" + storage + _integer(0) + sizes + b"\x89" + _call("collections", "OrderedDict") + b")RtR"


def weights(sources=FOUR, seed=1, value=None, other=None):
    """(name, shape, values) of random weights. `value` replaces the first of them; `other` gives names other shapes, None for
    those that are left out."""
    draw = random.Random(seed)
    for number, (name, shape) in enumerate(sorted({**shapes(sources), **(other or {})}.items())):
        if shape is None:
            continue
        count = 1
        for extent in shape:
            count *= extent
        values = array("f", (draw.uniform(-0.3, 0.3) for _ in range(count)))
        if value is not None and number == 0:
            values[0] = value
        yield name, shape, values


def archive(package, entries=(), compression=zipfile.ZIP_STORED):
    """torch.save's zip: the pickle and the storages by their numbers."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as made:
        for name, content in [("archive/data.pkl", package), *entries]:
            made.writestr(zipfile.ZipInfo(name), content, compression)
    return out.getvalue()


def checkpoint(sources=FOUR, seed=1, module="demucs.htdemucs", value=None, extra=b"", other=None, numbers=None, compression=zipfile.ZIP_STORED, segment=SEGMENT):
    """The bytes of a .th file. `value` and `other` as of weights(); `extra` is put into the pickle behind the state; `numbers` are
    hyperparameters that differ; `segment` in frames."""
    state, entries = b"", []
    for number, (name, shape, values) in enumerate(weights(sources, seed, value, other)):
        state += _text(name) + _tensor(str(number), shape)
        entries.append((f"archive/data/{number}", values.tobytes()))
    numbers = {**NUMBERS, **(numbers or {})}
    arguments = _text("sources") + b"](" + b"".join(map(_text, sources)) + b"e"
    arguments += b"".join(_text(name) + _integer(number) for name, number in numbers.items())
    arguments += _text("segment") + _call("fractions", "Fraction") + b"(" + _text(f"{segment}/{RATE}") + b"tR"
    package = b"\x80\x02}(" + _text("klass") + _call(module, "HTDemucs") + _text("args") + b")" + _text("kwargs") + b"}(" + arguments + b"u"
    package += _text("state") + b"}(" + state + b"u" + extra + b"u."
    return archive(package, entries, compression)


def safetensors(sources=FOUR, seed=1, module="demucs.htdemucs", change=None, data=lambda content: content):
    """The same as safetensors. `change` alters the header before it is written, `data` the bytes of the weights."""
    header = {
        "__metadata__": {
            "klass": f"{module}.HTDemucs",
            "args": "[]",
            "kwargs": json.dumps({"sources": sources, **NUMBERS, "segment": {"_type": "fraction", "numerator": SEGMENT, "denominator": RATE}}),
        }
    }
    content = b""
    for name, shape, values in weights(sources, seed):
        piece = values.tobytes()
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [len(content), len(content) + len(piece)]}
        content += piece
    text = json.dumps(header)
    if change:
        text = change(header) or json.dumps(header)
    return struct.pack("<Q", len(text)) + text.encode() + data(content)


def published_name(signature, content):
    """As the authors name their files: with the beginning of the digest."""
    return f"{signature}-{hashlib.sha256(content).hexdigest()[:8]}.th"
