"""The numbered acceptance lines of the tunes contract that need no domain engine. Where a line says /recommendations, whose routes come
later, /playlists stands for it: another route with another scope."""

import time

import pytest

from support.accounts import Client
from support.checks import show
from support.clock import later
from support.polling import until
from support.tunes import (
    CREATED,
    KEY,
    LIMITS,
    SCOPES,
    Listener,
    absent_id,
    early_in_the_minute,
    error,
    forbidden,
    invalid_key,
    limited,
    not_valid,
    plausible_key,
    seconds_of,
)

DOCUMENTED = {
    "name": "Production API",
    "environment": "production",
    "scopes": ["read:tracks", "read:recommendations"],
    "expires_in_days": 90,
}


@pytest.fixture(scope="module")
def pro(server):
    return Listener(server, "pro")


@pytest.fixture(scope="module")
def starter(server):
    return Listener(server, "starter")


@pytest.fixture(scope="module")
def free(server):
    return Listener(server, "free")


class TestCreation:
    def test_1_the_documents_body_answers_201_with_eleven_members_in_order(self, pro):
        answer = pro.session.post("/api-keys", json=DOCUMENTED)
        assert answer.status_code == 201, f"no redirect, 201: {show(answer)}"
        assert list(answer.json()) == CREATED, f"exactly these members in this order: {list(answer.json())}"
        assert answer.headers["Cache-Control"] == "no-store", "an answer with a secret is not stored"

    def test_2_3_the_members_have_the_documented_shapes(self, pro):
        key = pro.session.post("/api-keys", json=DOCUMENTED).json()
        secret = key["api_key"]
        assert len(secret) == 35 and secret.startswith("tt_") and secret[3:].isalnum() and secret.isascii(), secret
        assert key["key_prefix"] == secret[:11], "the prefix is the first 11 characters"
        assert len(key["id"]) == 36 and key["id"] == key["id"].lower(), f"a lower-case UUID, got {key['id']}"
        for name in ("name", "environment", "scopes"):
            assert key[name] == DOCUMENTED[name], f"{name} is as sent, got {key[name]}"
        lifetime = seconds_of(key["expires_at"]) - seconds_of(key["created_at"])
        assert lifetime == 90 * 86400, f"exactly 90 days, got {lifetime} s"

    @pytest.mark.parametrize("plan", LIMITS)
    def test_4_the_limits_are_the_plans(self, request, plan):
        key = request.getfixturevalue(plan).made()
        limits = tuple(key[f"rate_limit_requests_per_{window}"] for window in ("minute", "hour", "day"))
        assert limits == LIMITS[plan], f"{plan}: {LIMITS[plan]}, got {limits}"

    def test_5_without_a_lifetime_a_key_never_expires(self, pro):
        one, two = pro.made(), pro.made()
        assert one["expires_at"] is None, "absent means never"
        assert one["id"] != two["id"] and one["api_key"] != two["api_key"], "two creations make two keys"
        for environment in ("development", "staging"):
            assert pro.made(environment=environment)["environment"] == environment
        not_valid(pro.create(environment="qa"), "environment", promise="an unknown environment")

    def test_6_pro_opens_each_scope_and_no_other(self, pro):
        for scope in SCOPES:
            assert pro.made(scope)["scopes"] == [scope]
        not_valid(pro.create(scopes=["bogus:scope"]), "scopes.0", promise="an unknown scope")

    def test_7_scopes_above_the_plan_are_refused_with_the_plan_named(self, free, starter, pro):
        forbidden(
            free.create(scopes=["read:audio_features"]), "read:audio_features", "starter", "free with a Starter scope"
        )
        starter.made("read:audio_features")
        for scope in ("train:models", "read:analytics", "admin:webhooks", "admin:billing"):
            forbidden(starter.create(scopes=[scope]), scope, "pro", "starter with a Pro scope")
            pro.made(scope)


class TestUse:
    def test_8_a_key_opens_its_route_at_the_root_and_below_api_v1_with_and_without_a_slash(self, pro):
        key = pro.with_key("read:tracks")
        for path in ("/tracks", "/tracks/", "/api/v1/tracks", "/api/v1/tracks/"):
            answer = key.get(path)
            assert answer.status_code == 200, f"{path}: {show(answer)}"
            assert key.head(path).status_code == 200, f"HEAD {path} works wherever GET does"

    def test_8_the_key_works_in_its_own_header_too_and_authorization_wins(self, server, pro):
        good = pro.made("read:tracks")["api_key"]
        assert server.client(**{"X-API-Key": good}).get("/tracks").status_code == 200
        assert server.client(Authorization=f"bEaReR {good}").get("/tracks").status_code == 200, "the scheme has no case"
        invalid_key(server.client("tt_wrong", **{"X-API-Key": good}).get("/tracks"), "Authorization wins")
        error(server.client().get(f"/tracks?api_key={good}"), 401, "Not authenticated", "keys in the query are not read")

    def test_9_a_key_without_the_scope_is_told_which(self, pro):
        key = pro.with_key("read:playlists")
        forbidden(key.get("/tracks"), "read:tracks", None, "a key with another scope")
        assert key.get("/playlists").status_code == 200

    def test_10_each_method_wants_its_own_scope(self, pro):
        reader = pro.with_key("read:tracks")
        before = pro.session.get("/tracks").json()["total"]
        forbidden(reader.post("/tracks", json={"name": "x"}), "write:tracks", None, "writing with a reading key")
        forbidden(reader.delete("/tracks/x"), "delete:tracks", None, "deleting with a reading key, before the id is read")
        assert pro.session.get("/tracks").json()["total"] == before, "nothing changed"
        lists = "/playlists"
        made = pro.session.post(lists, json={"name": "mine"}).json()["id"]
        forbidden(reader.get(lists), "read:playlists", None, "lists want read:playlists")
        forbidden(reader.post(lists, json={"name": "x"}), "write:playlists", None, "lists want write:playlists")
        forbidden(reader.delete(f"{lists}/{made}"), "delete:playlists", None, "lists want delete:playlists")
        assert pro.with_key("read:playlists").get(lists).status_code == 200
        assert pro.with_key("write:playlists").post(lists, json={"name": "x"}).status_code == 201
        assert pro.with_key("delete:playlists").delete(f"{lists}/{made}").status_code == 204

    def test_11_what_is_no_key_of_ours_is_an_invalid_key(self, server):
        for bad in (
            "tt_doesnotexist00000000000000000000",
            "xx_abc",
            "tt_AbCdEfGhIjKlMnOpQrStUvWxYz123456",
            plausible_key(),
            "tt_",
            "no-dots-at-all",
        ):
            invalid_key(server.client(bad).get("/tracks"), bad)
        error(server.client("a.b.c").get("/tracks"), 401, "Not authenticated", "a JWT", "Could not validate credentials")


class TestLimits:
    def test_12_every_answer_counts_down(self, pro):
        early_in_the_minute(5)
        key = pro.with_key("read:tracks")
        first, second = limited(key.get("/tracks")), limited(key.get("/tracks"))
        assert first[0] == second[0] == 300 and second[1] == first[1] - 1, f"Remaining falls by one: {first} {second}"
        assert first[2] > time.time() - 1, "Reset is in the future"
        answer = key.get("/tracks")
        assert answer.headers["RateLimit-Policy"] == '"minute";q=300;w=60, "hour";q=10000;w=3600, "day";q=100000;w=86400'
        assert answer.headers["RateLimit"].startswith('"minute";r=297;t='), answer.headers["RateLimit"]

    def test_13_the_headers_are_on_errors_too(self, pro):
        early_in_the_minute(10)
        key = pro.with_key("read:tracks", rate_limit_requests_per_minute=7)
        for status, answer in {
            403: key.get("/playlists"),
            404: key.get(f"/tracks/{absent_id()}"),
            422: key.get("/tracks?limit=0"),
            405: key.put("/tracks"),
        }.items():
            assert answer.status_code == status, show(answer)
            limited(answer)
        unknown = [key.get("/no/such/path"), key.get("/api/v1/no/such/path"), key.get("/tracks/no/such/path")]
        for answer in unknown:
            error(answer, 404, "Not Found", "an unknown path, asked for with a key")
        assert [limited(answer)[1] for answer in unknown] == [2, 1, 0], "calls to unknown paths count"
        over = key.get("/tracks")
        assert over.status_code == 429, show(over)
        limited(over)

    def test_14_15_the_eleventh_call_of_a_free_key_is_refused_as_documented(self, free):
        early_in_the_minute(10)
        key = free.with_key("read:tracks")
        for call in range(10):
            answer = key.get("/tracks")
            assert answer.status_code == 200, f"call {call + 1}: {show(answer)}"
        answer = key.get("/tracks")
        assert answer.status_code == 429, f"call 11: {show(answer)}"
        body = answer.json()
        reset = body["reset_at"]
        window = {"limit": 10, "remaining": 0, "reset_at": reset}
        assert body == {
            "error": "Rate limit exceeded",
            "window": "minute",
            "reset_at": reset,
            "rate_limit_info": {"minute": window},
        }, f"exactly the documented body: {body}"
        assert list(body) == ["error", "window", "reset_at", "rate_limit_info"] and "detail" not in body
        now = time.time()
        assert seconds_of(reset) == (int(now) // 60 + 1) * 60, f"the next whole minute, got {reset}"
        assert answer.headers["X-RateLimit-Reset"] == reset and answer.headers["X-RateLimit-Remaining"] == "0"
        assert abs(int(answer.headers["Retry-After"]) - (seconds_of(reset) - now)) <= 1.5, answer.headers
        assert int(answer.headers["Retry-After"]) >= 1
        until(lambda: time.time() >= seconds_of(reset), "the next minute", 61)
        assert key.get("/tracks").status_code == 200, "after it the key works again"

    def test_16_a_limit_is_the_keys_over_all_routes(self, free):
        early_in_the_minute(10)
        key, other = free.with_key("read:tracks", "read:playlists"), free.with_key("read:tracks")
        answers = [key.get(("/tracks", "/playlists")[call % 2]).status_code for call in range(11)]
        assert answers == [200] * 10 + [429], answers
        assert other.get("/tracks").status_code == 200, "a second key is unaffected"

    def test_17_a_key_may_have_lower_limits_and_no_higher(self, pro):
        early_in_the_minute(5)
        key = pro.with_key("read:tracks", rate_limit_requests_per_hour=3)
        assert key.key["rate_limit_requests_per_hour"] == 3
        assert [key.get("/tracks").status_code for _ in range(4)] == [200, 200, 200, 429]
        body = key.get("/tracks").json()
        assert body["window"] == "hour" and list(body["rate_limit_info"]) == ["hour"], body
        not_valid(
            pro.create(rate_limit_requests_per_minute=301),
            "rate_limit_requests_per_minute",
            promise="a limit above the plan",
        )

    def test_a_refused_call_is_charged_to_no_window(self, pro):
        early_in_the_minute(10)
        key = pro.with_key("read:tracks", rate_limit_requests_per_minute=2)
        for _ in range(20):
            answer = key.get("/tracks")
        hour = answer.headers["RateLimit"].split('"hour";r=')[1].split(";")[0]
        assert hour == str(10000 - 2), f"only the two admitted calls count to the hour, got {answer.headers['RateLimit']}"

    def test_sessions_have_a_bucket_of_their_own(self, pro):
        answer = pro.session.get("/tracks")
        assert limited(answer)[0] == 6000, answer.headers


class TestManagement:
    def test_18_lists_and_details_hold_no_secret(self, pro):
        key = pro.made("read:tracks")
        answer = pro.session.get("/api-keys")
        assert answer.status_code == 200 and isinstance(answer.json(), list), "a bare array"
        assert key["id"] in [one["id"] for one in answer.json()] and key["api_key"] not in answer.text
        answer = pro.session.get(f"/api-keys/{key['id']}")
        assert answer.status_code == 200 and list(answer.json()) == KEY, f"these members in order: {list(answer.json())}"
        assert key["api_key"] not in answer.text
        assert pro.session.get(f"/api-keys/{key['id'].upper()}").json() == answer.json(), "upper case is accepted"

    def test_18_lists_are_newest_first_and_filtered(self, server):
        mine = Listener(server)
        one = mine.made(environment="staging")["id"]
        two = mine.made()["id"]
        mine.session.patch(f"/api-keys/{one}", json={"is_active": False})
        listed = lambda query="": [key["id"] for key in mine.session.get("/api-keys" + query).json()]
        assert listed() == [two, one], "newest first"
        assert listed("?environment=staging") == [one] and listed("?is_active=true") == [two]
        assert listed("?is_active=false&environment=production") == []
        not_valid(mine.session.get("/api-keys?environment=qa"), "environment", promise="an unknown environment")

    def test_19_a_patch_changes_what_it_names(self, pro):
        key = pro.made("read:tracks", "write:tracks")
        answer = pro.session.patch(f"/api-keys/{key['id']}", json={"name": "Updated Name", "is_active": True})
        assert answer.status_code == 200 and answer.json()["name"] == "Updated Name", show(answer)
        assert answer.json()["scopes"] == ["read:tracks", "write:tracks"], "scopes are unchanged"

    def test_20_a_key_is_switched_off_and_on_at_once(self, pro):
        key = pro.with_key("read:tracks")
        assert key.get("/tracks").status_code == 200
        pro.session.patch(key.path, json={"is_active": False})
        invalid_key(key.get("/tracks"), "a key that is switched off")
        assert pro.key(key.key["id"])["status"] == "inactive"
        pro.session.patch(key.path, json={"is_active": True})
        assert key.get("/tracks").status_code == 200

    def test_21_rotation_makes_a_new_key_with_the_same_settings(self, server, pro):
        old = pro.with_key("read:tracks", environment="staging", rate_limit_requests_per_minute=50, expires_in_days=90)
        answer = pro.session.post(old.path + "/rotate")
        assert answer.status_code == 200 and list(answer.json()) == CREATED, show(answer)
        new = answer.json()
        same = [name for name in CREATED if name not in ("id", "api_key", "key_prefix", "created_at", "expires_at")]
        assert {name: new[name] for name in same} == {name: old.key[name] for name in same}
        assert new["id"] != old.key["id"] and new["api_key"] != old.key["api_key"]
        assert seconds_of(new["expires_at"]) - seconds_of(new["created_at"]) == 90 * 86400, "the lifetime starts anew"
        invalid_key(old.get("/tracks"), "the old key")
        assert Client(server, new["api_key"]).get("/tracks").status_code == 200
        seen = pro.key(old.key["id"])
        assert seen["status"] == "revoked" and seen["rotated_to"] == new["id"] and seen["is_active"] is False, seen
        assert pro.key(new["id"])["rotated_from"] == old.key["id"]
        error(pro.session.post(old.path + "/rotate"), 409, "Conflict", "a key that was rotated already")

    def test_21_with_a_grace_both_keys_work(self, server, pro):
        old = pro.with_key("read:tracks")
        new = pro.session.post(old.path + "/rotate", json={"grace_seconds": 3}).json()
        assert old.get("/tracks").status_code == 200, "the old key works during the grace"
        assert Client(server, new["api_key"]).get("/tracks").status_code == 200
        assert pro.key(old.key["id"])["status"] == "rotating"
        until(lambda: old.get("/tracks").status_code == 401, "the old key dies after its grace", 6)
        invalid_key(old.get("/tracks"), "the old key after its grace")
        not_valid(
            pro.session.post(f"/api-keys/{new['id']}/rotate", json={"grace_seconds": 604801}),
            "grace_seconds",
            promise="a grace beyond a week",
        )

    def test_22_a_revoked_key_stays_dead(self, pro):
        key = pro.with_key("read:tracks")
        answer = pro.session.post(key.path + "/revoke")
        assert answer.status_code == 200 and answer.json()["status"] == "revoked", show(answer)
        invalid_key(key.get("/tracks"), "a revoked key")
        again = pro.session.post(key.path + "/revoke")
        assert again.status_code == 200 and again.json()["revoked_at"] == answer.json()["revoked_at"], "repeatable"
        error(pro.session.patch(key.path, json={"is_active": True}), 409, "Conflict", "a revoked key is not revived")
        error(pro.session.post(key.path + "/rotate"), 409, "Conflict", "nor rotated")
        invalid_key(key.get("/tracks"), "still")

    def test_23_a_deleted_key_is_gone(self, pro):
        key = pro.with_key("read:tracks")
        answer = pro.session.delete(key.path)
        assert answer.status_code == 204 and answer.content == b"", show(answer)
        for gone in (
            pro.session.get(key.path),
            pro.session.patch(key.path, json={}),
            pro.session.delete(key.path),
            pro.session.get(key.path + "/usage"),
        ):
            error(gone, 404, "Not Found", "a deleted key", "API key not found")
        assert key.key["id"] not in [one["id"] for one in pro.session.get("/api-keys").json()]
        invalid_key(key.get("/tracks"), "a deleted key")

    def test_24_an_expired_key_answers_like_an_unknown_one(self, start_server):
        environment = later(days=2)
        server = start_server()
        pro = Listener(server)
        key = pro.with_key("read:tracks", expires_in_days=1)
        assert key.get("/tracks").status_code == 200
        server.restart(**environment)
        expired, unknown = key.get("/tracks"), server.client(plausible_key()).get("/tracks")
        invalid_key(expired, "an expired key")
        assert expired.content == unknown.content, "the same bytes"
        volatile = {"date", "x-request-id", "x-process-time"}
        heads = [
            {name.lower(): value for name, value in answer.headers.items() if name.lower() not in volatile}
            for answer in (expired, unknown)
        ]
        assert heads[0] == heads[1], "and the same header fields"
        assert pro.key(key.key["id"])["status"] == "expired"
        fresh = pro.session.post(key.path + "/rotate")
        assert fresh.status_code == 200, f"an expired key may be rotated: {show(fresh)}"

    def test_24_an_allow_list_that_excludes_the_caller_is_403(self, pro):
        key = pro.with_key("read:tracks", ip_whitelist=["203.0.113.0/24"])
        answer = key.get("/tracks")
        assert error(answer, 403, "Invalid API key", "another address", "IP address not allowed")
        first, second = limited(answer), limited(key.get("/tracks"))
        assert first[1] == second[1] == 300, "the headers are there, and nothing was charged"
        pro.session.patch(key.path, json={"ip_whitelist": ["127.0.0.1", "::1"]})
        assert key.get("/tracks").status_code == 200
        pro.session.patch(key.path, json={"ip_whitelist": None})
        assert pro.key(key.key["id"])["ip_whitelist"] is None and key.get("/tracks").status_code == 200


class TestUsage:
    def test_25_the_usage_of_a_key_agrees_with_what_it_did(self, free):
        early_in_the_minute(10)
        key = free.with_key("read:tracks", "read:playlists")
        for path in ("/tracks", "/tracks/", "/api/v1/tracks?limit=1", "/playlists", f"/tracks/{absent_id()}"):
            key.get(path)
        usage = until(
            lambda: (found := free.session.get(key.path + "/usage").json())["total_requests"] == 5 and found,
            "five calls are visible within 2 s",
            2,
        )
        assert (usage["successful_requests"], usage["failed_requests"]) == (4, 1), usage
        assert usage["requests_by_endpoint"] == {"/tracks": 3, "/playlists": 1, "/tracks/{track_id}": 1}, usage
        assert usage["requests_by_status_code"] == {"200": 4, "404": 1}, usage
        assert usage["avg_response_time_ms"] > 0 and usage["p99_response_time_ms"] >= usage["p50_response_time_ms"] > 0
        assert seconds_of(usage["period_end"]) - seconds_of(usage["period_start"]) == 7 * 86400
        assert list(usage) == [
            "api_key_id",
            "total_requests",
            "successful_requests",
            "failed_requests",
            "avg_response_time_ms",
            "requests_by_endpoint",
            "requests_by_status_code",
            "period_start",
            "period_end",
            "p50_response_time_ms",
            "p95_response_time_ms",
            "p99_response_time_ms",
        ]
        for days in (0, 91, "x"):
            not_valid(free.session.get(f"{key.path}/usage?days={days}"), "days", promise=f"days={days}")
        for days in (1, 90):
            assert free.session.get(f"{key.path}/usage?days={days}").json()["total_requests"] == 5

    def test_25_unknown_paths_refusals_and_limits_are_counted_and_bad_keys_are_not(self, server, pro):
        early_in_the_minute(10)
        key = pro.with_key("read:tracks", rate_limit_requests_per_minute=3)
        key.get("/nowhere"), key.get("/playlists"), key.get("/tracks"), key.get("/tracks")
        usage = until(
            lambda: (found := pro.session.get(key.path + "/usage").json())["total_requests"] == 4 and found,
            "four calls are visible within 2 s",
            2,
        )
        assert usage["requests_by_status_code"] == {"200": 1, "403": 1, "404": 1, "429": 1}, usage
        assert usage["requests_by_endpoint"]["(unknown)"] == 1, usage
        assert sum(usage["requests_by_endpoint"].values()) == 4

    def test_the_counters_of_a_key_lag_little(self, pro):
        key = pro.with_key("read:tracks")
        for _ in range(3):
            key.get("/tracks")
        seen = until(
            lambda: (found := pro.key(key.key["id"]))["total_requests"] == 3 and found, "three calls are counted", 5
        )
        assert seen["last_used_ip"] == "127.0.0.1" and seconds_of(seen["last_used_at"]) <= time.time(), seen


def calls_of(path):
    return [
        ("POST", "/api-keys", {"name": "x"}),
        ("GET", "/api-keys", None),
        ("GET", path, None),
        ("PATCH", path, {"name": "x"}),
        ("POST", path + "/rotate", None),
        ("POST", path + "/revoke", None),
        ("GET", path + "/usage", None),
        ("DELETE", path, None),
    ]


class TestWhoMay:
    def test_26_keys_are_managed_by_sessions_only(self, server, pro):
        made = pro.made("read:tracks")
        for method, path, body in calls_of("/api-keys/" + made["id"]):
            without = server.client().request(method, path, json=body)
            error(without, 401, "Not authenticated", f"{method} {path} without a token")
            wrong = server.client("a.b.c").request(method, path, json=body)
            error(wrong, 401, "Not authenticated", f"{method} {path} with a wrong token", "Could not validate credentials")
            by_key = server.client(made["api_key"]).request(method, path, json=body)
            forbidden(by_key, None, None, f"{method} {path} with a key")
        assert pro.key(made["id"])["status"] == "active", "nothing changed"

    def test_27_another_accounts_key_is_an_absent_one(self, server, pro):
        made = pro.with_key("read:tracks")
        other = Listener(server)
        absent = absent_id()
        for (method, path, body), (_, nowhere, _) in zip(
            calls_of(made.path)[2:], calls_of("/api-keys/" + absent)[2:], strict=True
        ):
            foreign = other.session.request(method, path, json=body)
            missing = other.session.request(method, nowhere, json=body)
            error(foreign, 404, "Not Found", f"{method} {path} by another account")
            assert foreign.content == missing.content, "the same body as for a random id"
        assert pro.key(made.key["id"])["status"] == "active" and made.get("/tracks").status_code == 200, "no effect"


class TestPlans:
    def test_a_downgrade_bites_at_once_and_the_key_keeps_its_scopes(self, server):
        mine = Listener(server)
        key = mine.with_key("read:tracks", "read:analytics")
        mine.put_on("free")
        assert limited(key.get("/tracks"))[0] == 10, "the limits are the new plan's"
        assert mine.key(key.key["id"])["scopes"] == ["read:tracks", "read:analytics"]
        mine.put_on("pro")
        assert limited(key.get("/tracks"))[0] == 300

    def test_enterprise_accounts_have_limits_of_their_own(self, server):
        mine = Listener(server, "enterprise")
        assert mine.made()["rate_limit_requests_per_minute"] == 10000
        mine.put_on("enterprise", "--per-minute", "17")
        key = mine.made()
        assert (key["rate_limit_requests_per_minute"], key["rate_limit_requests_per_hour"]) == (17, 100000), key


def test_registration_and_login_below_api_v1(server):
    client = server.client()
    person = {"email": "listener@example.com", "password": "long enough", "first_name": "Lis", "terms_accepted": True}
    answer = client.post("/api/v1/auth/register", json=person)
    assert answer.status_code == 201 and list(answer.json()) == ["access_token", "token_type", "user"], show(answer)
    assert answer.json()["token_type"] == "bearer" and answer.json()["user"]["email"] == person["email"]
    again = client.post("/api/v1/auth/register", json=person)
    error(again, 400, "Bad Request", "a taken address", "Email already registered")
    login = client.post("/api/v1/auth/login", json={"email": person["email"], "password": person["password"]})
    assert login.status_code == 200 and list(login.json()) == ["access_token", "token_type", "user"], show(login)
    wrong = client.post("/api/v1/auth/login", json={"email": person["email"], "password": "wrong password"})
    error(wrong, 401, "Not authenticated", "a wrong password", "Incorrect email or password")
    me = server.client(login.json()["access_token"]).get("/api/v1/auth/me")
    assert me.status_code == 200 and me.json() == login.json()["user"], show(me)
    key = server.client(login.json()["access_token"]).post("/api-keys", json={"name": "k"}).json()["api_key"]
    assert server.client(key).get("/api/v1/auth/me").json() == me.json(), "with a key too"
    not_valid(
        client.post("/api/v1/auth/register", json={"email": "x", "password": "short"}),
        "email",
        "password",
        promise="a short password and no address",
    )


def test_routes_of_later_parts_are_404_in_our_envelope(pro):
    key = pro.with_key("read:tracks")
    for path in ("/recommendations", "/interactions", "/audio-features", "/models", "/analytics/overview", "/webhooks", "/billing"):
        for prefix in ("", "/api/v1"):
            error(key.get(prefix + path), 404, "Not Found", prefix + path)
