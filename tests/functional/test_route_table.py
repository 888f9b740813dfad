"""The matrix of every operation, every kind of principal and every kind of object, generated from the route table that the server
publishes: a new endpoint is in it the moment it exists."""

import itertools
import re
import uuid

import pytest

from support.checks import show

PLACE = re.compile(r"\{([^}]+)\}")
VOLATILE = {"date", "x-request-id"}
# What a place of a path can be filled with, by its name: objects that belong to the owner.
OWNED = {"id": "job", "key_id": "key"}
LITTLE = {"string": "matrix", "integer": 1, "number": 1, "boolean": True, "array": [], "object": {}}


@pytest.fixture(scope="module")
def operations(server):
    document = server.client().get("/openapi.json").json()
    found = []
    for path, item in document["paths"].items():
        for method, operation in item.items():
            found.append((method.upper(), path, operation, document["components"]["schemas"]))
    assert len(found) > 40, "the route table has every operation"
    return found


@pytest.fixture(scope="module")
def stranger(server):
    return server.account()


@pytest.fixture(scope="module")
def owned(owner, done):
    key = owner.session.post("/api-key", json={"name": f"matrix-{uuid.uuid4()}"}).json()
    return {"job": done["id"], "key": key["id"]}


def body_of(operation, schemas):
    """The least JSON that the operation's schema takes."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if not content:
        return None
    schema = content["schema"]
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rsplit("/", 1)[1]]
    if schema.get("type") == "array":
        return [str(uuid.uuid4())]
    required = schema.get("required", [])
    return {name: LITTLE[schema["properties"][name].get("type", "string")] for name in required}


def filled(path, values):
    return PLACE.sub(lambda place: str(values.get(place.group(1), "x")), path)


def absent_values(path):
    """Ids of the right shape that nothing has."""
    numbers = path.startswith("/admin/users")
    return {name: 987654321 if numbers else str(uuid.uuid4()) for name in PLACE.findall(path)}


def guarded(operations, *kinds):
    return [o for o in operations if o[2]["x-tollhouse-access"] in kinds]


def test_no_guarded_operation_opens_without_good_credentials(server, operations):
    bad = [{}, {"Authorization": "Basic eDp5"}, {"Authorization": "Bearer sk_wrong"}, {"Authorization": "Bearer a.b.c"}]
    for (method, path, operation, schemas), headers in itertools.product(
        guarded(operations, "either", "session", "admin", "page"), bad
    ):
        url = filled(path, absent_values(path))
        answer = server.client().request(method, url, headers=headers, json=body_of(operation, schemas))
        assert answer.status_code in (401, 403), f"{method} {path} with {headers}: {show(answer)}"


def test_no_key_opens_what_needs_a_session(owner, operations):
    for method, path, operation, schemas in guarded(operations, "session", "admin"):
        url = filled(path, absent_values(path))
        answer = owner.api.request(method, url, json=body_of(operation, schemas))
        assert answer.status_code == 401, f"{method} {path} by key: {show(answer)}"


def test_only_administrators_pass_where_they_alone_may(stranger, operations):
    for method, path, operation, schemas in guarded(operations, "admin"):
        url = filled(path, absent_values(path))
        answer = stranger.session.request(method, url, json=body_of(operation, schemas))
        assert answer.status_code == 403 and answer.json() == {"detail": "Admin access required"}, (
            f"{method} {path} by another: {show(answer)}"
        )


def seen(answer, value):
    headers = {name.lower(): text for name, text in answer.headers.items() if name.lower() not in VOLATILE}
    return answer.status_code, headers, answer.content.replace(value.encode(), b"ID")


def test_every_foreign_object_answers_like_an_absent_one(stranger, operations, owned):
    tried = 0
    for method, path, operation, schemas in guarded(operations, "either", "session"):
        kinds = [name for name in PLACE.findall(path) if name in OWNED]
        if not kinds:
            continue
        tried += 1
        foreign = owned["key" if path.startswith("/api-key") else OWNED[kinds[0]]]
        absent = str(uuid.uuid4())
        answers = [
            seen(
                stranger.session.request(method, filled(path, {kinds[0]: value}), json=body_of(operation, schemas)), value
            )
            for value in (foreign, absent)
        ]
        assert answers[0] == answers[1], f"{method} {path}: a foreign object must not be told from an absent one"
        assert answers[0][0] == 404, f"{method} {path}: {answers[0]}"
    assert tried >= 12, "jobs and keys have that many operations"


def test_what_is_open_answers_without_credentials(server, operations):
    for method, path, operation, schemas in guarded(operations, "open"):
        answer = server.client().request(method, filled(path, {"name": "htdemucs"}), json=body_of(operation, schemas))
        assert answer.status_code < 500 or answer.status_code == 503, f"{method} {path}: {show(answer)}"
