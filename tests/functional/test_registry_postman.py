"""The Postman collection that is shipped, run by newman: its own assertions, and that they can fail."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from support.registry_users import ADMIN_TOKEN, SETTINGS
from support.server import ROOT

POSTMAN = ROOT / "clients" / "postman"
COLLECTION = POSTMAN / "Model Registry API.postman_collection.json"
ENVIRONMENT = POSTMAN / "Model Registry - Local.postman_environment.json"
NEWMAN = Path(__file__).parent / "newman"


@pytest.fixture(scope="module")
def settings():
    return SETTINGS


@pytest.fixture(scope="module")
def newman(tmp_path_factory):
    if not shutil.which("npm"):
        pytest.skip("newman needs npm")
    folder = tmp_path_factory.mktemp("newman")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(NEWMAN / name, folder)
    command = ["npm", "ci", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund"]
    for _ in range(2):  # a registry that does not answer keeps npm waiting for ever
        try:
            fetched = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
        except subprocess.TimeoutExpired:
            continue
        if fetched.returncode == 0:
            return folder / "node_modules" / ".bin" / "newman"
        pytest.skip(f"npm cannot fetch newman: {fetched.stderr[-300:]}")
    pytest.skip("npm cannot fetch newman: no answer")


def run(newman, server, folder, token):
    report = folder / "report.json"
    command = [newman, "run", COLLECTION, "-e", ENVIRONMENT, "--env-var", f"baseUrl={server.url}", "--env-var", f"adminToken={token}"]
    ran = subprocess.run([*map(str, command), "-r", "json", "--reporter-json-export", str(report)], capture_output=True, text=True, timeout=120)
    assert report.exists(), ran.stderr
    return ran.returncode, json.loads(report.read_text())["run"]


def test_every_request_of_the_collection_asserts_its_status():
    def requests_of(items):
        for item in items:
            yield from requests_of(item["item"]) if "item" in item else [item]

    found = list(requests_of(json.loads(COLLECTION.read_text())["item"]))
    assert len(found) > 30
    for item in found:
        script = "".join(line for event in item["event"] for line in event["script"]["exec"])
        assert "to.have.status(" in script, item["name"]


def test_the_collection_runs_and_all_its_assertions_hold(newman, server, tmp_path):
    code, result = run(newman, server, tmp_path, ADMIN_TOKEN)
    failures = [f"{failure['source']['name']}: {failure['error']['message']}" for failure in result["failures"]]
    assert code == 0 and failures == []
    assert result["stats"]["assertions"]["total"] > 60


def test_its_assertions_fail_when_the_server_answers_otherwise(newman, server, tmp_path):
    code, result = run(newman, server, tmp_path, "a wrong token")
    failed = {failure["source"]["name"] for failure in result["failures"]}
    assert code != 0 and {"Create platform user", "Grants", "Usage of one user"} <= failed
