"""Every example of the document works as written: only address, key, job id and file are ours."""

import json
import subprocess
import sys
import zipfile

import pytest

from support import audio, document
from support.audio import Decoded


@pytest.fixture(scope="module")
def shell(server, owner, tmp_path_factory):
    """Runs an example through bash in a folder that holds song.mp3."""
    folder = tmp_path_factory.mktemp("examples")
    (folder / "song.mp3").write_bytes(audio.encoded(".mp3"))

    def run(example, job_id="abc-123-def"):
        text = (
            example.replace("https://muxminus.com", server.url)
            .replace("YOUR_API_KEY", owner.key)
            .replace("abc-123-def", job_id)
        )
        ran = subprocess.run(["bash", "-c", text], cwd=folder, capture_output=True, text=True, timeout=60)
        assert ran.returncode == 0, f"the example runs: {ran.stderr}"
        return ran.stdout

    run.folder = folder
    return run


@pytest.fixture(scope="module")
def documented_job(shell, owner):
    answer = json.loads(shell(document.UPLOAD))
    owner.wait(answer["id"], "completed")
    return answer


def test_the_upload_answers_as_documented(documented_job):
    assert documented_job["filename"] == "song.mp3" and documented_job["model"] == "htdemucs", f"got {documented_job}"
    assert documented_job["status"] == "pending" and documented_job["cost"] == 1.0, f"got {documented_job}"


def test_the_status_answers_as_documented(shell, documented_job):
    job = json.loads(shell(document.STATUS, documented_job["id"]))
    assert job["status"] == "completed" and job["completed_at"], f"the document shows a completed job, got {job}"
    assert {name: job[name] for name in ("id", "filename", "model", "created_at")} == {
        name: documented_job[name] for name in ("id", "filename", "model", "created_at")
    }, "it is the uploaded job"


def test_one_stem_downloads_as_documented(shell, documented_job):
    shell(document.DOWNLOAD_STEM, documented_job["id"])
    assert Decoded((shell.folder / "vocals.wav").read_bytes()).channels == 2, "vocals.wav is a real stereo WAV"


def test_all_stems_download_as_documented(shell, documented_job):
    shell(document.DOWNLOAD_ALL, documented_job["id"])
    archive = zipfile.ZipFile(shell.folder / "stems.zip")
    assert archive.testzip() is None and len(archive.namelist()) == 4, (
        f"stems.zip is sound and holds four stems, got {archive.namelist()}"
    )


def test_the_list_answers_as_documented(shell, documented_job):
    jobs = json.loads(shell(document.LIST))["jobs"]
    assert documented_job["id"] in [job["id"] for job in jobs], "the list holds the job"


def test_the_python_example_ends_with_downloaded_stems(server, owner, shell):
    program = document.PYTHON_EXAMPLE.replace("https://muxminus.com", server.url).replace("YOUR_API_KEY", owner.key)
    ran = subprocess.run([sys.executable, "-c", program], cwd=shell.folder, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0 and ran.stdout.startswith("Job created: "), (
        f"the example runs: {ran.stdout} {ran.stderr}"
    )
    assert "Status: " in ran.stdout, f"it prints the status, got {ran.stdout}"


def test_a_key_without_bearer_is_the_documented_401(server, owner):
    answer = server.client(Authorization=owner.key).get("/jobs")
    assert answer.status_code == 401, 'troubleshooting: "Ensure the Authorization header includes Bearer"'


def test_no_credits_is_the_documented_402(server):
    answer = server.account(credits=0).api.upload("song.mp3", audio.encoded(".mp3"))
    assert answer.status_code == 402, f"troubleshooting: insufficient credits are 402, got {answer.status_code}"


def test_the_migration_stands_for_the_documents_script(server):
    for _ in range(2):
        ran = server.run("migrate")
        assert ran.returncode == 0 and ran.stdout.strip(), (
            f"tollhouse migrate works beside the server, twice: {ran.stdout} {ran.stderr}"
        )
