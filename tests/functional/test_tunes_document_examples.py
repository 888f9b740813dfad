"""Every curl line of the tunes document works as written: only address, credential and key id are ours."""

import json
import subprocess

import pytest

from support import tunes_document as document
from support.tunes import INVALID_KEY, Listener


@pytest.fixture(scope="module")
def pro(server):
    return Listener(server, "pro")


@pytest.fixture
def shell(server, pro, tmp_path):
    def run(example, key_id="", key=""):
        text = (
            example.replace("https://api.tunetrail.dev", server.url)
            .replace("YOUR_JWT_TOKEN", pro.account.token)
            .replace("tt_your_api_key_here", key)
            .replace("{key_id}", key_id)
        )
        ran = subprocess.run(["bash", "-c", text], cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert ran.returncode == 0, f"the example runs: {ran.stderr}"
        return ran.stdout

    return run


@pytest.fixture
def made(shell):
    return json.loads(shell(document.CREATE))


def test_the_creation_answers_as_documented(made):
    assert list(made) == document.CREATED_MEMBERS, f"the document's members in its order, got {list(made)}"
    assert made["name"] == "Production API" and made["environment"] == "production"
    assert made["scopes"] == ["read:tracks", "read:recommendations"] and made["api_key"].startswith("tt_")


def test_the_key_is_used_as_documented(shell, made):
    assert "items" in json.loads(shell(document.USE, key=made["api_key"])), "the list of tracks"


def test_the_list_and_the_details_answer_as_documented(shell, made):
    assert made["id"] in [key["id"] for key in json.loads(shell(document.LIST))]
    assert json.loads(shell(document.DETAILS, made["id"]))["key_prefix"] == made["key_prefix"]


def test_the_update_answers_as_documented(shell, made):
    changed = json.loads(shell(document.UPDATE, made["id"]))
    assert changed["name"] == "Updated Name" and changed["is_active"] is True, changed


def test_the_rotation_answers_as_documented(shell, made):
    rotated = json.loads(shell(document.ROTATE, made["id"]))
    assert list(rotated) == document.CREATED_MEMBERS and rotated["id"] != made["id"]
    assert json.loads(shell(document.USE, key=made["api_key"])) == INVALID_KEY, "it revokes the old one"


def test_the_revocation_answers_as_documented(shell, made):
    assert json.loads(shell(document.REVOKE, made["id"]))["status"] == "revoked"
    assert json.loads(shell(document.USE, key=made["api_key"])) == INVALID_KEY


def test_the_deletion_answers_as_documented(shell, made):
    assert shell(document.DELETE, made["id"]) == "", "204 has no body"
    assert json.loads(shell(document.DETAILS, made["id"]))["error"] == "Not Found"


def test_the_usage_answers_as_documented(shell, made):
    usage = json.loads(shell(document.USAGE, made["id"]))
    assert list(usage)[: len(document.USAGE_MEMBERS)] == document.USAGE_MEMBERS, f"got {list(usage)}"


def test_the_sample_key_has_a_wrong_check_and_is_refused(shell):
    assert json.loads(shell(document.USE, key=document.SAMPLE_KEY)) == INVALID_KEY
