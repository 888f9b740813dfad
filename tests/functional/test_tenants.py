"""Another account's object answers byte for byte like an absent one."""

import itertools
import uuid

import pytest

from support.checks import answers

VOLATILE = {"date", "x-request-id"}
ROUTES = [
    ("GET", "/jobs/{id}"),
    ("HEAD", "/jobs/{id}"),
    ("GET", "/status/{id}"),
    ("GET", "/jobs/{id}/stems"),
    ("GET", "/stems/{id}"),
    ("GET", "/stems/{id}/vocals"),
    ("GET", "/download/{id}"),
    ("HEAD", "/download/{id}"),
    ("GET", "/download/{id}?format=mp3"),
    ("GET", "/download/{id}/vocals.wav"),
    ("GET", "/download/{id}/nope.wav"),
    ("POST", "/jobs/{id}/retry"),
    ("POST", "/jobs/{id}/cancel"),
    ("DELETE", "/job/{id}"),
    ("DELETE", "/jobs/{id}"),
    ("GET", "/jobs?before={id}"),
]


@pytest.fixture(scope="module")
def stranger(server):
    return server.account()


@pytest.fixture(scope="module")
def objects(owner, done):
    """One job of the owner in every state it can rest in."""
    cancelled = owner.upload()["id"]
    owner.session.post(f"/jobs/{cancelled}/cancel")
    return [done["id"], owner.failed()["id"], cancelled]


def seen(answer, job_id):
    """All of an answer that a client can look at, with the id taken out."""
    headers = {name.lower(): value for name, value in answer.headers.items() if name.lower() not in VOLATILE}
    return answer.status_code, headers, answer.content.replace(job_id.encode(), b"ID")


@pytest.mark.parametrize("method, path", ROUTES)
def test_a_foreign_job_is_an_absent_job(stranger, objects, method, path):
    for job_id, client in itertools.product(objects, (stranger.session, stranger.api)):
        absent = str(uuid.uuid4())
        expected = seen(client.request(method, path.format(id=absent)), absent)
        found = seen(client.request(method, path.format(id=job_id)), job_id)
        assert found == expected, (
            f"{method} {path}: a foreign job must look like an absent one, {found} instead of {expected}"
        )


def test_a_foreign_job_in_the_middle_of_its_work_is_an_absent_job(busy):
    stranger = busy.account()
    _, running = busy.blocker
    for method, path in ROUTES:
        absent = str(uuid.uuid4())
        expected = seen(stranger.session.request(method, path.format(id=absent)), absent)
        found = seen(stranger.session.request(method, path.format(id=running)), running)
        assert found == expected, (
            f"{method} {path}: a foreign running job must look absent, {found} instead of {expected}"
        )


def test_deleting_foreign_jobs_deletes_nothing(owner, stranger, objects):
    absent = [str(uuid.uuid4()) for _ in objects]
    expected = answers(stranger.session.delete("/jobs", json=absent), 200, "absent ids").json()
    found = answers(stranger.session.delete("/jobs", json=objects), 200, "foreign ids").json()
    assert [error.replace(a, b) for error, a, b in zip(expected["errors"], absent, objects)] == found[
        "errors"
    ] and found["deleted"] == 0, f"got {found}"
    for job_id in objects:
        assert owner.job(job_id), "the owner still has it"


def test_nothing_foreign_is_in_any_list(owner, stranger, objects):
    assert stranger.jobs() == [] and stranger.session.get("/api-key/list").json()["keys"][1:] == [], (
        "lists show one's own"
    )
    for path in ("/jobs", "/credits/history", "/api-key/list", "/auth/me"):
        text = stranger.session.get(path).text
        assert not [job_id for job_id in objects if job_id in text] and owner.email not in text, (
            f"{path} shows nothing foreign"
        )


def test_a_foreign_key_is_an_absent_key(owner, stranger):
    made = owner.session.post("/api-key", json={"name": "mine"}).json()
    for method, suffix, body in (
        ("PATCH", "", {"name": "stolen"}),
        ("POST", "/regenerate", None),
        ("DELETE", "", None),
    ):
        expected = seen(stranger.session.request(method, f"/api-key/999999999{suffix}", json=body), "999999999")
        found = seen(stranger.session.request(method, f"/api-key/{made['id']}{suffix}", json=body), str(made["id"]))
        assert found == expected, f"{method}: a foreign key must look absent, {found} instead of {expected}"
    assert owner.server.client(made["api_key"]).get("/jobs").status_code == 200, "the key is untouched"


def test_a_foreign_page_mark_is_an_absent_one(owner, stranger):
    row = str(owner.history()[0]["id"])
    expected = stranger.session.get("/credits/history?before=1")
    found = stranger.session.get(f"/credits/history?before={row}")
    for answer in (expected, found):
        assert all(entry["user_id"] == stranger.id for entry in answer.json().get("transactions", [])), (
            "the history shows one's own"
        )


def test_one_balance_does_not_pay_for_another(server, owner):
    poor = server.account(credits=0)
    before = owner.credits()
    assert poor.session.upload().status_code == 402 and owner.credits() == before, "nobody spends foreign credits"
