"""Writes small ONNX files: the messages of onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto) by number."""

import struct

FLOAT, UINT8, INT8, INT32, INT64, BOOL, FLOAT16, DOUBLE = 1, 2, 3, 6, 7, 9, 10, 11
PACKED = {FLOAT: "f", UINT8: "B", INT8: "b", INT32: "i", INT64: "q", BOOL: "?", DOUBLE: "d"}


def varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out + bytes([value]))


def number(field, value):
    return varint(field << 3) + varint(value)


def chunk(field, content):
    content = content.encode() if isinstance(content, str) else content
    return varint(field << 3 | 2) + varint(len(content)) + content


def real(field, value):
    return varint(field << 3 | 5) + struct.pack("<f", value)


def tensor(name, kind, shape, values=(), external=None):
    out = b"".join(number(1, extent) for extent in shape) + number(2, kind) + chunk(8, name)
    if external:
        return out + chunk(13, chunk(1, "location") + chunk(2, external)) + number(14, 1)
    return out + chunk(9, struct.pack(f"<{len(values)}{PACKED[kind]}", *values))


def value(name, kind, shape):
    """An extent of None or a text is open."""
    dims = b"".join(
        chunk(1, number(1, extent)) if isinstance(extent, int) else chunk(1, chunk(2, extent or f"{name}_{i}"))
        for i, extent in enumerate(shape)
    )
    return chunk(1, name) + chunk(2, chunk(1, number(1, kind) + chunk(2, dims)))


def attribute(name, content):
    if isinstance(content, int):
        return chunk(1, name) + number(3, content) + number(20, 2)
    if isinstance(content, float):
        return chunk(1, name) + real(2, content) + number(20, 1)
    if isinstance(content, list):
        return chunk(1, name) + b"".join(number(8, item) for item in content) + number(20, 7)
    kind, message = content
    return chunk(1, name) + (chunk(5, message) + number(20, 4) if kind == "tensor" else chunk(6, message) + number(20, 5))


def node(operation, inputs, outputs, **attributes):
    out = b"".join(chunk(1, name) for name in inputs) + b"".join(chunk(2, name) for name in outputs)
    return out + chunk(4, operation) + b"".join(chunk(5, attribute(*pair)) for pair in attributes.items())


def graph(nodes, inputs, outputs, tensors=(), name="g"):
    parts = [chunk(1, one) for one in nodes] + [chunk(2, name)] + [chunk(5, one) for one in tensors]
    return b"".join(parts + [chunk(11, one) for one in inputs] + [chunk(12, one) for one in outputs])


def model(*arguments, opset=17):
    return number(1, 8) + chunk(2, "tests") + chunk(7, graph(*arguments)) + chunk(8, chunk(1, "") + number(2, opset))


# ---- models of the tests


def affine(scale=2.0, offset=1.0, rows="rows"):
    """y = scale * x + offset, for rows of three."""
    return model(
        [node("Mul", ["x", "scale"], ["scaled"]), node("Add", ["scaled", "offset"], ["y"])],
        [value("x", FLOAT, [rows, 3])],
        [value("y", FLOAT, [rows, 3])],
        [tensor("scale", FLOAT, [], [scale]), tensor("offset", FLOAT, [], [offset])],
    )


def identity(kind, shape=("n",)):
    return model([node("Identity", ["x"], ["y"])], [value("x", kind, shape)], [value("y", kind, shape)])


def sum_and_difference():
    return model(
        [node("Add", ["a", "b"], ["sum"]), node("Sub", ["a", "b"], ["difference"])],
        [value("a", INT64, [2, 2]), value("b", INT64, [2, 2])],
        [value("sum", INT64, [2, 2]), value("difference", INT64, [2, 2])],
    )


def filled(shape=("a", "b")):
    """A tensor of ones of whatever extents the input names."""
    one = tensor("", FLOAT, [1], [1.0])
    return model(
        [node("ConstantOfShape", ["extents"], ["y"], value=("tensor", one))],
        [value("extents", INT64, [len(shape)])],
        [value("y", FLOAT, shape)],
    )


def greedy(extents):
    """Asks for a tensor of these extents whatever comes in."""
    one = tensor("", FLOAT, [1], [1.0])
    return model(
        [
            node("ConstantOfShape", ["extents"], ["huge"], value=("tensor", one)),
            node("ReduceSum", ["huge"], ["total"], keepdims=0),
            node("Add", ["x", "total"], ["y"]),
        ],
        [value("x", FLOAT, [1])],
        [value("y", FLOAT, [1])],
        [tensor("extents", INT64, [len(extents)], extents)],
    )


def looping():
    """Counts to the number it is given, one by one."""
    body = graph(
        [
            node("Identity", ["go_in"], ["go_out"]),
            node("Add", ["count_in", "one"], ["count_out"]),
        ],
        [value("i", INT64, []), value("go_in", BOOL, []), value("count_in", FLOAT, [1])],
        [value("go_out", BOOL, []), value("count_out", FLOAT, [1])],
        [tensor("one", FLOAT, [1], [1.0])],
        name="body",
    )
    return model(
        [node("Loop", ["times", "go", "start"], ["y"], body=("graph", body))],
        [value("times", INT64, [])],
        [value("y", FLOAT, [1])],
        [tensor("go", BOOL, [], [True]), tensor("start", FLOAT, [1], [0.0])],
    )


def external():
    return model(
        [node("Add", ["x", "w"], ["y"])],
        [value("x", FLOAT, [1])],
        [value("y", FLOAT, [1])],
        [tensor("w", FLOAT, [1], external="/etc/passwd")],
    )


def brightness(width=1, size=16, bias=0.0):
    """The mean of a picture plus `bias`, `width` times: what a detector of authenticity is to the media surface."""
    return model(
        [
            node("ReduceMean", ["image"], ["mean"], axes=[1, 2, 3], keepdims=0),
            node("Unsqueeze", ["mean", "axis"], ["column"]),
            node("Mul", ["column", "ones"], ["many"]),
            node("Add", ["many", "bias"], ["score"]),
        ],
        [value("image", FLOAT, [1, 3, size, size])],
        [value("score", FLOAT, [1, width])],
        [
            tensor("axis", INT64, [1], [1]),
            tensor("ones", FLOAT, [1, width], [1.0] * width),
            tensor("bias", FLOAT, [1], [bias]),
        ],
    )
