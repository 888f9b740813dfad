"""Calls of the official client, unmodified. Run by test_inference_triton.py in an environment of its own:
calls.py HOST:PORT KEY AFFINE SUM_AND_DIFFERENCE FILLED"""

import sys

import numpy as np
from tritonclient import http
from tritonclient.utils import InferenceServerException

address, key, affine, sums, filled = sys.argv[1:]
client = http.InferenceServerClient(address)


class Key(dict):
    """The client writes into the headers it is given."""

    def __call__(self):
        return dict(self)


headers = Key({"x-api-key": key})


def tensor(name, values, binary=True):
    made = http.InferInput(name, list(values.shape), {"float32": "FP32", "int64": "INT64"}[str(values.dtype)])
    made.set_data_from_numpy(values, binary_data=binary)
    return made


def refused(status, words, call, *arguments, **options):
    try:
        call(*arguments, headers=headers(), **options)
    except InferenceServerException as error:
        assert error.status() == str(status) and words in error.message(), error
    else:
        raise AssertionError(f"{call} is refused")


assert client.is_server_live() and client.is_server_ready()
assert client.get_server_metadata()["name"] == "tollhouse"
assert client.is_model_ready(affine, headers=headers()) and client.is_model_ready(affine, "v1", headers=headers())
assert not client.is_model_ready("nobody/nothing", headers=headers())
metadata = client.get_model_metadata(affine, headers=headers())
assert metadata["inputs"] == [{"name": "x", "datatype": "FP32", "shape": [-1, 3]}], metadata
assert affine in [row["name"] for row in client.get_model_repository_index(headers=headers())]

x = np.array([[1, 2, 3], [4, np.nan, np.inf]], dtype=np.float32)
for binary_in in (True, False):
    values = x if binary_in else np.arange(6, dtype=np.float32).reshape(2, 3)
    for binary_out in (True, False):
        wanted = [http.InferRequestedOutput("y", binary_data=binary_out)]
        result = client.infer(affine, [tensor("x", values, binary_in)], outputs=wanted, request_id="7", headers=headers())
        found = result.as_numpy("y")
        assert found.dtype == np.float32 and found.shape == (2, 3)
        finite = np.isfinite(values)
        np.testing.assert_array_equal(found[finite], (2 * values + 1)[finite])
        assert result.get_response()["id"] == "7" and result.get_response()["model_version"] == "v1"
        if binary_out:
            np.testing.assert_array_equal(found, 2 * values + 1)

a, b = np.array([[1, 2], [3, 4]], dtype=np.int64), np.ones((2, 2), dtype=np.int64)
both = client.infer(sums, [tensor("b", b), tensor("a", a, False)], model_version="v1", headers=headers())
np.testing.assert_array_equal(both.as_numpy("sum"), a + b)
np.testing.assert_array_equal(both.as_numpy("difference"), a - b)

large = client.infer(filled, [tensor("extents", np.array([500_000, 1], dtype=np.int64))], headers=headers())
assert large.as_numpy("y").shape == (500_000, 1)

waiting = [client.async_infer(affine, [tensor("x", x[:1] + i)], headers=headers()) for i in range(3)]
for i, one in enumerate(waiting):
    np.testing.assert_array_equal(one.get_result().as_numpy("y"), 2 * (x[:1] + i) + 1)

refused(400, "a must be int64", client.infer, sums, [tensor("a", x[:, :2]), tensor("b", b)])
refused(404, "model not found", client.infer, "nobody/nothing", [tensor("x", x)])
refused(404, "not offered here", client.get_system_shared_memory_status)
refused(400, "sequences are not supported", client.infer, affine, [tensor("x", x)], sequence_id=5, sequence_start=True)
refused(404, "", client.load_model, affine)
compressed = dict(request_compression_algorithm="gzip")
refused(415, "compressed", client.infer, affine, [tensor("x", x)], **compressed)
print("all calls answered")
