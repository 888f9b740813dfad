"""What the README and docs/ show works when it is pasted."""

import re
import subprocess
import sys
import zipfile

import pytest

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
        for old, new in {"http://127.0.0.1:8080": server.url, **replaced}.items():
            assert old in text, f"the example names {old}"
            text = text.replace(old, new)
        return subprocess.run([*program, text], cwd=tmp_path, capture_output=True, text=True, timeout=120)

    run.folder = tmp_path
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
