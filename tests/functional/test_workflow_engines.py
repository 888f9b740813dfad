"""Steps that run in engines of the house: what they make, what they cost, and that nobody else sees it."""

import pytest
import requests

from support import onnx_file
from support.audio import song
from support.checks import show
from support.deployments import Organisation
from support.inference import PRICE, publish
from support.registry_users import User
from support.server import BINARY


@pytest.fixture(scope="module")
def org(server):
    return Organisation(server.account(credits=20))


def files(deployment, name, content):
    answer = deployment.client.post(deployment.execute_path, files={"files": (name, content, "application/octet-stream")})
    assert answer.status_code in (200, 202), show(answer)
    return deployment.wait(answer.json()["execution_id"], 60)


def test_a_recording_is_separated_for_the_price_of_a_separation(org):
    workflow = org.workflow(
        [
            {"id": "in", "uses": "source.request", "with": {"accept": ["audio/*"]}},
            {"id": "sep", "uses": "media.separate", "with": {"stem_count": 2, "two_stem_type": "vocals"}},
            {"id": "out", "uses": "sink.response"},
        ]
    )
    deployment = org.deploy(workflow)
    before = org.account.credits()
    ended = files(deployment, "song.wav", song(2.0))
    assert ended["status"] == "COMPLETED", ended
    result = ended["message"]["result"][0]["result"]
    assert sorted(result["output"]["stems"]) == ["no_vocals", "vocals"]
    assert sorted(file["name"] for file in result["files"]) == ["no_vocals.wav", "vocals.wav"]
    got = requests.get(result["files"][0]["url"], timeout=20)
    assert got.status_code == 200 and got.content[:4] == b"RIFF"
    assert float(before) - float(org.account.credits()) == 1
    assert org.account.session.get("/jobs").json()["jobs"] == [], "a part of a workflow is no job of the account"


def test_a_text_is_not_separated_and_costs_nothing(org):
    workflow = org.workflow(
        [
            {"id": "in", "uses": "source.request"},
            {"id": "sep", "uses": "media.separate"},
            {"id": "out", "uses": "sink.response"},
        ]
    )
    before = org.account.credits()
    ended = files(org.deploy(workflow), "song.wav", b"no audio at all")
    assert ended["status"] == "ERROR", ended
    assert ended["message"]["error"].startswith("sep: file_unreadable: "), ended
    assert org.account.credits() == before


def test_the_lyrics_example_is_refused_as_long_as_nothing_transcribes(org):
    answer = org.manage.post(
        f"{org.base}/workflow/",
        json={
            "name": "lyrics",
            "type": "API",
            "input_schema": {},
            "steps": [
                {"id": "in", "uses": "source.request", "with": {"accept": ["audio/*"]}},
                {"id": "sep", "uses": "media.separate", "with": {"stem_count": 2, "two_stem_type": "vocals"}},
                {"id": "lrc", "uses": "media.transcribe", "with": {"file": "{{steps.sep.stems.vocals}}", "formats": ["lrc"]}},
                {"id": "out", "uses": "sink.response"},
            ],
        },
    )
    assert answer.status_code == 400
    assert [error["code"] for error in answer.json()["errors"]] == ["step_unavailable"], show(answer)


@pytest.mark.skipif(not (BINARY.parent / "libonnxruntime.so.1").exists(), reason="built without ONNX Runtime")
def test_a_model_of_the_registry_runs_for_its_price_with_the_version_that_was_accepted(server, org):
    seller = User(server)
    repo = publish(seller, onnx_file.affine(2.0, 1.0))
    steps = [
        {"id": "in", "uses": "source.request"},
        {"id": "run", "uses": "registry.model", "with": {"repo_id": repo, "inputs": {"x": "{{input.rows}}"}}},
        {"id": "out", "uses": "sink.response"},
    ]
    deployment = org.deploy(org.workflow(steps))
    before = org.account.credits()
    answer = deployment.execute(input_data={"rows": [[1, 2, 3], [0, 0, 0]]})
    ended = deployment.wait(answer.json()["execution_id"], 60)
    assert ended["status"] == "COMPLETED", ended
    assert ended["message"]["result"][0]["result"]["output"] == {
        "y": {"shape": [2, 3], "dtype": "float32", "data": [3.0, 5.0, 7.0, 1.0, 1.0, 1.0]}
    }
    assert org.account.credits() == pytest.approx(before - PRICE, abs=1e-9)
    bad = deployment.execute(input_data={"rows": [[1, 2]]})
    failed = deployment.wait(bad.json()["execution_id"], 60)
    assert failed["status"] == "ERROR" and failed["message"]["error"].startswith("run: schema_invalid: "), failed
    assert org.account.credits() == pytest.approx(before - PRICE, abs=1e-9), "what failed costs nothing"


@pytest.mark.skipif(not (BINARY.parent / "libonnxruntime.so.1").exists(), reason="built without ONNX Runtime")
def test_a_model_that_the_payer_may_not_run_cannot_be_saved(server, org):
    secret = publish(User(server), onnx_file.affine(3.0), visibility="private")
    for repo in (secret, "nobody/nothing"):
        answer = org.manage.post(
            f"{org.base}/workflow/",
            json={
                "name": "n",
                "type": "API",
                "input_schema": {},
                "steps": [
                    {"id": "in", "uses": "source.request"},
                    {"id": "run", "uses": "registry.model", "with": {"repo_id": repo}},
                    {"id": "out", "uses": "sink.response"},
                ],
            },
        )
        assert answer.status_code == 400
        assert [(error["code"], error["attr"]) for error in answer.json()["errors"]] == [
            ("unknown_model", "steps.1.with.repo_id")
        ], show(answer)
