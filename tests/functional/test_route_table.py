"""The matrix of every operation, every kind of principal and every kind of object, generated from the route table that the server
publishes: a new endpoint is in it the moment it exists."""

import itertools
import re
import uuid

import pytest

from support import audio
from support.checks import show
from support.tunes import SCOPES, Listener

PLACE = re.compile(r"\{([^}]+)\}")
VOLATILE = {"date", "x-request-id", "x-process-time", "x-ratelimit-remaining", "x-ratelimit-reset", "ratelimit"}
# What a place of a path can be filled with, by its surface and name: objects that belong to the owner.
OWNED = {
    "stems": {"id": "job", "key_id": "key"},
    "tunes": {"key_id": "tunes_key", "track_id": "track", "playlist_id": "playlist"},
    "media": {"mid": "media", "clientId": "client_key"},
}
LITTLE = {"string": "matrix", "integer": 1, "number": 1, "boolean": True, "object": {}}
# Bodies of which the schema does not say what is the least: alternatives, and rules between members.
BODIES = {
    ("POST", "/tracks"): {"name": "matrix"},
    ("POST", "/playlists"): {"name": "matrix"},
    ("PUT", "/playlists/{playlist_id}/tracks"): {"track_ids": []},
    ("POST", "/api/media"): {"name": "matrix", "contentType": "image/png", "size": 1, "modelType": "AC-1"},
    ("POST", "/api/access"): {"mutationQuota": 20, "queryQuota": 30},
    ("PUT", "/api/access/models/{role}"): {"repo_id": "acme/none"},
}
SOMEONE = str(uuid.uuid4())


@pytest.fixture(scope="module")
def settings():
    return {"server": {"operator_token": "matrix-operator-token-of-32-bytes"}}


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
def listener(server):
    """An account on a plan that opens every scope."""
    return Listener(server)


@pytest.fixture(scope="module")
def owned(owner, done):
    key = owner.session.post("/api-key", json={"name": f"matrix-{uuid.uuid4()}"}).json()
    tunes_key = owner.session.post("/api-keys", json={"name": "matrix"}).json()
    track = owner.session.post("/tracks", files={"file": ("song.wav", audio.song())}).json()
    playlist = owner.session.post("/playlists", json={"name": "matrix", "track_ids": [track["id"]]}).json()
    media = owner.session.post("/api/media", json=BODIES["POST", "/api/media"]).json()
    client_key = owner.session.post("/api/keys", json={"name": "matrix"}).json()
    return {
        "media": media["mid"],
        "client_key": client_key["clientId"],
        "job": done["id"],
        "key": key["id"],
        "tunes_key": tunes_key["id"],
        "track": track["id"],
        "playlist": playlist["id"],
    }


def little(schema):
    if schema.get("type") == "array":
        return [little(schema["items"])] if schema.get("minItems") else []
    return SOMEONE if schema.get("format") == "uuid" else LITTLE[schema.get("type", "object")]


def body_of(method, path, operation, schemas):
    """The least body that the operation takes, as arguments of a request."""
    content = operation.get("requestBody", {}).get("content", {})
    if (method, path) in BODIES:
        return {"json": BODIES[method, path]}
    if operation["tags"] == ["tunes"] and "application/octet-stream" in content:
        return {"data": audio.song()}
    if "application/json" not in content:
        return {}
    schema = content["application/json"]["schema"]
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rsplit("/", 1)[1]]
    if schema.get("type") == "array":
        return {"json": [SOMEONE]}
    return {"json": {name: little(schema["properties"][name]) for name in schema.get("required", [])}}


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
        answer = server.client().request(method, url, headers=headers, **body_of(method, path, operation, schemas))
        assert answer.status_code in (401, 403), f"{method} {path} with {headers}: {show(answer)}"


def test_no_key_opens_what_needs_a_session(owner, operations):
    for method, path, operation, schemas in guarded(operations, "session", "admin"):
        url = filled(path, absent_values(path))
        answer = owner.api.request(method, url, **body_of(method, path, operation, schemas))
        assert answer.status_code == 401, f"{method} {path} by key: {show(answer)}"


def test_a_tunes_key_is_told_that_a_session_is_needed(listener, operations):
    key = listener.with_key(*SCOPES)
    for method, path, operation, schemas in guarded(operations, "session"):
        if operation["tags"] == ["tunes"]:
            url = filled(path, absent_values(path))
            answer = key.request(method, url, **body_of(method, path, operation, schemas))
            assert answer.status_code == 403, f"{method} {path} by key: {show(answer)}"


def test_every_scope_is_asked_for(listener, operations):
    keys = {scope: listener.with_key(scope) for scope in SCOPES}
    others = {scope: listener.with_key(*(other for other in SCOPES if other != scope)) for scope in SCOPES}
    asked = set()
    for method, path, operation, schemas in guarded(operations, "either"):
        scope = operation.get("x-tollhouse-scope")
        if operation["tags"] != ["tunes"] or not scope:
            continue
        asked.add(scope)
        url, body = filled(path, absent_values(path)), body_of(method, path, operation, schemas)
        without = others[scope].request(method, url, **body)
        assert without.status_code == 403 and without.json()["required_scope"] == scope, (
            f"{method} {path} by a key with every scope but {scope}: {show(without)}"
        )
        only = keys[scope].request(method, url, **body)
        assert only.status_code != 401, f"{method} {path} by a key with {scope}: {show(only)}"
        if only.status_code == 403:
            assert only.json()["required_scope"] not in (None, scope), f"{method} {path}: {show(only)}"
    assert asked >= {scope for scope in SCOPES if scope.endswith((":tracks", ":playlists"))}, f"asked for: {asked}"


def test_only_administrators_pass_where_they_alone_may(stranger, operations):
    for method, path, operation, schemas in guarded(operations, "admin"):
        url = filled(path, absent_values(path))
        answer = stranger.session.request(method, url, **body_of(method, path, operation, schemas))
        # Where the operator's token is asked for, a session is none.
        expected = {
            "stems": (403, "Admin access required"),
            "media": (403, "You are not authorized"),
        }.get(operation["tags"][0], (401, "invalid admin token"))
        told = answer.json()
        assert (answer.status_code, told.get("detail", told.get("message"))) == expected, f"{method} {path} by another: {show(answer)}"


def seen(answer, value):
    headers = {name.lower(): text for name, text in answer.headers.items() if name.lower() not in VOLATILE}
    return answer.status_code, headers, answer.content.replace(value.encode(), b"ID")


def test_every_foreign_object_answers_like_an_absent_one(stranger, operations, owned):
    tried = 0
    for method, path, operation, schemas in guarded(operations, "either", "session"):
        known = OWNED.get(operation["tags"][0], {})
        kinds = [name for name in PLACE.findall(path) if name in known]
        if not kinds:
            continue
        tried += 1
        foreign = owned["key" if path.startswith("/api-key/") else known[kinds[0]]]
        absent = str(uuid.uuid4())
        answers = []
        for value in (foreign, absent):
            url = filled(path, {**dict.fromkeys(PLACE.findall(path), SOMEONE), kinds[0]: value})
            body = body_of(method, path, operation, schemas)
            answers.append(seen(stranger.session.request(method, url, **body), value))
        assert answers[0] == answers[1], f"{method} {path}: a foreign object must not be told from an absent one"
        assert answers[0][0] == 404, f"{method} {path}: {answers[0]}"
    assert tried >= 36, "jobs, keys, tracks and playlists have that many operations"


def test_what_is_open_answers_without_credentials(server, operations):
    for method, path, operation, schemas in guarded(operations, "open"):
        url, body = filled(path, {"name": "htdemucs"}), body_of(method, path, operation, schemas)
        answer = server.client().request(method, url, **body)
        assert answer.status_code < 500 or answer.status_code == 503, f"{method} {path}: {show(answer)}"
