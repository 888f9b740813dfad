"""Section 2: who gets in, and what those who do not are told."""

import time
import uuid

import pytest

from support import secrets
from support.checks import refused, show
from support.clock import later

SIGNING_SECRET = "a signing secret of more than 32 bytes, set by the operator"
UNKNOWN = str(uuid.uuid4())

EITHER = [
    ("POST", "/upload"),
    ("GET", "/jobs"),
    ("GET", f"/jobs/{UNKNOWN}"),
    ("GET", f"/status/{UNKNOWN}"),
    ("GET", f"/jobs/{UNKNOWN}/stems"),
    ("GET", f"/stems/{UNKNOWN}"),
    ("GET", f"/stems/{UNKNOWN}/vocals"),
    ("GET", f"/download/{UNKNOWN}"),
    ("GET", f"/download/{UNKNOWN}/vocals.wav"),
    ("POST", f"/jobs/{UNKNOWN}/retry"),
    ("POST", f"/jobs/{UNKNOWN}/cancel"),
    ("DELETE", "/jobs"),
    ("DELETE", f"/job/{UNKNOWN}"),
    ("DELETE", f"/jobs/{UNKNOWN}"),
]
SESSION = [
    ("POST", "/auth/logout"),
    ("GET", "/auth/me"),
    ("PUT", "/auth/email"),
    ("PUT", "/auth/username"),
    ("PUT", "/auth/password"),
    ("DELETE", "/auth/account"),
    ("GET", "/api-key"),
    ("POST", "/api-key/generate"),
    ("POST", "/api-key/regenerate"),
    ("DELETE", "/api-key"),
    ("GET", "/api-key/list"),
    ("POST", "/api-key"),
    ("PATCH", "/api-key/1"),
    ("POST", "/api-key/1/regenerate"),
    ("DELETE", "/api-key/1"),
    ("GET", "/credits/balance"),
    ("GET", "/credits/history"),
    ("POST", "/credits/purchase"),
    ("GET", "/admin/users"),
    ("GET", "/admin/users/1"),
    ("POST", "/admin/users/1/credits"),
    ("POST", "/admin/users/1/toggle-active"),
    ("GET", "/admin/jobs"),
    ("POST", f"/admin/jobs/{UNKNOWN}/archive"),
    ("DELETE", f"/admin/jobs/{UNKNOWN}"),
]
OPEN = [("GET", "/api"), ("GET", "/upload/models"), ("GET", "/upload/models/htdemucs"), ("GET", "/credits/packages")]


@pytest.fixture(scope="module")
def credentials(server):
    """Authorization headers by case: (header, answer of an "either" route, answer of a session-only route)."""
    lost, gone, disabled, left = (server.account() for _ in range(4))
    regenerated = lost.key
    lost.session.post("/api-key/regenerate")
    deleted = server.account()
    deleted_key = deleted.key
    deleted.session.delete("/api-key")
    left.session.post("/auth/logout")
    gone_key = gone.key
    assert gone.session.delete("/auth/account", json={"password": gone.password}).status_code == 200
    disabled_key = disabled.key
    server.operator.session.post(f"/admin/users/{disabled.id}/toggle-active")
    valid = server.account()
    claims = secrets.claims_of(valid.token)
    head, middle, signature = valid.token.split(".")

    none, scheme = "Not authenticated", "Invalid authentication credentials"
    key, session, off = "Invalid API key", "Could not validate credentials", "Account has been disabled"
    return {
        "no header": (None, (401, none), (403, none)),
        "Basic": ("Basic dXNlcjpwYXNzd29yZA==", (401, none), (403, scheme)),
        "key without Bearer": (valid.key, (401, none), (403, scheme)),
        "Token scheme": (f"Token {valid.key}", (401, none), (403, scheme)),
        "malformed key": ("Bearer sk_wrong", (401, key), (401, session)),
        "unknown key": (f"Bearer {secrets.plausible_key()}", (401, key), (401, session)),
        "wrong checksum": (f"Bearer {secrets.spoiled(valid.key)}", (401, key), (401, session)),
        "key with more behind it": (f"Bearer {valid.key}A", (401, key), (401, session)),
        "regenerated key": (f"Bearer {regenerated}", (401, key), (401, session)),
        "deleted key": (f"Bearer {deleted_key}", (401, key), (401, session)),
        "key of a deleted account": (f"Bearer {gone_key}", (401, key), (401, session)),
        "key of another surface": ("Bearer tt_AbCdEfGhIjKlMnOpQrStUvWxYz3jTFSV", (401, session), (401, session)),
        "registry key": ("Bearer sk_live_" + "A" * 43, (401, key), (401, session)),
        "no JWT": ("Bearer nonsense", (401, session), (401, session)),
        "JWT, signature changed": (
            f"Bearer {head}.{middle}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}",
            (401, session),
            (401, session),
        ),
        "JWT, wrong secret": (f"Bearer {secrets.token(claims, 'secret' * 8)}", (401, session), (401, session)),
        "JWT, alg none": (
            f"Bearer {secrets.token(claims, 'x', {'alg': 'none', 'typ': 'JWT'}).rpartition('.')[0]}.",
            (401, session),
            (401, session),
        ),
        "JWT, logged out": (f"Bearer {left.token}", (401, session), (401, session)),
        "JWT, account deleted": (f"Bearer {gone.token}", (401, "User not found"), (401, "User not found")),
        "JWT, account disabled": (f"Bearer {disabled.token}", (403, off), (403, off)),
        "key, account disabled": (f"Bearer {disabled_key}", (403, off), (401, session)),
        "valid key": (f"Bearer {valid.key}", None, (401, session)),
    }


def mismatches(server, method, path, credentials, column):
    """What of the table does not hold for one route."""
    wrong = []
    for name, (header, *columns) in credentials.items():
        if columns[column] is None:
            continue
        status, detail = columns[column]
        answer = server.client(**({"Authorization": header} if header else {})).request(method, path)
        body = answer.json() if answer.headers.get("Content-Type", "").startswith("application/json") else answer.text
        if (answer.status_code, body) != (status, {"detail": detail}):
            wrong.append(f"{name}: {status} {detail!r} expected, {show(answer)}")
        elif status == 401 and answer.headers.get("WWW-Authenticate") != "Bearer":
            wrong.append(f"{name}: WWW-Authenticate: Bearer is missing")
    return wrong


@pytest.mark.parametrize("method, path", EITHER, ids=lambda value: value.replace(UNKNOWN, "ID"))
def test_an_either_route_keeps_the_table(server, credentials, method, path):
    wrong = mismatches(server, method, path, credentials, 0)
    assert not wrong, f"{method} {path}:\n" + "\n".join(wrong)


@pytest.mark.parametrize("method, path", SESSION, ids=lambda value: value.replace(UNKNOWN, "ID"))
def test_a_session_route_keeps_the_table(server, credentials, method, path):
    wrong = mismatches(server, method, path, credentials, 1)
    assert not wrong, f"{method} {path}:\n" + "\n".join(wrong)


@pytest.mark.parametrize("method, path", OPEN)
def test_an_open_route_asks_for_nothing(server, credentials, method, path):
    for name in ("no header", "Basic", "unknown key", "no JWT"):
        header = credentials[name][0]
        answer = server.client(**({"Authorization": header} if header else {})).request(method, path)
        assert answer.status_code == 200, f"{method} {path} needs no credentials ({name}), {show(answer)}"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
def test_the_scheme_name_has_no_case(server, account, scheme):
    for credential in (account.key, account.token):
        answer = server.client(Authorization=f"{scheme} {credential}").get("/jobs")
        assert answer.status_code == 200, f"the scheme name is case-insensitive, {show(answer)}"


def test_credentials_come_before_body_query_and_object(server, account):
    stranger = server.client()
    refused(
        stranger.post("/upload", data=b"no multipart", headers={"Content-Type": "multipart/form-data"}),
        401,
        "Not authenticated",
        "before the body",
    )
    refused(stranger.get("/jobs?limit=abc"), 401, "Not authenticated", "before the query")
    refused(stranger.delete("/jobs", data=b"{"), 401, "Not authenticated", "before the JSON")
    refused(stranger.put("/auth/email", data=b"{"), 403, "Not authenticated", "before the JSON")
    refused(account.session.get("/admin/users/999999999"), 403, "Admin access required", "rights before the object")
    refused(
        account.session.post("/admin/users/1/credits", data=b"{"),
        403,
        "Admin access required",
        "rights before the JSON",
    )


def test_method_and_path_come_before_credentials(server):
    refused(server.client().get("/jobs/a/b/c"), 404, "Not Found", "an unknown path needs no credentials")
    refused(server.client().put("/jobs"), 405, "Method Not Allowed", "a wrong method needs no credentials")


def test_a_key_has_the_documented_form(account):
    key = account.key
    assert key.startswith("sk_") and len(key) == 46, f"sk_ and 43 characters, got {len(key)}"
    assert all(c.isalnum() and c.isascii() or c in "-_" for c in key[3:]), "url-safe characters"
    assert key[-6:] == secrets.checksum(key[:-6]), "the last six are the CRC-32 of all before, in base62"
    assert not key.startswith("sk_live_"), "never a registry key's prefix"


def test_a_session_token_has_the_documented_claims(account):
    claims = secrets.claims_of(account.token)
    assert claims["sub"] == str(account.id), f"sub is the user id as a string, got {claims}"
    assert claims["exp"] - claims["iat"] == 30 * 86400, f"sessions last 30 days, got {claims}"
    assert abs(claims["iat"] - time.time()) < 300 and claims["jti"], f"iat and jti are there, got {claims}"


def test_keys_and_passwords_are_not_stored(server, cluster):
    account = server.account()
    account.api.get("/jobs")
    for secret in (account.key.encode(), account.key[3:-6].encode(), account.password.encode(), account.token.encode()):
        assert server.bytes_on_disk(secret) == [], "keys, passwords and tokens are stored only as hashes"
        if cluster:
            assert secret not in cluster.dump(server.database), "keys, passwords and tokens are stored only as hashes"


def test_the_cookie_opens_no_json_route(server, account):
    answer = account.login()
    cookie = answer.cookies.get("tollhouse_session")
    assert cookie, f"login sets tollhouse_session, got {answer.headers}"
    stranger = server.client(Cookie=f"tollhouse_session={cookie}")
    refused(stranger.get("/jobs"), 401, "Not authenticated", "the cookie is never a credential for a JSON route")
    refused(stranger.get("/auth/me"), 403, "Not authenticated", "the cookie is never a credential for a JSON route")
    refused(stranger.get("/auth/me", headers={"Accept": "text/html"}), 403, "Not authenticated", "whatever it accepts")


def test_the_cookie_is_well_guarded(server, account):
    header = account.login().headers["Set-Cookie"]
    attributes = [piece.strip().lower() for piece in header.split(";")[1:]]
    assert "httponly" in attributes and "samesite=lax" in attributes, f"HttpOnly, SameSite=Lax, got {header}"
    assert "secure" not in attributes, f"Secure only under HTTPS, got {header}"


def test_answers_with_secrets_are_not_cached(server, account):
    for answer in (
        account.login(),
        account.session.post("/api-key/regenerate"),
        account.session.post("/api-key", json={"name": "n"}),
    ):
        assert "no-store" in answer.headers.get("Cache-Control", ""), (
            f"an answer that holds a key or token is no-store, got {answer.headers}"
        )


def test_a_session_ends_after_thirty_days(start_server):
    environment = later(days=31)
    server = start_server()
    account = server.account()
    server.restart(**environment)
    refused(account.session.get("/jobs"), 401, "Could not validate credentials", "an expired JWT")
    assert account.login().status_code == 200, "a new login works"


class TestForgery:
    """The operator's own signing secret lets a test sign tokens the server would never issue."""

    @pytest.fixture(scope="class")
    def forger(self, start_module_server):
        server = start_module_server(secrets={"session_key": SIGNING_SECRET})
        account = server.account()
        claims = secrets.claims_of(account.token)

        def forge(**changes):
            changed = {**claims, **changes}
            token = secrets.token({name: value for name, value in changed.items() if value is not None}, SIGNING_SECRET)
            return server.client(token).get("/auth/me")

        assert forge().status_code == 200, "the operator's secret signs the sessions"
        return forge

    def test_a_token_without_exp_is_refused(self, forger):
        refused(forger(exp=None), 401, "Could not validate credentials", "a JWT without exp")

    def test_a_token_without_sub_is_refused(self, forger):
        refused(forger(sub=None), 401, "Could not validate credentials", "a JWT without sub")

    def test_an_expired_token_is_refused(self, forger):
        refused(forger(exp=int(time.time()) - 10), 401, "Could not validate credentials", "an expired JWT")

    def test_a_sub_that_is_no_integer_is_named(self, forger):
        refused(forger(sub="abc"), 401, "Invalid token format", "sub is not an integer")

    def test_a_sub_that_nobody_has_is_named(self, forger):
        refused(forger(sub="987654321"), 401, "User not found", "sub of no account")


@pytest.mark.parametrize("secret", ["", "short", "your-secret-key-change-in-production", "changeme" * 5])
def test_a_weak_signing_secret_stops_the_start(start_server, secret):
    server = start_server.prepare(secrets={"session_key": secret}).launch()
    assert server.process.wait(20) != 0, f"an empty, short or published signing secret stops the start: {secret!r}"
    assert "session_key" in server.log(), f"and is named in the log: {server.log()[-500:]}"
