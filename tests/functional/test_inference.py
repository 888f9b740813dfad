"""Models of the registry run by their users: the Open Inference Protocol V2, and the money."""

import struct

import pytest

from support import onnx_file
from support.registry_users import SETTINGS, User, admin
from support.server import BINARY

pytestmark = pytest.mark.skipif(
    not (BINARY.parent / "libonnxruntime.so.1").exists(), reason="skipped: built without ONNX Runtime"
)


@pytest.fixture(scope="module")
def settings():
    return {**SETTINGS, "inference": {"timeout": 5, "workers": 2, "queue": 6, "memory_bytes": 512 << 20}}


@pytest.fixture(scope="module")
def seller(server):
    return User(server)


@pytest.fixture(scope="module")
def affine(seller):
    return seller.published(onnx_file.affine(), "model.onnx", engine="onnx", visibility="public")


def tensor(name, datatype, shape, data):
    return {"name": name, "datatype": datatype, "shape": shape, "data": data}


def infer(user, repo, inputs, status=200, path="", **more):
    body = {"inputs": inputs, **more.pop("body", {})}
    answer = user.request("POST", f"/v2/models/{repo}{path}/infer", json=body, **more)
    assert answer.status_code == status, f"{answer.status_code} {answer.text[:500]}"
    return answer.json()


def test_a_model_is_described_by_what_is_in_its_file(seller, affine):
    found = seller.get(f"/v2/models/{affine}")
    assert found["name"] == affine and found["platform"] == "onnxruntime_onnx" and found["versions"] == ["v1"]
    assert found["inputs"] == [{"name": "x", "datatype": "FP32", "shape": [-1, 3]}]
    assert found["outputs"] == [{"name": "y", "datatype": "FP32", "shape": [-1, 3]}]


def test_a_model_is_run(seller, affine):
    answer = infer(seller, affine, [tensor("x", "FP32", [2, 3], [[1, 2, 3], [4, 5, 6.5]])], body={"id": "seven"})
    assert answer["model_name"] == affine and answer["model_version"] == "v1" and answer["id"] == "seven"
    assert answer["outputs"] == [tensor("y", "FP32", [2, 3], [3, 5, 7, 9, 11, 14])]
    assert answer["parameters"]["credits"] == 0.001
