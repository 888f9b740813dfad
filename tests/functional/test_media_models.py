"""Models of the registry that analyse media: assigned by administrators, pinned when a record is accepted."""

import json
import subprocess

import pytest

from support import onnx_file
from support.media import MILLION, Sender, picture, picture_body, put
from support.server import BINARY


@pytest.fixture(scope="module")
def sender(server):
    return Sender(server, credits=100)


@pytest.fixture(scope="module")
def key(sender):
    return sender.key()


def manifest(task="AC-1", width=1, **output):
    return {
        "task": task,
        "input": {"name": "image", "size": [16, 16], "layout": "NCHW", "mean": [0, 0, 0], "std": [1, 1, 1], "color": "RGB"},
        "output": {"name": "score", "kind": "probability", "fakeIndex": 0, **output},
        "threshold": 0.5,
        "margin": 0.1,
        "calibrated": True,
    }


def command(server, *arguments):
    return subprocess.run(
        [str(BINARY), *arguments, *server.arguments()[:2], *(["--database", server.database] if server.database else [])],
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture
def add(server, tmp_path):
    """Makes a version of a model from an ONNX file and its manifest; the command's result."""

    def made(repo, version, content, described=None, name="acme"):
        folder = tmp_path / f"{repo}-{version}"
        folder.mkdir()
        (folder / "model.onnx").write_bytes(content)
        if described is not None:
            (folder / "media.json").write_text(described if isinstance(described, str) else json.dumps(described))
        ran = command(server, "models", "add", f"{name}/{repo}", version, str(folder), "--engine", "onnx")
        assert ran.returncode == 0, ran.stderr
        return f"{name}/{repo}"

    return made


def assign(server, role, repo, version=None):
    body = {"repo_id": repo, **({"version": version} if version else {})}
    return server.operator.session.put(f"/api/access/models/{role}", json=body)


def unassign(server, role):
    return server.operator.session.delete(f"/api/access/models/{role}")


def test_an_assigned_model_judges_records_that_are_accepted_afterwards(server, key, add):
    repo = add("bright", "v1", onnx_file.brightness(bias=10.0), manifest())
    before = key.made()
    assert assign(server, "AC-1", repo).status_code == 200
    try:
        listed = server.operator.session.get("/api/access/models").json()["data"]
        assert [(one["role"], one["repo_id"]) for one in listed] == [("AC-1", repo)]
        judged = key.processed()
        analysis = judged["analysis"]
        assert judged["fake"] is True and analysis["method"] == "onnx-model" and analysis["model"] == repo
        assert analysis["modelDigest"].startswith("sha256:") and "disclaimer" not in analysis
        assert put(before, picture()).status_code == 200
        assert key.ended(before["mid"])[0]["analysis"]["method"] == "builtin-forensic", "accepted before"
    finally:
        assert unassign(server, "AC-1").status_code == 204
    assert key.processed()["analysis"]["method"] == "builtin-forensic"
    assert unassign(server, "AC-1").status_code == 404


def test_models_that_do_not_fit_are_not_assigned(server, add):
    cases = {
        "no manifest": ("AC-1", add("plain", "v1", onnx_file.brightness())),
        "no JSON": ("AC-1", add("broken", "v1", onnx_file.brightness(), "{")),
        "another task": ("DF-1", add("other", "v1", onnx_file.brightness(), manifest())),
        "another input": ("AC-1", add("large", "v1", onnx_file.brightness(size=32), manifest())),
        "no ONNX": ("AC-1", add("rubbish", "v1", b"rubbish", manifest())),
        "a narrow embedding": ("FE-1", add("narrow", "v1", onnx_file.brightness(3), manifest("FE-1", kind="embedding"))),
    }
    for what, (role, repo) in cases.items():
        answer = assign(server, role, repo)
        assert answer.status_code == 422 and answer.json()["code"] == "MOD001", f"{what}: {answer.status_code} {answer.text}"
    wide = add("wide", "v1", onnx_file.brightness(512), manifest("FE-1", kind="embedding"))
    assert assign(server, "FE-1", wide).status_code == 200
    unassign(server, "FE-1")
    assert assign(server, "AC-1", "acme/none").status_code == 404
    assert assign(server, "XX-1", wide).status_code == 422
    assert server.operator.session.get("/api/access/models").json() == {"data": []}


def test_a_model_that_has_gone_is_not_replaced_in_silence(server, add):
    sender = Sender(server, credits=3)
    key = sender.key()
    repo = add("fleeting", "v1", onnx_file.brightness(), manifest())
    assert assign(server, "AC-1", repo).status_code == 200
    try:
        made = key.made()
        token = server.operator.session
        gone = token.delete(f"/v1/dev/models/{repo}")
        assert gone.status_code in (200, 204), gone.text
        assert put(made, picture()).status_code == 200
        record, _ = key.ended(made["mid"])
        assert (record["status"], record["failureReason"]) == ("FAILED", "ENGINE_UNAVAILABLE")
        assert sender.credits() == {"balance": 3 * MILLION, "held": 0, "available": 3 * MILLION}
    finally:
        unassign(server, "AC-1")


def test_the_command_does_the_same(server, key, add):
    repo = add("commanded", "v1", onnx_file.brightness(bias=-10.0), manifest())
    ran = command(server, "media", "assign", "AC-1", repo, "--version", "v1", "--format", "json")
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["repo_id"] == repo
    assert key.processed()["fake"] is False
    listed = json.loads(command(server, "media", "list", "--format", "json").stdout)
    assert [one["version"] for one in listed] == ["v1"]
    assert command(server, "media", "assign", "AC-1", "acme/none").returncode == 1
    assert command(server, "media", "assign", "nonsense", repo).returncode == 1
    assert command(server, "media", "unassign", "AC-1").returncode == 0
    assert key.processed()["analysis"]["method"] == "builtin-forensic"


def test_only_administrators_assign(server, sender, key):
    for answer in (
        sender.session.put("/api/access/models/AC-1", json={"repo_id": "acme/x"}),
        key.request("PUT", "/api/access/models/AC-1", json={"repo_id": "acme/x"}),
        sender.session.get("/api/access/models"),
    ):
        assert answer.status_code == 403 and answer.json()["code"] == "IAM002"
