"""Every operation of the registry that names a model, for every role: a model that the caller does not see answers like one that is not
there. Generated from the route table that the server publishes."""

import re

import pytest

from support.registry_users import SETTINGS, User

PLACE = re.compile(r"\{([^}]+)\}")
VOLATILE = {"date", "x-request-id"}
BODIES = {
    "registry.dev.versions.add": {"version": "v9"},
    "registry.dev.aliases.set": {"version": "v1"},
    "registry.dev.uploads.complete": {"rfilename": "model.bin"},
}
QUERIES = {"registry.dev.uploads.initiate": {"filename": "model.bin"}}


@pytest.fixture(scope="module")
def settings():
    return SETTINGS


@pytest.fixture(scope="module")
def operations(server):
    document = server.client().get("/openapi.json").json()
    found = [
        (method.upper(), path, operation["operationId"])
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if operation["tags"] == ["registry"] and {"repo", "path"} & set(PLACE.findall(path))
    ]
    assert len(found) >= 15, "models, files, versions, aliases, uploads"
    return found


@pytest.fixture(scope="module")
def owner(server):
    return User(server)


@pytest.fixture(scope="module")
def upload(owner):
    repo = owner.published()
    return repo, owner.initiate(repo, filename="other.bin")["upload_id"]


def seen(answer, repo):
    headers = {name.lower(): text for name, text in answer.headers.items() if name.lower() not in VOLATILE}
    return answer.status_code, headers, answer.content.replace(repo.encode(), b"REPO")


def ask(user, method, path, name, repo, upload_id):
    values = {"repo": repo, "path": f"{repo}/model.bin", "version": "v1", "alias": "production", "upload_id": upload_id}
    url = PLACE.sub(lambda place: values[place.group(1)], path)
    return seen(user.request(method, url, json=BODIES.get(name), params=QUERIES.get(name)), repo)


@pytest.mark.parametrize("role", ["developer", "platform"])
@pytest.mark.parametrize("spelling", ["/", "%2F"])
def test_an_invisible_model_answers_like_an_absent_one(server, operations, upload, role, spelling):
    repo, upload_id = upload
    absent = repo[:-1] + ("x" if repo[-1] != "x" else "y")
    user = User(server, role)
    for method, path, name in operations:
        there, nowhere = (ask(user, method, path, name, one.replace("/", spelling), upload_id) for one in (repo, absent))
        assert there == nowhere, f"{method} {path} as {role}: {there} and {nowhere}"
        assert there[0] in (403, 404) and (there[0] == 404 or role == "platform"), f"{method} {path}: {there}"


def test_the_owner_and_an_administrator_come_through(server, operations, upload):
    repo, upload_id = upload
    boss = User(server, "admin")
    for method, path, name in operations:
        if method == "GET":
            assert ask(boss, method, path, name, repo, upload_id)[0] == 200, f"{method} {path}"
