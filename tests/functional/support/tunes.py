"""Accounts and keys of the tunes surface, and what its contract says of every answer."""

import re
import time
import uuid

from support.accounts import Client
from support.checks import show
from support.polling import until
from support.secrets import checksum

SCOPES = {
    "read:tracks": "free",
    "write:tracks": "free",
    "delete:tracks": "free",
    "read:recommendations": "free",
    "read:playlists": "free",
    "write:playlists": "free",
    "delete:playlists": "free",
    "read:audio_features": "starter",
    "write:audio_features": "starter",
    "train:models": "pro",
    "read:analytics": "pro",
    "admin:webhooks": "pro",
    "admin:billing": "pro",
}
LIMITS = {"free": (10, 100, 1000), "starter": (60, 1000, 10000), "pro": (300, 10000, 100000)}
CREATED = [
    "id",
    "api_key",
    "name",
    "key_prefix",
    "scopes",
    "environment",
    "rate_limit_requests_per_minute",
    "rate_limit_requests_per_hour",
    "rate_limit_requests_per_day",
    "created_at",
    "expires_at",
]
KEY = [name for name in CREATED if name != "api_key"] + [
    "description",
    "ip_whitelist",
    "extra_metadata",
    "is_active",
    "status",
    "total_requests",
    "last_used_at",
    "last_used_ip",
    "revoked_at",
    "rotated_from",
    "rotated_to",
    "updated_at",
]
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
INVALID_KEY = {"error": "Invalid API key", "detail": "The API key is unknown, inactive, expired or revoked."}
LIMIT_HEADERS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")


def plausible_key(filler="A"):
    """A tunes key with a right length and checksum that nobody was ever given."""
    body = "tt_" + (filler * 26)[:26]
    return body + checksum(body)


def seconds_of(text):
    """Unix seconds of a time on the wire."""
    assert TIME.match(text), f"times are whole seconds of UTC with Z, got {text!r}"
    return int(time.mktime(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))) - time.timezone


def early_in_the_minute(room=20):
    """Returns when at least `room` seconds of this minute are left."""
    until(lambda: time.time() % 60 < 60 - room, "a new minute begins", 61)


class Listener:
    """An account on a plan. `session` speaks with its JWT."""

    def __init__(self, server, plan="pro"):
        self.server = server
        self.account = server.account()
        self.session = self.account.session
        self.email = self.account.email
        self.put_on(plan)

    def put_on(self, plan, *options):
        ran = self.server.run("accounts", "set-plan", self.email, plan, *options)
        assert ran.returncode == 0, f"an operator sets any plan: {ran.stderr}"
        self.plan = plan
        # Another process did it: this server's cache hears of it within a second.
        until(lambda: self.session.get("/api/v1/auth/me").json()["plan"] == plan, f"the account is on {plan}", 5)
        deadline = time.monotonic() + 1.05
        until(lambda: time.monotonic() > deadline, "a cached session is at most a second old", 3)
        return self

    def create(self, **fields):
        return self.session.post("/api-keys", json={"name": "test key", **fields})

    def made(self, *scopes, **fields):
        """The object of a new key."""
        answer = self.create(scopes=list(scopes), **fields)
        assert answer.status_code == 201, f"a key is made: {show(answer)}"
        return answer.json()

    def with_key(self, *scopes, **fields):
        """A client that speaks with a new key; `client.key` is the key's object."""
        key = self.made(*scopes, **fields)
        client = Client(self.server, key["api_key"])
        client.key = key
        client.path = "/api-keys/" + key["id"]
        return client

    def key(self, key_id):
        answer = self.session.get(f"/api-keys/{key_id}")
        assert answer.status_code == 200, f"an own key: {show(answer)}"
        return answer.json()


def error(answer, status, title, promise, detail=None):
    """An error in the envelope of the surface."""
    assert answer.status_code == status, f"{promise}: the contract demands {status}, {show(answer)}"
    body = answer.json()
    assert list(body)[:2] == ["error", "detail"] and body["error"] == title, (
        f"{promise}: the envelope is error {title!r} and detail, {show(answer)}"
    )
    assert body["detail"] and isinstance(body["detail"], str), f"{promise}: detail is a sentence, {show(answer)}"
    if detail is not None:
        assert body["detail"] == detail, f"{promise}: detail {detail!r}, {show(answer)}"
    assert answer.headers.get("X-Request-Id") and float(answer.headers["X-Process-Time"]) >= 0, (
        f"{promise}: X-Request-Id and X-Process-Time are on every response, {answer.headers}"
    )
    if status == 401:
        assert answer.headers.get("WWW-Authenticate") == "Bearer", f"{promise}: a 401 carries WWW-Authenticate"
        for name in LIMIT_HEADERS:
            assert name not in answer.headers, f"{promise}: a 401 carries no rate headers"
    return body


def invalid_key(answer, promise):
    error(answer, 401, "Invalid API key", promise)
    assert answer.json() == INVALID_KEY, f"{promise}: one body for every bad key, {show(answer)}"


def forbidden(answer, scope, plan, promise):
    body = error(answer, 403, "Insufficient permissions", promise)
    assert body["required_scope"] == scope and body["required_plan"] == plan, (
        f"{promise}: required_scope {scope!r}, required_plan {plan!r}, {show(answer)}"
    )


def not_valid(answer, *fields, promise):
    """A 422 that names exactly these members, in any order."""
    body = error(answer, 422, "Validation failed", promise)
    found = {".".join(str(step) for step in problem["loc"][1:]) for problem in body["errors"]}
    assert found == set(fields), f"{promise}: every bad field at once: {set(fields)}, {show(answer)}"
    for problem in body["errors"]:
        assert list(problem) == ["loc", "msg", "type"] and problem["loc"][0] in ("body", "query", "path"), problem
    first = body["errors"][0]
    name = ".".join(str(step) for step in first["loc"][1:])
    assert body["detail"] == f"{name}: {first['msg']}", f"{promise}: detail is the first fault, {show(answer)}"


def limited(answer):
    """The rate limit headers of an answer to a counted caller: (limit, remaining, Unix seconds of the reset)."""
    for name in LIMIT_HEADERS + ("RateLimit", "RateLimit-Policy"):
        assert name in answer.headers, f"{name} is on every response to a key, {answer.status_code} {answer.headers}"
    limit, remaining, reset = (answer.headers[name] for name in LIMIT_HEADERS)
    return int(limit), int(remaining), seconds_of(reset)


def absent_id():
    return str(uuid.uuid4())
