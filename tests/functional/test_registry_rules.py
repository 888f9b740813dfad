"""What the registry's contract says beyond its acceptance lines: bodies of 422, paths, roles and visibility, versions, aliases, uploads,
the feed, grants in time, idempotency, and what survives a crash."""

import concurrent.futures
import json
import sqlite3
import time

import pytest
import requests

from support import audio, raw
from support.polling import until
from support.registry_users import ADMIN_TOKEN, SETTINGS, User, admin, sha256


@pytest.fixture(scope="module")
def settings():
    return SETTINGS


@pytest.fixture(scope="module")
def dev(server):
    return User(server)


@pytest.fixture(scope="module")
def other(server):
    return User(server)


@pytest.fixture(scope="module")
def platform(server):
    return User(server, "platform")


def grant(server, user, repo, **more):
    body = {"platform_user_id": user.id, "repo_id": repo, "permitted_from_ts": int(time.time()), **more}
    return admin(server, "POST", "/v1/admin/grants", json=body)


# ---- 422


def problem(answer):
    assert answer.status_code == 422, answer.text
    (one,) = answer.json()["detail"]
    assert "url" not in one
    return one


QUERIES = [
    ("/v1/changes", "missing", ["query", "since"], "Field required", None, None),
    ("/v1/models?limit=501", "less_than_equal", ["query", "limit"], "Input should be less than or equal to 500", "501", {"le": 500}),
    ("/v1/models?limit=0", "greater_than_equal", ["query", "limit"], "Input should be greater than or equal to 1", "0", {"ge": 1}),
    ("/v1/models?limit=", "int_parsing", ["query", "limit"], "Input should be a valid integer, unable to parse string as an integer", "", None),
    ("/v1/models?offset=x", "int_parsing", ["query", "offset"], "Input should be a valid integer, unable to parse string as an integer", "x", None),
    ("/v1/models?limit=99999999999999999999", "int_parsing_size", ["query", "limit"], "Unable to parse input string as an integer, exceeded maximum size", "99999999999999999999", None),
    ("/v1/manifest/a/b?presign=maybe", "bool_parsing", ["query", "presign"], "Input should be a valid boolean, unable to interpret input", "maybe", None),
    ("/v1/manifest/a/b?presign=", "bool_parsing", ["query", "presign"], "Input should be a valid boolean, unable to interpret input", "", None),
    ("/v1/manifest/a/b?expires=59", "greater_than_equal", ["query", "expires"], "Input should be greater than or equal to 60", "59", {"ge": 60}),
    ("/v1/files/a/b/c/download?expires=86401", "less_than_equal", ["query", "expires"], "Input should be less than or equal to 86400", "86401", {"le": 86400}),
]


@pytest.mark.parametrize("path, kind, loc, msg, given, ctx", QUERIES)
def test_bad_queries_are_named_as_pydantic_names_them(dev, path, kind, loc, msg, given, ctx):
    expected = {"type": kind, "loc": loc, "msg": msg, "input": given}
    assert problem(dev.request("GET", path)) == ({**expected, "ctx": ctx} if ctx else expected)


BODIES = [
    ({"email": "a@b"}, "missing", ["body", "name"]),
    ({"email": 7, "name": "x"}, "string_type", ["body", "email"]),
    ({"email": "no-at", "name": "x"}, "value_error", ["body", "email"]),
    ({"email": "a@b@c", "name": "x"}, "value_error", ["body", "email"]),
    ({"email": "a@b", "name": "  "}, "string_too_short", ["body", "name"]),
    ({"email": "a@b", "name": "x" * 201}, "string_too_long", ["body", "name"]),
    ([], "model_attributes_type", ["body"]),
]


@pytest.mark.parametrize("body, kind, loc", BODIES)
def test_bad_bodies_are_named_as_pydantic_names_them(server, body, kind, loc):
    one = problem(requests.post(f"{server.url}/v1/users/register", json=body, timeout=10))
    assert (one["type"], one["loc"]) == (kind, loc)


def test_all_problems_come_at_once(server):
    answer = requests.post(f"{server.url}/v1/users/register", json={"email": "x"}, timeout=10)
    assert [one["loc"][1] for one in answer.json()["detail"]] == ["email", "name"]


def test_broken_json_is_heard_of_before_credentials(server, dev):
    for path, headers in (("/v1/dev/models", {}), ("/v1/admin/grants", {}), ("/v1/dev/models", {"x-api-key": dev.key})):
        broken = requests.post(server.url + path, data='{"repo_id":', headers={**headers, "Content-Type": "application/json"}, timeout=10)
        one = problem(broken)
        assert one["type"] == "json_invalid" and one["loc"] == ["body", 11] and one["input"] == {} and one["ctx"]["error"]
    unsigned = requests.post(f"{server.url}/v1/dev/models", json={}, timeout=10)
    assert unsigned.status_code == 401, "well-formed JSON is judged after the credentials"


def test_content_types(server):
    url, body = f"{server.url}/v1/users/register", json.dumps({"email": "types@example.com", "name": "x"})
    one = problem(requests.post(url, data=body, headers={"Content-Type": "text/plain"}, timeout=10))
    assert one["type"] == "model_attributes_type" and one["input"] == body
    made = requests.post(url, data=body, headers={"Content-Type": "application/vnd.api+JSON; charset=x"}, timeout=10)
    assert made.status_code == 200


def test_body_limit(dev):
    answer = dev.request("POST", "/v1/dev/models", data=b'"' + b"x" * (1 << 20) + b'"', headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()) == (413, {"detail": "request body too large"})


def test_patterns_of_bodies(dev):
    for field, value, pattern in (
        ("visibility", "hidden", "^(private|public)$"),
        ("engine", "magic", "^(separation|transcription|onnx|recommender)$"),
    ):
        one = problem(dev.request("POST", "/v1/dev/models", json={"repo_id": "p/q", field: value}))
        assert one["type"] == "string_pattern_mismatch" and one["ctx"] == {"pattern": pattern}
        assert one["msg"] == f"String should match pattern '{pattern}'" and "\\|" not in one["msg"]
    for bad in ("", "a b", "../x", "a/b/c/d/e", "acme/files", "v1/x", "models/x", "x" * 201, "a//b", "a/.."):
        assert problem(dev.request("POST", "/v1/dev/models", json={"repo_id": bad}))["type"] == "string_pattern_mismatch", bad
    for parameters, kind in ((-1, "greater_than_equal"), ("many", "int_parsing"), ([], "int_type"), (2**70, "int_parsing_size")):
        one = problem(dev.request("POST", "/v1/dev/models", json={"repo_id": "p/q", "parameters": parameters}))
        assert one["type"] == kind, parameters


def test_booleans_and_repeated_parameters(dev):
    repo = dev.published()
    for word in ("true", "1", "YES", "on", "T", "y"):
        assert dev.get(f"/v1/models/{repo}/files?presign={word}")[0]["presigned_url"], word
    for word in ("false", "0", "No", "off", "f", "n"):
        assert dev.get(f"/v1/models/{repo}/files?presign={word}")[0]["presigned_url"] is None, word
    assert len(dev.ask("GET", "/v1/models?limit=bad&limit=1")) == 1, "the last value counts"
    assert dev.ask("GET", "/v1/models?q=&limit=1"), "an empty q is none"
    assert problem(dev.request("GET", "/v1/models?q=%ff"))["type"] == "value_error"


# ---- paths


def test_slashes_everywhere_plain_and_encoded(dev):
    repo = dev.model("org/team/model.one", ("1.0+cu118",))
    dev.upload(repo, b"x", "1.0+cu118", "a/b/download")
    for spelled in (repo, "org%2Fteam%2fmodel.one", "org/team%2Fmodel.one"):
        assert dev.get(f"/v1/models/{spelled}")["repo_id"] == repo
        assert dev.get(f"/v1/models/{spelled}/files/")[0]["rfilename"] == "a/b/download"
        assert dev.get(f"/v1/manifest/{spelled}?version=1.0%2Bcu118")["repo_id"] == repo
        assert dev.get(f"/v1/models/{spelled}/versions")[0]["version"] == "1.0+cu118"
        assert dev.get(f"/v1/models/{spelled}/aliases") == {}
    for spelled in (f"{repo}/a/b/download", "org%2Fteam%2Fmodel.one/a%2Fb%2Fdownload"):
        assert dev.get(f"/v1/files/{spelled}/download")["rfilename"] == "a/b/download"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/models/acme%252Fbert",
        "/v1/models/a%00b/c",
        "/v1/models/a/..",
        "/v1/models/a/%2E%2E/b",
        "/v1/models/%ff/b",
        "/v1/models/a//b",
        "/v1/models/a/b/c/d/e",
        "/v1/models/files/versions",
        "/v1/models/" + "x" * 1000,
        "/v1/files/a/b/..%2Fc/download",
        "/v1/dev/models/a/b/versions/latest%2Fx",
        "/v1/nothing",
    ],
)
def test_paths_that_name_nothing(server, path):
    with raw.RawConnection(server) as connection:
        connection.send(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        answer = connection.response()
    assert answer.status == 404 and answer.json() == {"detail": "Not Found"}, answer


def test_methods(server, dev):
    answer = dev.request("PUT", "/v1/models")
    assert (answer.status_code, answer.json()) == (405, {"detail": "Method Not Allowed"})
    assert answer.headers["Allow"] == "GET, HEAD"
    head = dev.request("HEAD", "/v1/models?limit=1")
    assert head.status_code == 200 and int(head.headers["Content-Length"]) > 0 and not head.content


# ---- credentials


def test_other_spellings_of_credentials(server, dev):
    hub = "hf_" + dev.key.removeprefix("sk_live_")
    for shown in (dev.key, hub):
        answer = requests.get(f"{server.url}/v1/users/me", headers={"Authorization": f"Bearer {shown}"}, timeout=10)
        assert answer.status_code == 200 and answer.json()["user_id"] == dev.id
    account = server.account()
    me = account.session.get("/v1/users/me").json()
    assert me["user_id"] == account.id and me["role"] == "developer", "a session opens the registry too"
    both = {"Authorization": f"Bearer {account.token}", "x-api-key": "nope"}
    assert requests.get(f"{server.url}/v1/users/me", headers=both, timeout=10).status_code == 401
    assert account.api.get("/v1/users/me").status_code == 401, "a key of another surface is unknown here"
    assert server.client(dev.key).get("/jobs").status_code == 401, "and the registry's there"


def test_a_session_of_an_administrator_opens_admin_routes_and_a_key_never_does(server, start_server):
    assert server.operator.session.get("/v1/admin/usage").status_code == 200
    assert server.account().session.get("/v1/admin/usage").status_code == 401
    keyed = User(server, "admin")
    assert keyed.get("/v1/users/me")["role"] == "admin"
    assert keyed.get("/v1/admin/usage", 401) == {"detail": "invalid admin token"}
    wrong = {"x-admin-token": "wrong", "Authorization": f"Bearer {server.operator.token}"}
    assert requests.get(f"{server.url}/v1/admin/usage", headers=wrong, timeout=10).status_code == 401
    bare = start_server()
    assert bare.operator.session.get("/v1/admin/usage").status_code == 200, "also with no token configured"


def test_two_rotations_with_one_key_succeed_once(server):
    user = User(server)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        codes = [f.result().status_code for f in [pool.submit(user.request, "POST", "/v1/users/rotate-key") for _ in range(8)]]
    assert sorted(codes) == [200] + [401] * 7


def test_registration_can_be_closed_or_for_some(start_server):
    closed = start_server(operator=False, registry={"registration": "closed"})
    body = {"email": "me@corp.example", "name": "Me"}
    answer = requests.post(f"{closed.url}/v1/users/register", json=body, timeout=10)
    assert (answer.status_code, answer.json()) == (403, {"detail": "registration is closed"})
    some = start_server(operator=False, registry={"registration": "allow_list", "allowed_emails": ["corp.example", "you@x.org"]})
    for email, status in (("me@corp.example", 200), ("YOU@x.org", 200), ("me@x.org", 403), ("me@notcorp.example", 403)):
        answer = requests.post(f"{some.url}/v1/users/register", json={"email": email, "name": "n"}, timeout=10)
        assert answer.status_code == status, email
    assert answer.json() == {"detail": "email not allowed"}


def test_an_email_is_registered_once_on_all_surfaces(server):
    account = server.account()
    again = requests.post(f"{server.url}/v1/users/register", json={"email": account.email.upper(), "name": "x"}, timeout=10)
    assert (again.status_code, again.json()) == (409, {"detail": "email already registered"})


# ---- roles and visibility


def test_roles_and_visibility(server, dev, other, platform):
    boss = User(server, "admin")
    private, public = dev.published(), dev.published(visibility="public")
    sees = {dev: {private, public}, other: {public}, platform: set(), boss: {private, public}}
    for user, visible in sees.items():
        listed = set(user.repos(limit=500))
        for repo in (private, public):
            status = 200 if repo in visible else 404
            assert (repo in listed) == (repo in visible), (user.role, repo)
            for route in (f"/v1/models/{repo}", f"/v1/models/{repo}/files", f"/v1/manifest/{repo}", f"/v1/models/{repo}/versions", f"/v1/models/{repo}/aliases"):
                answer = user.get(route, status)
                assert status == 200 or answer == {"detail": "model not found"}
            answer = user.get(f"/v1/files/{repo}/model.bin/download", status)
            assert status == 200 or answer == {"detail": "file not found"}
            assert (repo in [row["repo_id"] for row in user.changes()]) == (repo in visible)
    writes = ("POST", f"/v1/dev/models/{public}/versions"), ("DELETE", f"/v1/dev/models/{public}")
    for method, path in writes:
        assert other.ask(method, path, 403, json={"version": "x"}) == {"detail": "not owner or model missing"}
        assert platform.ask(method, path, 403, json={"version": "x"}) == {"detail": "developer role required"}
    assert dev.get("/v1/platform/manifest", 403) == {"detail": "platform role required"}
    assert boss.get("/v1/platform/manifest")["items"] == []
    boss.ask("POST", f"/v1/dev/models/{private}/versions", json={"version": "by-admin"})
    boss.ask("POST", "/v1/dev/models", json={"repo_id": private, "license": "MIT"})
    assert dev.get(f"/v1/models/{private}")["license"] == "MIT", "an administrator writes and does not become the owner"
    dev.ask("POST", f"/v1/dev/models/{private}/versions", json={"version": "still-mine"})


def test_a_card_keeps_what_is_not_sent(dev):
    repo = dev.model(model_name="One", visibility="public", parameters=8000000000, tags="a, b")
    dev.ask("POST", "/v1/dev/models", json={"repo_id": repo, "author": "Me", "model_name": None})
    model = dev.get(f"/v1/models/{repo}")
    assert (model["model_name"], model["author"], model["visibility"], model["tags"]) == ("One", "Me", "public", "a, b")
    assert model["parameters_readable"] == "8B" and model["created_at"].endswith("Z")


def test_run_alone_shows_the_model_and_not_its_files(server, dev, platform):
    repo = dev.published()
    grant(server, platform, repo, permissions=["run"])
    assert repo in platform.repos() and platform.get(f"/v1/models/{repo}")["repo_id"] == repo
    for path in (f"/v1/models/{repo}/files", f"/v1/manifest/{repo}", f"/v1/files/{repo}/model.bin/download"):
        assert platform.get(path, 403) == {"detail": "not authorized for this model"}
    assert repo not in [item["repo_id"] for item in platform.get("/v1/platform/manifest")["items"]]
    bad = admin(server, "POST", "/v1/admin/grants", 422, json={"platform_user_id": platform.id, "repo_id": repo, "permitted_from_ts": 5, "permitted_until_ts": 4, "permissions": ["fly"]})
    assert {one["loc"][1] for one in bad["detail"]} == {"permitted_until_ts", "permissions"}
    assert grant.__name__ and admin(server, "POST", "/v1/admin/grants", 404, json={"platform_user_id": 10**9, "repo_id": repo, "permitted_from_ts": 5}) == {"detail": "user not found"}
    assert admin(server, "POST", "/v1/admin/grants", 404, json={"platform_user_id": platform.id, "repo_id": "no/such", "permitted_from_ts": 5}) == {"detail": "model not found"}


def test_urls_die_with_the_right_to_read(server, dev, other, platform):
    repo = dev.published(b"secret", visibility="public")
    url = other.get(f"/v1/files/{repo}/model.bin/download")["url"]
    own = dev.get(f"/v1/files/{repo}/model.bin/download")["url"]
    assert requests.get(url, timeout=10).content == b"secret"
    dev.ask("POST", "/v1/dev/models", json={"repo_id": repo, "visibility": "private"})
    assert requests.get(url, timeout=10).status_code == 403
    assert requests.get(url, headers={"Range": "bytes=0-1"}, timeout=10).status_code == 403
    assert requests.get(own, timeout=10).status_code == 200
    now = int(time.time())
    grant(server, platform, repo, permitted_until_ts=now + 3)
    theirs = platform.get(f"/v1/files/{repo}/model.bin/download")["url"]
    assert requests.get(theirs, timeout=10).status_code == 200
    until(lambda: requests.get(theirs, timeout=10).status_code == 403, "a grant's end kills its URLs", 10)
    dev.ask("DELETE", f"/v1/dev/models/{repo}")
    assert requests.get(own, timeout=10).status_code == 403


def test_a_deleted_name_stays_its_owners(dev, other):
    repo = dev.published(visibility="public")
    dev.ask("DELETE", f"/v1/dev/models/{repo}")
    dev.get(f"/v1/models/{repo}", 404)
    assert other.ask("POST", "/v1/dev/models", 409, json={"repo_id": repo}) == {"detail": "repo_id already taken"}
    dev.ask("POST", "/v1/dev/models", json={"repo_id": repo})
    assert dev.get(f"/v1/models/{repo}")["visibility"] == "private" and dev.get(f"/v1/models/{repo}/files") == []


# ---- versions, aliases, which file


def test_versions_aliases_and_which_file(dev):
    repo = dev.model(versions=())
    make = lambda version, **more: dev.ask("POST", f"/v1/dev/models/{repo}/versions", json={"version": version}, **more)
    alias = lambda name, version, status=200: dev.ask("PUT", f"/v1/dev/models/{repo}/aliases/{name}", status, json={"version": version})
    make("v1"), make("v1")
    assert alias("production", "v1", 409) == {"detail": "version not completed"}
    assert alias("production", "v9", 404) == {"detail": "version not found"}
    dev.upload(repo, b"one", "v1", "a.safetensors")
    dev.upload(repo, b"extra", "v1", "only-here.bin")
    make("v2")
    dev.upload(repo, b"two", "v2", "a.safetensors")
    found = lambda **query: requests.get(dev.get(f"/v1/files/{repo}/a.safetensors/download", **query)["url"], timeout=10).content
    assert found() == b"two" and found(version="v1") == b"one", "without a version, the newest completed one"
    dev.get(f"/v1/files/{repo}/only-here.bin/download", 404)
    assert (dev.get(f"/v1/models/{repo}")["file_count"], dev.get(f"/v1/models/{repo}")["has_bin"]) == (1, 0)
    assert alias("latest", "v1") == {"ok": True, "alias": "latest", "version": "v1", "previous": None}
    assert found() == b"one" and found(version="latest") == b"one"
    assert (dev.get(f"/v1/models/{repo}")["file_count"], dev.get(f"/v1/models/{repo}")["has_bin"]) == (2, 1)
    assert alias("latest", "v2")["previous"] == "v1" and found() == b"two"
    assert alias("v1", "v2", 409) == {"detail": "a version has this name"}
    assert make("latest", status=409) == {"detail": "an alias has this name"}
    assert dev.get(f"/v1/models/{repo}")["aliases"] == {"latest": "v2"} == dev.get(f"/v1/models/{repo}/aliases")
    versions = dev.get(f"/v1/models/{repo}/versions")
    assert [(v["version"], v["status"], v["file_count"], v["aliases"]) for v in versions] == [("v2", "completed", 1, ["latest"]), ("v1", "completed", 2, [])]
    in_use = dev.ask("DELETE", f"/v1/dev/models/{repo}/versions/v2", 409)
    assert in_use == {"detail": "version is in use by alias latest"}
    dev.ask("DELETE", f"/v1/dev/models/{repo}/aliases/latest"), dev.ask("DELETE", f"/v1/dev/models/{repo}/aliases/latest")
    dev.ask("DELETE", f"/v1/dev/models/{repo}/versions/v2")
    assert found() == b"one" and dev.get(f"/v1/models/{repo}/files", version="v2") == []
    assert dev.ask("DELETE", f"/v1/dev/models/{repo}/versions/v2", 404) == {"detail": "version not found"}


# ---- uploads


def test_contradictions_at_complete(dev):
    repo = dev.model()
    content = b"the real bytes"
    requests.put(dev.initiate(repo)["url"], data=content, timeout=10)
    wrong = dev.complete(repo, size=3, sha256="0" * 64, status=409)
    assert wrong == {"detail": f"size mismatch: declared 3, received {len(content)}"}
    wrong = dev.complete(repo, sha256="0" * 64, status=409)
    assert wrong == {"detail": f"sha256 mismatch: declared {'0' * 64}, received {sha256(content)}"}
    dev.get(f"/v1/files/{repo}/model.bin/download", 404)
    assert dev.complete(repo, size=len(content), sha256=sha256(content).upper())["verified"] is True
    assert dev.complete(repo)["status"] == "ready", "a repeat changes nothing"
    requests.put(dev.initiate(repo)["url"], data=b"others", timeout=10)
    assert dev.complete(repo, status=409) == {"detail": "file already exists in this version"}
    url = dev.get(f"/v1/files/{repo}/model.bin/download")["url"]
    assert requests.get(url, timeout=10).content == content
    requests.put(dev.initiate(repo)["url"], data=content, timeout=10)
    assert dev.complete(repo)["status"] == "ready", "the same bytes again are welcome"


def test_pending_files(dev):
    repo = dev.model()
    url = dev.initiate(repo)["url"]
    content = b"late bytes"
    assert dev.complete(repo, size=len(content), sha256=sha256(content))["status"] == "pending"
    row = dev.get(f"/v1/models/{repo}/files")[0]
    assert (row["status"], row["size"], row["sha256"]) == ("pending", None, None)
    assert dev.get(f"/v1/manifest/{repo}", version="v1")["files"] == []
    key = row["object_key"]
    assert dev.get(f"/v1/files/{repo}/model.bin/download", 404, version="v1") == {"detail": f"object not accessible: {key}"}
    bad = requests.put(url, data=b"other bytes", timeout=10)
    assert bad.status_code == 400 and "BadDigest" in bad.text
    assert requests.put(url, data=content, timeout=10).status_code == 200
    assert dev.get(f"/v1/models/{repo}/files")[0]["status"] == "ready"
    assert dev.get(f"/v1/models/{repo}/versions")[0]["status"] == "completed"
    assert dev.complete(repo, filename="never-sent.bin")["status"] == "pending", "with neither upload nor object"


def test_parts(dev):
    repo = dev.model()
    made = dev.initiate(repo, parts=3)
    pieces = {part["part_number"]: part["url"] for part in made["parts"]}
    assert made["url"] is None and sorted(pieces) == [1, 2, 3]
    content = [b"a" * 1000, b"b" * 2000, b"c" * 10]
    etags = {n: requests.put(pieces[n], data=content[n - 1], timeout=10).headers["ETag"] for n in (3, 1)}
    waiting = dev.complete(repo, upload_id=made["upload_id"])
    assert waiting["status"] == "pending" and waiting["missing_parts"] == [2]
    again = dev.initiate(repo, parts=3, upload_id=made["upload_id"])
    assert [part["part_number"] for part in again["parts"]] == [2]
    requests.put(again["parts"][0]["url"], data=b"wrong", timeout=10)
    etags[2] = requests.put(again["parts"][0]["url"], data=content[1], timeout=10).headers["ETag"]
    state = dev.get(f"/v1/dev/models/{repo}/versions/v1/uploads/{made['upload_id']}")
    assert [part["size"] for part in state["parts"]] == [1000, 2000, 10]
    parts = [{"part_number": n, "etag": etags[n]} for n in (1, 2, 3)]
    done = dev.complete(repo, sha256=sha256(b"".join(content)), parts=parts)
    assert done["status"] == "ready" and done["verified"] is True
    assert dev.initiate(repo, upload_id=made["upload_id"], status=409) == {"detail": "file already exists in this version"}
    url = dev.get(f"/v1/files/{repo}/model.bin/download")["url"]
    assert requests.get(url, timeout=10).content == b"".join(content)


def test_an_aborted_upload_is_gone(dev, other):
    repo = dev.model(visibility="public")
    made = dev.initiate(repo)
    path = f"/v1/dev/models/{repo}/versions/v1/uploads/{made['upload_id']}"
    assert dev.get(path)["state"] == "initiated"
    other.get(path, 403)
    assert dev.ask("DELETE", path) == {"ok": True}
    assert dev.get(path, 404) == {"detail": "upload not found"}
    assert requests.put(made["url"], data=b"x", timeout=10).status_code == 403
    dev.complete(repo, upload_id=made["upload_id"], status=404)


@pytest.mark.parametrize("name", ["../x", "a/../b", "/abs", "a//b", "a\\b", "nul\0", "x" * 1025, "line\nfeed", ""])
def test_bad_file_names(dev, name):
    repo = dev.model()
    assert dev.initiate(repo, filename=name, status=422)["detail"][0]["type"] == "value_error"
    assert dev.complete(repo, filename=name, status=422)["detail"][0]["type"] == "value_error"


def test_long_file_names_are_fine(dev):
    repo = dev.model()
    name = "/".join(["d" * 200] * 5)
    dev.upload(repo, b"deep", filename=name)
    assert dev.get(f"/v1/files/{repo}/{name}/download")["rfilename"] == name


def test_two_uploads_of_one_file_at_once(dev):
    repo = dev.model()
    contents = [bytes([n]) * 100_000 for n in range(8)]

    def send(content):
        made = dev.initiate(repo)
        requests.put(made["url"], data=content, timeout=30)
        body = {"rfilename": "model.bin", "sha256": sha256(content), "upload_id": made["upload_id"]}
        return dev.request("POST", f"/v1/dev/models/{repo}/versions/v1/uploads/complete", json=body).status_code

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        codes = sorted(pool.map(send, contents))
    assert codes == [200] + [409] * 7
    row = dev.get(f"/v1/models/{repo}/files", presign="1")[0]
    assert sha256(requests.get(row["presigned_url"], timeout=10).content) == row["sha256"]


def test_a_client_that_hangs_up_stores_nothing(server, dev):
    repo = dev.model()
    made = dev.initiate(repo)
    target = made["url"].removeprefix(server.url)
    head = f"PUT {target} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nContent-Length: 100000\r\n\r\n"
    with raw.RawConnection(server) as connection:
        connection.send(head.encode() + b"x" * 99000)
        connection.abort()
    assert dev.get(f"/v1/dev/models/{repo}/versions/v1/uploads/{made['upload_id']}")["state"] == "initiated"
    assert dev.complete(repo)["status"] == "pending"


def test_identical_bytes_are_kept_once_and_no_upload_is_skipped(dev, other):
    content = b"same bytes for all" * 1000
    first, second = dev.published(content), other.published(content)
    dev.ask("DELETE", f"/v1/dev/models/{first}")
    url = other.get(f"/v1/files/{second}/model.bin/download")["url"]
    assert requests.get(url, timeout=10).content == content


# ---- the feed


def test_following_the_feed_loses_nothing_under_concurrent_writes(dev):
    repos = [dev.model(versions=()) for _ in range(20)]
    stop = time.time() + 4

    def write(n):
        count = 0
        while time.time() < stop:
            dev.ask("POST", "/v1/dev/models", json={"repo_id": repos[(n * 7 + count) % 20], "author": f"{n}-{count}"})
            count += 1
        return count

    def follow_by_cursor():
        seen, cursor, since = {}, None, {"since": 0}
        ended = None
        while ended is None or time.time() < ended:
            answer = dev.request("GET", "/v1/changes", params={"limit": 7, **({"cursor": cursor} if cursor else since)})
            cursor = answer.headers["X-Next-Cursor"]
            rows = answer.json()
            assert len(rows) <= 7
            for row in rows:
                assert row["last_update_ts"] >= seen.get(row["repo_id"], 0)
                seen[row["repo_id"]] = row["last_update_ts"]
            if not rows and time.time() > stop:
                ended = ended or time.time() + 2.5
        return seen

    def follow_by_second():
        seen, since = {}, 0
        ended = stop + 4
        while time.time() < ended:
            for row in dev.changes(since, limit=500):
                seen[row["repo_id"]] = since = row["last_update_ts"]
        return seen

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        writers = [pool.submit(write, n) for n in range(4)]
        readers = [pool.submit(follow_by_cursor), pool.submit(follow_by_second)]
        assert sum(f.result() for f in writers) > 40
        seen = [f.result() for f in readers]
    for way in seen:
        for repo in repos:
            assert way[repo] == dev.get(f"/v1/models/{repo}")["last_update_ts"], "the last change was seen"


def test_every_kind_of_change_moves_the_feed(server, dev, other, platform):
    repo = dev.model(versions=())
    cursor = requests.get(f"{server.url}/v1/changes?since=0&limit=2000", headers={"x-api-key": dev.key}, timeout=10).headers["X-Next-Cursor"]

    def changed():
        nonlocal cursor
        rows = []

        def look():
            nonlocal cursor
            answer = dev.request("GET", "/v1/changes", params={"cursor": cursor})
            cursor = answer.headers["X-Next-Cursor"]
            rows.extend(row for row in answer.json() if row["repo_id"] == repo)
            return rows

        until(look, "the change shows", 5)
        return rows[-1]["change"], rows[-1]["deleted"]

    dev.ask("POST", "/v1/dev/models", json={"repo_id": repo, "author": "x"})
    assert changed() == ("updated", False)
    dev.ask("POST", f"/v1/dev/models/{repo}/versions", json={"version": "v1"})
    assert changed() == ("version", False)
    dev.upload(repo)
    assert changed() == ("upload", False)
    dev.ask("PUT", f"/v1/dev/models/{repo}/aliases/production", json={"version": "v1"})
    assert changed() == ("alias", False)
    grant(server, platform, repo, permitted_from_ts=int(time.time()) + 2)
    assert changed() == ("access", False), "a grant that is set"
    assert changed() == ("access", False), "and begins"
    assert repo in platform.repos()
    dev.ask("POST", "/v1/dev/models", json={"repo_id": repo, "visibility": "public"})
    assert changed() == ("visibility", False)
    assert repo in [row["repo_id"] for row in other.changes()]
    dev.ask("POST", "/v1/dev/models", json={"repo_id": repo, "visibility": "private"})
    changed()
    gone = lambda user: [row["deleted"] for row in user.changes(limit=2000) if row["repo_id"] == repo]
    until(lambda: gone(other) == [True], "who loses sight hears of it once", 5)
    assert gone(User(server)) == [], "who came later does not"
    dev.ask("DELETE", f"/v1/dev/models/{repo}")
    assert changed() == ("deleted", True)
    until(lambda: gone(platform) == [True], "a grantee hears of the deletion", 5)


def test_bad_cursors(dev):
    for cursor in ("x", "AAAA", "MS4y"):
        assert dev.get("/v1/changes", 422, cursor=cursor)["detail"][0]["loc"] == ["query", "cursor"]


# ---- idempotency, logs


def test_idempotency(server, dev):
    url, body = f"{server.url}/v1/users/register", {"email": "once@example.com", "name": "Once"}
    headers = {"Idempotency-Key": "k-1"}
    first = requests.post(url, json=body, headers=headers, timeout=10).json()
    again = requests.post(url, json=body, headers=headers, timeout=10)
    assert again.json() == {**first, "api_key": None} and again.headers["Idempotency-Replayed"] == "true"
    other = requests.post(url, json={**body, "name": "Other"}, headers=headers, timeout=10)
    one = problem(other)
    assert one["type"] == "idempotency_key_reused" and one["loc"] == ["header", "Idempotency-Key"]
    repo = dev.model()
    path = f"/v1/dev/models/{repo}/versions/v1/uploads/initiate"
    made = [dev.request("POST", path, params={"filename": name}, headers={"Idempotency-Key": "i-1"}) for name in ("a", "a", "b")]
    assert made[0].json() == made[1].json() and made[2].status_code == 422, "the query is part of the request"


def test_the_access_log_pages_and_tells_refusals(server, dev, other):
    repo = dev.published()
    other.get(f"/v1/models/{repo}/files", 404)
    dev.get(f"/v1/models/{repo}/files")
    dev.request("HEAD", f"/v1/models/{repo}/files")
    rows = admin(server, "GET", "/v1/admin/access-logs", params={"repo_id": repo, "limit": 1000})
    assert [row["id"] for row in rows] == sorted((row["id"] for row in rows), reverse=True)
    events = [(row["event_type"], row["status"], row["user_id"]) for row in rows]
    assert events.count(("files_list", "ok", dev.id)) == 1 and ("files_list", "denied", other.id) in events
    assert {"model_created", "version_created", "upload_initiated", "upload_completed"} <= {event for event, _, _ in events}
    page = requests.get(f"{server.url}/v1/admin/access-logs?limit=2", headers={"x-admin-token": ADMIN_TOKEN}, timeout=10)
    following = requests.get(f"{server.url}/v1/admin/access-logs", params={"limit": 2, "cursor": page.headers["X-Next-Cursor"]}, headers={"x-admin-token": ADMIN_TOKEN}, timeout=10)
    assert following.json()[0]["id"] < page.json()[-1]["id"]


def test_a_deleted_account_takes_its_models_along(server):
    account = server.account()
    repo = f"leaver{account.id}/model"
    assert account.session.post("/v1/dev/models", json={"repo_id": repo, "visibility": "public"}).status_code == 200
    watcher = User(server)
    assert repo in watcher.repos(limit=500)
    gone = account.session.delete("/auth/account", json={"password": account.password})
    assert gone.status_code == 200, gone.text
    watcher.get(f"/v1/models/{repo}", 404)


# ---- crashes


@pytest.mark.fault
def test_kill_9_during_complete_never_serves_other_bytes(start_server):
    server = start_server(operator=False, **SETTINGS)
    dev = User(server)
    for attempt in range(6):
        repo = dev.model()
        content = bytes([attempt]) * 5_000_000
        made = dev.initiate(repo, parts=2)
        for part, piece in zip(made["parts"], (content[:2_500_000], content[2_500_000:])):
            requests.put(part["url"], data=piece, timeout=30)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            pool.submit(dev.request, "POST", f"/v1/dev/models/{repo}/versions/v1/uploads/complete", json={"rfilename": "model.bin"})
            time.sleep(0.002 * attempt)
            server.restart(kill=True)
        for row in dev.get(f"/v1/models/{repo}/files", presign="1"):
            if row["status"] == "ready":
                assert sha256(requests.get(row["presigned_url"], timeout=30).content) == row["sha256"] == sha256(content)
        assert dev.complete(repo, sha256=sha256(content))["status"] == "ready", "and it can be completed afterwards"


# ---- engines


def test_the_built_in_separator_is_a_model_and_jobs_record_its_digest(server, dev):
    model = dev.get("/v1/models/tollhouse/builtin-spectral")
    assert (model["visibility"], model["engine"], model["license"]) == ("public", "separation", "Apache-2.0")
    dev.ask("DELETE", "/v1/dev/models/tollhouse/builtin-spectral", 403)
    account = server.account(credits=5)
    job = account.finished("song.wav", audio.song(), model="htdemucs", stem_count="4")
    assert job["served_by"] == "builtin-spectral"
    if server.database:
        return  # the row is looked at where the database is a file
    with sqlite3.connect(server.data / "tollhouse.db") as database:
        row = database.execute("SELECT served_repo, served_digest FROM separations WHERE job_id = ?", (job["id"],)).fetchone()
    assert row == ("tollhouse/builtin-spectral", sha256(b"")), "the digest over its files, of which it has none"
