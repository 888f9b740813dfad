"""What the README and docs/ show works when it is pasted."""

import re
import subprocess
import sys
import zipfile

import pytest

from support import audio
from support.server import ROOT

STEMS = {"bass.wav", "drums.wav", "other.wav", "vocals.wav"}


def blocks(language, mark, page="README.md"):
    """The page's code blocks of this language that contain the mark."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = [block for block in re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL) if mark in block]
    assert found, f"{page} has a {language} block with {mark}"
    return "".join(found)


@pytest.fixture
def checkout(tmp_path, server):
    """A folder that looks like a checkout to the examples, and their text with this server's address."""
    (tmp_path / "sample").symlink_to(ROOT / "sample")

    def run(text, program, **replaced):
        address = {} if "localhost:8080" in replaced else {"http://127.0.0.1:8080": server.url}
        for old, new in {**address, **replaced}.items():
            assert old in text, f"the example names {old}"
            text = text.replace(old, new)
        return subprocess.run([*program, text], cwd=tmp_path, capture_output=True, text=True, timeout=120)

    run.folder = tmp_path
    run.address = server.url.removeprefix("http://")
    return run


def test_the_curl_example_ends_with_all_stems(checkout):
    ran = checkout(blocks("bash", "curl"), ["bash", "-euo", "pipefail", "-c"])
    assert ran.returncode == 0, f"the example runs: {ran.stdout} {ran.stderr}"
    assert (checkout.folder / "vocals.wav").read_bytes()[:4] == b"RIFF", "vocals.wav is a WAV file"
    assert set(zipfile.ZipFile(checkout.folder / "stems.zip").namelist()) == STEMS, "stems.zip holds the stems"


def test_the_python_example_ends_with_all_stems(checkout, account):
    ran = checkout(blocks("python", "requests"), [sys.executable, "-c"], YOUR_API_KEY=account.key)
    assert ran.returncode == 0 and "completed" in ran.stdout, f"the example runs: {ran.stdout} {ran.stderr}"
    assert set(zipfile.ZipFile(checkout.folder / "stems.zip").namelist()) == STEMS, "stems.zip holds the stems"


def test_the_registry_example_publishes_a_model(checkout):
    (checkout.folder / "model.safetensors").write_bytes(bytes(100_000))
    ran = checkout(blocks("bash", "uploads/initiate", "docs/registry.md"), ["bash", "-euo", "pipefail", "-c"])
    assert ran.returncode == 0 and '"verified":true' in ran.stdout, f"the example runs: {ran.stdout} {ran.stderr}"


def test_the_media_examples_end_with_a_verdict_and_another_key(checkout):
    (checkout.folder / "picture.jpg").write_bytes(audio.ffmpeg(("-f", "lavfi", "-i", "testsrc=size=128x96:rate=1", "-frames:v", "1"), ".jpg"))
    text = blocks("bash", "localhost:8080/api", "docs/media.md")
    ran = checkout(text, ["bash", "-euo", "pipefail", "-c"], **{"localhost:8080": checkout.address})
    assert ran.returncode == 0 and '"status":"PROCESSED"' in ran.stdout, f"the example runs: {ran.stdout} {ran.stderr}"
    assert '"permissions":["read"]' in ran.stdout and '"status":"PENDING"' in ran.stdout, ran.stdout


def test_the_deployment_examples_end_with_what_the_workflow_found(checkout):
    ran = checkout(blocks("bash", "api-deployment", "docs/deployments.md"), ["bash", "-euo", "pipefail", "-c"], **{"localhost:8080": checkout.address})
    assert ran.returncode == 0 and "Total: 42" in ran.stdout and "Total: 43" in ran.stdout, f"the example runs: {ran.stdout} {ran.stderr}"
