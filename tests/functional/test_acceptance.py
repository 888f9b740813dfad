"""The acceptance lines of the stems contract, one test each, numbered as there. Line 28 is the console's and is tested with it."""

import io
import re
import subprocess
import sys
import uuid
import wave
import zipfile

import pytest

from support import audio
from support.checks import NINE, TIME, answers, show
from support.document import PYTHON_EXAMPLE
from support.secrets import plausible_key

FIELDS = {"model": "htdemucs", "stem_count": "4"}  # after the file, in the document's order


@pytest.fixture(scope="module")
def rival(server):
    """K2: another account with a key."""
    return server.account()


def upload_as_documented(client):
    answer = client.upload("song.mp3", audio.encoded(".mp3"), FIELDS)
    assert answer.status_code // 100 == 2, f"an upload as documented is accepted, {show(answer)}"
    job = answer.json()
    assert job["id"], "id is not empty"
    assert (job["filename"], job["model"], job["status"], job["cost"]) == ("song.mp3", "htdemucs", "pending", 1.0), (
        f"the documented answer, got {job}"
    )
    assert TIME.match(job["created_at"]), f"created_at looks like 2025-01-01T12:00:00, got {job['created_at']}"
    return job


def test_01_a_key_uploads_and_sees_the_documented_answer(owner):
    upload_as_documented(owner.api)


def test_02_a_session_uploads_and_sees_the_same_shape(owner):
    by_key, by_session = upload_as_documented(owner.api), upload_as_documented(owner.session)
    assert list(by_key) == list(by_session), "key and session see the same shape"


def test_03_a_job_is_found_again(owner):
    job = upload_as_documented(owner.api)
    again = owner.api.get(f"/jobs/{job['id']}")
    answers(again, 200, "GET /jobs/{id}")
    assert all(again.json()[name] == job[name] for name in ("id", "filename", "model", "created_at")), (
        f"the same job, {show(again)}"
    )
    assert again.json()["status"], "a status is there"


def test_04_a_job_ends_in_completed(owner):
    job = owner.wait(upload_as_documented(owner.api)["id"])
    assert job["status"] == "completed", f"a real song is completed, got {job['status']}: {job['error_message']}"
    assert job["completed_at"] >= job["created_at"], "completed_at is not before created_at"


def test_05_the_list_holds_the_job(owner, done):
    answer = answers(owner.api.get("/jobs"), 200, "GET /jobs")
    assert list(answer.json()) == ["jobs"], f"the list has the one key jobs, got {list(answer.json())}"
    entry = next((job for job in answer.json()["jobs"] if job["id"] == done["id"]), None)
    assert entry, "the job is in the list"
    assert all(entry[name] == done[name] for name in ("id", "filename", "model", "status", "created_at")), (
        f"its documented fields, got {entry}"
    )


def test_06_every_listed_stem_downloads(owner, done):
    stems = answers(owner.api.get(f"/jobs/{done['id']}/stems"), 200, "GET /jobs/{id}/stems").json()
    assert "vocals.wav" in stems["stems"], f"the list names vocals, got {stems}"
    names = set(stems["stems"]) | {name for file in stems["files"] for name in (file["name"], file["filename"])}
    for name in sorted(names):
        answers(owner.api.get(f"/download/{done['id']}/{name}"), 200, f"every name of the list downloads: {name}")


def test_07_vocals_is_a_wav_as_long_as_the_input(owner):
    job = owner.finished("song.wav", audio.song())
    answer = answers(owner.api.get(f"/download/{job['id']}/vocals.wav"), 200, "GET /download/{id}/vocals.wav")
    with wave.open(io.BytesIO(answer.content)) as file:
        assert file.getnframes() == audio.Decoded(audio.song()).frames, (
            "stems are as long as the decoded input, to the sample"
        )


def test_08_the_zip_passes_unzip_and_has_four_entries(owner, done, tmp_path):
    answer = answers(owner.api.get(f"/download/{done['id']}"), 200, "GET /download/{id}")
    path = tmp_path / "stems.zip"
    path.write_bytes(answer.content)
    check = subprocess.run(["unzip", "-t", path], capture_output=True, text=True)
    assert check.returncode == 0, f"unzip -t passes: {check.stdout} {check.stderr}"
    names = zipfile.ZipFile(path).namelist()
    assert len(names) == 4 and any("vocals" in name for name in names), f"four entries, one of them vocals, got {names}"


def test_09_the_nine_endpoints_answer_401_without_a_header(server, done):
    found = {
        (method, path): server.client().request(method, path.format(id=done["id"])).status_code for method, path in NINE
    }
    assert set(found.values()) == {401}, f"each of the nine without a header is 401, got {found}"


def test_10_the_nine_endpoints_answer_401_to_a_bare_or_wrong_key(server, owner, done):
    found = {}
    for method, path in NINE:
        for value in (owner.key, "Bearer sk_wrong", f"Bearer {plausible_key()}"):
            found[method, path, value] = (
                server.client(Authorization=value).request(method, path.format(id=done["id"])).status_code
            )
    assert set(found.values()) == {401}, f"a key without Bearer and a wrong key are 401, got {found}"


def test_11_the_nine_endpoints_accept_key_and_session(server):
    account = server.account()
    job = account.finished()
    for client in (account.api, account.session):
        for method, path in NINE:
            answer = client.request(method, path.format(id=job["id"]))
            assert answer.status_code not in (401, 405), f"{method} {path} accepts key and session, {show(answer)}"
            assert not (answer.status_code == 404 and answer.json()["detail"] == "Not Found"), (
                f"{method} {path} is a known path, {show(answer)}"
            )


def test_12_keys_begin_with_sk_and_differ(owner, rival):
    assert owner.key.startswith("sk_") and rival.key.startswith("sk_"), "keys start with sk_"
    assert owner.key != rival.key, "two accounts' keys differ"


def test_13_regenerating_and_deleting_a_key_ends_it(server, account):
    old = account.key
    new = account.session.post("/api-key/regenerate").json()["api_key"]
    assert server.client(old).get("/jobs").status_code == 401, "the old key fails at once"
    assert server.client(new).get("/jobs").status_code == 200, "the new key works at once"
    assert account.session.delete("/api-key").status_code == 200, "the key is deleted"
    assert server.client(new).get("/jobs").status_code == 401, "the deleted key fails at once"
    assert account.session.get("/jobs").status_code == 200, "the session is not touched by it"


def test_14_each_upload_costs_exactly_one_credit(account):
    seen = [account.credits()]
    for client in (account.api, account.session):
        upload_as_documented(client)
        seen.append(account.credits())
    assert seen == [3.0, 2.0, 1.0], f"the balance falls by exactly 1 with key and session, got {seen}"


def test_15_without_credits_an_upload_is_402_and_changes_nothing(server):
    account = server.account(credits=0)
    answer = account.api.upload("song.mp3", audio.encoded(".mp3"), FIELDS)
    assert answer.status_code == 402, f"balance 0 is 402, {show(answer)}"
    assert account.jobs() == [] and account.credits() == 0.0, "no job, no charge"
    server.set_credits(account, 1)
    upload_as_documented(account.api)


SIX = [
    ("GET", "/jobs/{id}"),
    ("GET", "/jobs/{id}/stems"),
    ("GET", "/download/{id}"),
    ("GET", "/download/{id}/vocals.wav"),
    ("POST", "/jobs/{id}/retry"),
    ("POST", "/jobs/{id}/cancel"),
]


def test_16_an_unknown_job_is_404_everywhere(owner):
    for job_id in (str(uuid.uuid4()), "abc-123-def"):
        found = {(method, path): owner.api.request(method, path.format(id=job_id)).status_code for method, path in SIX}
        assert set(found.values()) == {404}, f"an unknown id is 404 on all six, got {found}"


def test_17_a_foreign_job_looks_exactly_like_an_unknown_one(rival, done):
    for method, path in SIX:
        unknown = rival.api.request(method, path.format(id=uuid.uuid4()))
        foreign = rival.api.request(method, path.format(id=done["id"]))
        assert (foreign.status_code, foreign.content) == (unknown.status_code, unknown.content), (
            f"{method} {path}: a foreign job answers like an unknown one, {show(foreign)} instead of {show(unknown)}"
        )
    assert done["id"] not in [job["id"] for job in rival.jobs()], "a foreign job is not in the list"


def test_18_text_named_mp3_is_accepted_fails_and_costs_nothing(account):
    answer = account.api.upload("bad.mp3", b"this is no music\n" * 50)
    assert answer.status_code // 100 == 2, f"a known extension is accepted without a look inside, {show(answer)}"
    job = account.wait(answer.json()["id"])
    assert job["status"] == "failed", f"undecodable input fails, got {job['status']}"
    assert account.credits() == 3.0, "the credit is back"


def test_19_a_failed_job_is_retried_under_the_same_id(account):
    job = account.failed()
    answer = account.api.post(f"/jobs/{job['id']}/retry")
    assert answer.status_code // 100 == 2 and answer.json()["id"] == job["id"], f"retry keeps the id, {show(answer)}"
    assert answer.json()["status"] == "pending", f"the job leaves failed, {show(answer)}"
    assert account.wait(job["id"])["status"] == "failed", "it fails again"
    assert account.credits() == 3.0, "a failed retry costs nothing"


def test_20_a_pending_job_is_cancelled_for_good(busy):
    account = busy.account()
    job = account.upload()
    assert account.job(job["id"])["status"] == "pending", "the worker is occupied"
    assert account.credits() == 2.0, "the credit is held"
    answer = account.api.post(f"/jobs/{job['id']}/cancel")
    assert answer.status_code // 100 == 2 and answer.json()["status"] == "cancelled", (
        f"a pending job is cancelled, {show(answer)}"
    )
    assert account.credits() == 3.0, "the credit is back when the answer is sent"
    busy.release()
    later = account.wait(account.upload()["id"])  # one that is queued behind it and runs
    assert later["status"] == "completed", f"the worker goes on, got {later['status']}"
    assert account.job(job["id"])["status"] == "cancelled", "a cancelled job is never processed or completed"


def test_21_a_completed_job_is_neither_retried_nor_cancelled(owner, done):
    for action in ("retry", "cancel"):
        answer = owner.api.post(f"/jobs/{done['id']}/{action}")
        assert answer.status_code // 100 == 4, f"{action} of a completed job is refused, {show(answer)}"
    assert owner.job(done["id"])["status"] == "completed", "it is still completed"
    assert owner.api.get(f"/download/{done['id']}/vocals.wav").status_code == 200, "and downloadable"


def test_22_many_jobs_are_deleted_at_once(account):
    ids = [account.failed()["id"], account.finished()["id"]]
    answer = account.api.delete("/jobs", json=ids)
    assert answer.status_code // 100 == 2, f"own jobs are deleted, {show(answer)}"
    assert [account.api.get(f"/jobs/{job_id}").status_code for job_id in ids] == [404, 404], "both are 404"
    assert not set(ids) & {job["id"] for job in account.jobs()}, "both are gone from the list"


def test_23_nobody_deletes_a_foreign_job(owner, rival, done):
    rival.api.delete("/jobs", json=[done["id"]])
    assert owner.api.get(f"/jobs/{done['id']}").status_code == 200, "the owner still has the job"


def test_24_downloads_of_unfinished_jobs_and_unknown_stems_are_refused(owner, done, busy):
    waiting = busy.account()
    pending = waiting.upload()
    failed = owner.failed()
    for account, job in ((waiting, pending), (owner, failed)):
        answer = account.api.get(f"/download/{job['id']}")
        assert answer.status_code // 100 == 4 and "detail" in answer.json(), (
            f"no download before completion, {show(answer)}"
        )
    answers(owner.api.get(f"/download/{done['id']}/nope.wav"), 404, "an unknown stem")


def test_25_the_python_example_runs_as_written(owner, server, tmp_path):
    (tmp_path / "song.mp3").write_bytes(audio.encoded(".mp3"))
    example = PYTHON_EXAMPLE.replace("YOUR_API_KEY", owner.key).replace("https://muxminus.com", server.url)
    ran = subprocess.run([sys.executable, "-c", example], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, f"the example runs: {ran.stderr}"
    assert "Job created: " in ran.stdout and "Status: " in ran.stdout, (
        f"it prints what the document says, got {ran.stdout}"
    )
    job_id = re.search(r"Job created: (\S+)", ran.stdout)[1]
    owner.wait(job_id, "completed")
    tail = (
        example[: example.index("# Upload a file")]
        + f'job_id = "{job_id}"\n'
        + example[example.index("# Check status") :]
    )
    again = subprocess.run([sys.executable, "-c", tail], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert "Downloaded stems.zip" in again.stdout, f"a finished job is downloaded, got {again.stdout} {again.stderr}"
    assert zipfile.ZipFile(tmp_path / "stems.zip").testzip() is None, "stems.zip is a sound ZIP"


def test_26_two_hundred_quick_lists_are_never_limited(owner):
    statuses = {owner.api.get("/jobs").status_code for _ in range(200)}
    assert statuses == {200}, f"no rate limit, got {statuses}"


def test_27_the_reference_needs_a_login_and_names_all_nine(server, owner):
    closed = server.client().get("/api-docs")
    assert closed.status_code == 401 or closed.status_code // 100 == 3, f"logged out: 401 or a redirect, {show(closed)}"
    assert "/upload" not in closed.text, "no reference text for strangers"
    opened = answers(owner.session.get("/api-docs"), 200, "logged in")
    text = re.sub(r"<[^>]*>", " ", opened.text)
    for method, path in NINE:
        name = re.escape(path.replace("vocals.wav", "{stem}")).replace(r"\{id\}", r"\{(job_)?id\}")
        assert re.search(rf"\b{method}\b\s*{name}(?![\w/{{])", text), f"the reference names {method} {path}"


def test_29_old_accounts_survive_the_migration_and_have_no_key(start_server):
    server = start_server()
    old = server.account()  # never had a key
    server.stop()
    for _ in range(2):
        ran = server.run("migrate")
        assert ran.returncode == 0, f"tollhouse migrate is harmless when run twice: {ran.stderr}"
        assert ran.stdout.strip(), "tollhouse migrate prints what it did"
    server.start()
    assert old.login().status_code == 200, "logins work"
    assert old.session.get("/api-key").json()["api_key"] is None, "no key exists"
    assert old.finished()["status"] == "completed", "nothing breaks"
