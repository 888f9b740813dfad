"""Small Spleeter checkpoints of random weights in the real file format (TensorFlow's: a LevelDB table and a file of values), in the packages
that such checkpoints come in, written without TensorFlow."""

import io
import random
import struct
import tarfile
import zipfile
from array import array

FILTERS = [2, 2, 3, 2, 3, 2]
FOLDER = "spleeter/pretrained_models/2stems/"


def _crc_table():
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        yield value


TABLE = list(_crc_table())


def _masked_crc(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 0xFF]
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def _varint(value):
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def _block(entries):
    """Entries without shared beginnings: a restart each."""
    out, restarts = b"", []
    for key, value in entries:
        restarts.append(len(out))
        out += _varint(0) + _varint(len(key)) + _varint(len(value)) + key + value
    restarts = restarts or [0]
    return out + struct.pack(f"<{len(restarts)}I", *restarts) + struct.pack("<I", len(restarts))


def _table(entries):
    out, handles = b"", []

    def put(block):
        nonlocal out
        handles.append(_varint(len(out)) + _varint(len(block)))
        out += block + b"\0" + _masked_crc(block + b"\0")

    put(_block(entries))
    data = handles[0]
    put(_block([]))
    put(_block([(entries[-1][0] + b"\x7f", data)]))
    return out + (handles[1] + handles[2]).ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)


def _numbered(kind, number):
    return f"{kind}_{number}" if number else kind


def shapes(sources):
    """Every variable of the networks by its name."""
    out = {}

    def layer(name, kernel, biases):
        out[f"{name}/kernel"], out[f"{name}/bias"] = kernel, (biases,)

    for source in range(sources):
        channels = [2, *FILTERS]
        for i in range(6):
            layer(_numbered("conv2d", source * 7 + i), (5, 5, channels[i], channels[i + 1]), channels[i + 1])
        layer(_numbered("conv2d", source * 7 + 6), (4, 4, 1, 2), 2)
        made = [*reversed(FILTERS[:-1]), 1]
        taken = [FILTERS[-1], *(2 * count for count in made[:-1])]
        for i in range(6):
            layer(_numbered("conv2d_transpose", source * 6 + i), (5, 5, made[i], taken[i]), made[i])
        for i, count in enumerate([*FILTERS, *made]):
            for part in ("gamma", "beta", "moving_mean", "moving_variance"):
                out[f"{_numbered('batch_normalization', source * 12 + i)}/{part}"] = (count,)
    return out


def checkpoint(sources=2, seed=1, value=None):
    """The two files by name. `value` replaces the first weight."""
    draw = random.Random(seed)
    entries, data = [(b"", b"\x08\x01\x1a\x02\x08\x01")], b""
    for number, (name, shape) in enumerate(sorted(shapes(sources).items())):
        count = 1
        for extent in shape:
            count *= extent
        values = array("f", (draw.uniform(0.5, 1.5) if name.endswith("variance") else draw.uniform(-0.4, 0.4) for _ in range(count)))
        if value is not None and number == 0:
            values[0] = value
        raw = values.tobytes()
        extents = b"".join(b"\x12" + _varint(len(one)) + one for one in (b"\x08" + _varint(extent) for extent in shape))
        entry = b"\x08\x01\x12" + _varint(len(extents)) + extents + b"\x20" + _varint(len(data)) + b"\x28" + _varint(len(raw)) + b"\x35" + _masked_crc(raw)
        entries.append((name.encode(), entry))
        data += raw
    return {"model.index": _table(entries), "model.data-00000-of-00001": data}


def wheel(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {"spleeter/__init__.py": b"", **{FOLDER + name: content for name, content in files.items()}}.items():
            archive.writestr(name, content)
    return out.getvalue()


def tar_gz(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"./{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()
