"""What is wrong with a request is named all at once, with the status the contract gives it, and changes nothing."""

import json

import pytest

from support import raw
from support.checks import show
from support.tunes import Listener, error, not_valid

AS_JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def pro(server):
    return Listener(server, "pro")


@pytest.fixture
def key(pro):
    return pro.with_key("read:tracks")


@pytest.fixture
def unchanged(pro):
    """Nothing that the test sends makes or changes a key."""

    def settings():
        counted = ("total_requests", "last_used_at", "last_used_ip")
        return [{n: v for n, v in key.items() if n not in counted} for key in pro.session.get("/api-keys").json()]

    before = settings()
    yield
    assert settings() == before, "nothing changed"


def test_every_problem_is_named_at_once(pro, unchanged):
    answer = pro.session.post(
        "/api-keys",
        json={
            "environment": "qa",
            "scopes": ["read:tracks", "bogus:scope", 7],
            "expires_in_days": 0,
            "rate_limit_requests_per_minute": 301,
            "rate_limit_requests_per_hour": "90",
            "rate_limit_requests_per_day": 0,
            "description": "x" * 501,
            "extra_metadata": [],
            "ip_whitelist": "10.0.0.1",
            "ip_whitelists": ["10.0.0.1"],
        },
    )
    not_valid(
        answer,
        "name",
        "environment",
        "scopes.2",
        "expires_in_days",
        "rate_limit_requests_per_minute",
        "rate_limit_requests_per_hour",
        "rate_limit_requests_per_day",
        "description",
        "extra_metadata",
        "ip_whitelist",
        "ip_whitelists",
        promise="ten bad fields and one unknown",
    )


@pytest.mark.parametrize(
    "field, value, where",
    [
        ("ip_whitelist", ["192.168.1.1/24"], "ip_whitelist.0"),
        ("ip_whitelist", ["10.0.0.0/8", "2001:db8::1/32"], "ip_whitelist.1"),
        ("ip_whitelist", ["10.0.0.0/33"], "ip_whitelist.0"),
        ("ip_whitelist", ["localhost"], "ip_whitelist.0"),
        ("ip_whitelist", ["10.0.0.1"] * 101, "ip_whitelist"),
        ("ip_whitelist", [None], "ip_whitelist.0"),
        ("ip_whitlist", ["10.0.0.1"], "ip_whitlist"),
        ("name", "", "name"),
        ("name", "   ", "name"),
        ("name", "x" * 101, "name"),
        ("name", "a\x00b", "name"),
        ("name", "a\x1bb", "name"),
        ("name", "a\u0085b", "name"),
        ("name", None, "name"),
        ("name", 7, "name"),
        ("expires_in_days", 366, "expires_in_days"),
        ("expires_in_days", -1, "expires_in_days"),
        ("expires_in_days", 1.5, "expires_in_days"),
        ("expires_in_days", "90", "expires_in_days"),
        ("expires_in_days", True, "expires_in_days"),
        ("expires_in_days", 10**30, "expires_in_days"),
        ("scopes", "read:tracks", "scopes"),
        ("scopes", None, "scopes"),
        ("scopes", ["READ:TRACKS"], "scopes.0"),
        ("scopes", ["read:tracks "], "scopes.0"),
        ("environment", None, "environment"),
        ("rate_limit_requests_per_day", 100001, "rate_limit_requests_per_day"),
        ("rate_limit_requests_per_minute", -5, "rate_limit_requests_per_minute"),
        ("extra_metadata", {"x": "y" * 4096}, "extra_metadata"),
        ("extra_metadata", {"x": "\u0007"}, "extra_metadata.x"),
        ("extra_metadata", None, "extra_metadata"),
        ("id", "mine", "id"),
        ("is_active", False, "is_active"),
    ],
)
def test_a_bad_field_is_named(pro, unchanged, field, value, where):
    not_valid(pro.create(**{field: value}), where, promise=f"{field} = {str(value)[:60]!r}")


@pytest.mark.parametrize(
    "body",
    [
        {"name": "ok", "expires_in_days": 90.0},
        {"name": "ok", "expires_in_days": None, "ip_whitelist": [], "description": None},
        {"name": "ok", "rate_limit_requests_per_minute": None},
        {"name": "tab\tand\nnewline", "description": "line\nline"},
        {"name": "日" * 100},
        {"name": "  trimmed  "},
        {"name": "ok", "scopes": ["read:tracks", "write:tracks", "read:tracks"]},
        {"name": "ok", "ip_whitelist": ["10.0.0.0/8", "2001:db8::/32", "::ffff:1.2.3.4", "0.0.0.0/0"]},
    ],
)
def test_what_is_unusual_and_right_is_accepted(pro, body):
    answer = pro.session.post("/api-keys", json=body)
    assert answer.status_code == 201, f"{body}: {show(answer)}"
    made = answer.json()
    assert made["name"] == body["name"].strip(), "trimmed"
    if "scopes" in body:
        assert made["scopes"] == ["read:tracks", "write:tracks"], "repetitions dropped, order kept"
    if body.get("expires_in_days"):
        assert made["expires_at"], "90.0 is an int"


class TestPatch:
    @pytest.mark.parametrize("field", ["environment", "expires_in_days", "status", "api_key", "no_such_field"])
    def test_what_cannot_be_changed_is_refused(self, pro, key, unchanged, field):
        not_valid(pro.session.patch(key.path, json={field: "x"}), field, promise=f"PATCH {field}")

    @pytest.mark.parametrize("field", ["name", "scopes", "is_active", "extra_metadata"])
    def test_null_is_refused_where_there_must_be_something(self, pro, key, unchanged, field):
        not_valid(pro.session.patch(key.path, json={field: None}), field, promise=f"PATCH {field} = null")

    def test_null_takes_away_what_may_be_away(self, pro):
        key = pro.with_key(description="d", ip_whitelist=["127.0.0.1"], rate_limit_requests_per_minute=5)
        cleared = {"description": None, "ip_whitelist": None, "rate_limit_requests_per_minute": None}
        changed = pro.session.patch(key.path, json=cleared).json()
        assert changed["description"] is None and changed["ip_whitelist"] is None, changed
        assert changed["rate_limit_requests_per_minute"] == 300, "the plan's again"

    def test_absent_leaves_everything_as_it_is(self, pro, key):
        before = pro.key(key.key["id"])
        answer = pro.session.patch(key.path, json={})
        assert answer.status_code == 200, show(answer)
        after = answer.json()
        assert {n: v for n, v in after.items() if n != "updated_at"} == {n: v for n, v in before.items() if n != "updated_at"}

    def test_one_bad_field_changes_none(self, pro, key, unchanged):
        not_valid(
            pro.session.patch(key.path, json={"name": "new", "scopes": ["bogus"], "ip_whitelist": ["10.0.0.1/8"]}),
            "scopes.0",
            "ip_whitelist.0",
            promise="a good and two bad fields",
        )

    def test_a_path_that_is_no_uuid_is_422(self, pro, unchanged):
        for bad in ("x", "123", "550e8400-e29b-41d4-a716-44665544000g", "%00", "550e8400e29b41d4a716446655440000"):
            not_valid(pro.session.get(f"/api-keys/{bad}"), "key_id", promise=bad)


class TestBodies:
    def send(self, pro, content, **headers):
        return pro.session.post("/api-keys", data=content, headers={**AS_JSON, **headers})

    @pytest.mark.parametrize(
        "content",
        [
            b'{"name": "x"',
            b"{'name': 'x'}",
            b'{"name": "x",}',
            b'{"name": "x"} {}',
            b'{"name": "\xff"}',
            b'{"name": "\\ud800"}',
            b'{"name": "x", "name": "y"}',
            b'{"name": "x", "scopes": ["read:tracks"], "sc\\u006fpes": []}',
            b'{"name": NaN}',
            b"[" * 100_000,
            b'\xef\xbb\xbf{"name": "x"}',
        ],
    )
    def test_what_is_no_json_is_400(self, pro, unchanged, content):
        error(self.send(pro, content), 400, "Bad Request", f"{content[:40]!r}")

    @pytest.mark.parametrize("content", [b"[]", b'"x"', b"7", b"null"])
    def test_json_that_is_no_object_is_422(self, pro, unchanged, content):
        error(self.send(pro, content), 422, "Validation failed", f"{content!r}")

    def test_no_body_at_all_is_422(self, pro, unchanged):
        error(pro.session.post("/api-keys"), 422, "Validation failed", "an empty body")

    def test_a_name_of_ten_megabytes_is_413(self, pro, unchanged):
        body = json.dumps({"name": "x" * (10 << 20)}).encode()
        error(self.send(pro, body), 413, "Payload Too Large", "a body over 1 MiB")

    def test_a_body_of_ten_megabytes_without_a_length_is_413(self, server, pro, unchanged):
        headers = {**AS_JSON, "Authorization": f"Bearer {pro.account.token}", "Transfer-Encoding": "chunked"}
        with raw.RawConnection(server) as connection:
            connection.send(raw.request("POST", "/api-keys", headers))
            # Enough to be too much, and never the end.
            connection.send(raw.chunked(b'{"name": "', *[b"x" * 65536] * 17)[: -len(b"0\r\n\r\n")])
            answer = connection.response()
            assert answer.status == 413 and answer.json()["error"] == "Payload Too Large", answer

    @pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "text/json"])
    def test_another_content_type_is_415(self, pro, unchanged, kind):
        answer = self.send(pro, b'{"name": "x"}', **{"Content-Type": kind})
        error(answer, 415, "Unsupported Media Type", kind)

    @pytest.mark.parametrize("kind", ["Application/JSON", "application/json; charset=utf-8", 'APPLICATION/json;x="y"', None])
    def test_the_content_type_is_compared_without_case_and_parameters(self, pro, kind):
        answer = self.send(pro, b'{"name": "x"}', **{"Content-Type": kind})
        assert answer.status_code == 201, f"{kind}: {show(answer)}"

    def test_unknown_query_parameters_are_ignored(self, pro):
        assert pro.session.get("/api-keys?utm_source=x&limit=abc").status_code == 200


class TestOrder:
    def test_credentials_come_before_the_route_and_the_body(self, server, pro, unchanged):
        bad = server.client("tt_wrong")
        for answer in (bad.get("/no/such/path"), bad.delete("/tracks"), bad.post("/api-keys", data=b"{", headers=AS_JSON)):
            error(answer, 401, "Invalid API key", "credentials that are there but bad come first")

    def test_the_route_comes_before_missing_credentials(self, server):
        error(server.client().get("/tracks/x/no/such"), 404, "Not Found", "an unknown path without credentials")
        answer = server.client().delete("/api-keys")
        error(answer, 405, "Method Not Allowed", "a wrong method without credentials")
        assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "POST"}, answer.headers

    def test_scopes_come_before_the_body(self, pro):
        reader = pro.with_key("read:tracks")
        answer = reader.post("/tracks", data=b"{", headers={"Content-Type": "text/plain"})
        error(answer, 403, "Insufficient permissions", "no scope, no type, no JSON")

    def test_the_plan_of_a_scope_comes_after_the_fields(self, server):
        free = Listener(server, "free")
        not_valid(free.create(scopes=["train:models"], name=""), "name", promise="422 before the plan's 403")


class TestIdempotency:
    def test_a_repeated_creation_makes_one_key_and_never_repeats_the_secret(self, pro):
        headers = {"Idempotency-Key": "make-one-key"}
        first = pro.session.post("/api-keys", json={"name": "once"}, headers=headers)
        again = pro.session.post("/api-keys", json={"name": "once"}, headers=headers)
        assert (first.status_code, again.status_code) == (201, 201), show(again)
        assert again.headers["Idempotency-Replayed"] == "true" and again.json() == {**first.json(), "api_key": None}
        assert len([k for k in pro.session.get("/api-keys").json() if k["name"] == "once"]) == 1
        other = pro.session.post("/api-keys", json={"name": "twice"}, headers=headers)
        error(other, 422, "Validation failed", "another body under the same Idempotency-Key")

    def test_a_repeated_rotation_rotates_once(self, pro):
        key = pro.with_key("read:tracks")
        headers = {"Idempotency-Key": "rotate-once"}
        first = pro.session.post(key.path + "/rotate", headers=headers)
        again = pro.session.post(key.path + "/rotate", headers=headers)
        assert again.status_code == 200 and again.json() == {**first.json(), "api_key": None}, show(again)
