"""Section 8: accounts."""

import re
import threading

import pytest

from support import audio
from support.checks import TIME, answers, entries, missing, refused, show, value_error
from support.polling import until

SIX = ["access_token", "token_type", "user_id", "username", "email", "credits"]
LOGIN_FAILED = "Incorrect email or password"


def register(server, **fields):
    return server.client().post("/auth/register", json=fields)


def valid(name, **changes):
    return {"email": f"{name}@example.com", "username": name, "password": "correct horse", **changes}


class TestRegister:
    def test_it_answers_the_six_fields(self, server):
        answer = answers(register(server, **valid("six")), 200, "register is 200")
        body = answer.json()
        assert list(body)[:6] == SIX, f"the six fields in order, got {list(body)}"
        assert (body["token_type"], body["username"], body["email"], body["credits"]) == (
            "bearer",
            "six",
            "six@example.com",
            3.0,
        ), f"got {body}"
        assert isinstance(body["user_id"], int) and re.search(r'"credits":\s*3\.0\b', answer.text), (
            f"an integer id and 3.0, got {answer.text}"
        )
        assert server.client(body["access_token"]).get("/auth/me").status_code == 200, "the token is good at once"

    def test_the_welcome_bonus_is_in_the_history(self, account):
        (row,) = account.history()
        assert (row["amount"], row["balance_after"], row["description"], row["reference"]) == (
            3.0,
            3.0,
            "Welcome bonus - 3 free credits",
            "registration",
        ), f"got {row}"

    def test_the_bonus_is_the_operators_choice(self, start_server):
        for credits, description in ((0, None), (7, "Welcome bonus - 7 free credits")):
            account = start_server(stems={"starter_credits": credits}).account()
            assert account.credits() == float(credits), f"starter_credits = {credits}"
            assert description is None or account.history()[0]["description"] == description, f"got {account.history()}"

    def test_email_and_name_are_unique_without_case(self, server):
        register(server, **valid("taken"))
        refused(
            register(server, **valid("fresh", email="TAKEN@Example.COM")),
            400,
            "Email already registered",
            "email without case",
        )
        refused(
            register(server, **valid("TaKen", email="fresh2@example.com")),
            400,
            "Username already taken",
            "username without case",
        )
        refused(
            register(server, **valid(" taken ", email="fresh3@example.com")),
            400,
            "Username already taken",
            "username is trimmed",
        )
        refused(register(server, **valid("taken")), 400, "Email already registered", "both taken: the email is named")

    def test_parallel_registrations_of_one_email_make_one_account(self, server):
        found = []
        threads = [
            threading.Thread(
                target=lambda n=n: found.append(register(server, **valid(f"racer{n}", email="race@example.com")))
            )
            for n in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answer.status_code for answer in found) == [200] + [400] * 7, (
            f"exactly one wins, got {[show(answer) for answer in found]}"
        )

    @pytest.mark.parametrize("field", ["email", "username", "password"])
    def test_an_absent_field_is_named(self, server, field):
        body = valid("absent")
        del body[field]
        if field == "username":
            assert register(server, **body).status_code in (400, 422), (
                "a body without username is another surface's or bad"
            )
            return
        found = entries(register(server, **body), f"{field} is absent")
        assert found == [missing(field, body)], f"input is the whole body, got {found}"

    def test_several_absent_fields_come_in_order(self, server):
        found = entries(register(server, username="only"), "two absent")
        assert found == [missing("email", {"username": "only"}), missing("password", {"username": "only"})], (
            f"in field order, got {found}"
        )

    @pytest.mark.parametrize(
        "email",
        [
            "",
            "a",
            "a@",
            "@b.com",
            "a b@example.com",
            "a@b@example.com",
            "a@example",
            "a@.com",
            "a@example..com",
            "x" * 250 + "@example.com",
            "a@exa mple.com",
            "a\u0000@example.com",
        ],
    )
    def test_a_bad_email_is_refused(self, server, email):
        found = entries(register(server, **valid("bademail", email=email)), f"{email!r}")
        (entry,) = found
        assert entry["type"] == "value_error" and entry["loc"] == ["body", "email"] and entry["input"] == email, (
            f"got {entry}"
        )
        assert entry["msg"].startswith("value is not a valid email address"), f"the documented text, got {entry}"
        assert entry["ctx"]["reason"], f"ctx.reason says why, got {entry}"

    @pytest.mark.parametrize("name", ["", "x", " x ", "x" * 65])
    def test_a_bad_username_is_refused(self, server, name):
        value_error(register(server, **valid("badname", username=name)), "body", "username", name, f"username {name!r}")

    @pytest.mark.parametrize(
        "name", ["ab", "x" * 64, "Zoë 🎵", "<script>alert(1)</script>", "Robert'); DROP TABLE users;--"]
    )
    def test_an_unusual_username_is_a_username(self, server, name):
        answer = answers(register(server, **valid(f"odd{abs(hash(name)) % 10**9}", username=name)), 200, name)
        assert answer.json()["username"] == name, f"kept as it is, {show(answer)}"

    def test_a_username_is_trimmed(self, server):
        assert register(server, **valid("trimmed", username="  trim med ")).json()["username"] == "trim med", (
            "trimmed outside, kept inside"
        )

    @pytest.mark.parametrize("password", ["", "12345", "x" * 1025])
    def test_a_bad_password_is_refused(self, server, password):
        found = entries(register(server, **valid("badpass", password=password)), "a bad password")
        assert [(entry["type"], entry["loc"]) for entry in found] == [("value_error", ["body", "password"])], (
            f"6 to 1024 characters, got {found}"
        )

    @pytest.mark.parametrize("password", ["123456", "x" * 1024, "пароль", "pass\u0000word", "  spaces  "])
    def test_an_unusual_password_opens_only_itself(self, server, password):
        name = f"pw{len(password)}{ord(password[0])}"
        assert register(server, **valid(name, password=password)).status_code == 200, f"{password[:20]!r} is allowed"
        login = server.client().post("/auth/login", json={"email": f"{name}@example.com", "password": password})
        assert login.status_code == 200, f"it logs in, {show(login)}"
        for near in (
            password[:-1],
            password + "x",
            password.strip() if password != password.strip() else password.upper() + "!",
        ):
            refused(
                server.client().post("/auth/login", json={"email": f"{name}@example.com", "password": near}),
                401,
                LOGIN_FAILED,
                "nothing near it does",
            )

    @pytest.mark.parametrize("value", [None, 7, True, [], {}, 1.5])
    def test_values_of_another_type_are_refused(self, server, value):
        for field in ("email", "username", "password"):
            found = entries(register(server, **valid("typed", **{field: value})), f"{field} = {value!r}")
            assert [entry["loc"] for entry in found] == [["body", field]], f"{field} = {value!r}, got {found}"

    def test_unknown_fields_are_ignored(self, server):
        assert register(server, **valid("extra"), is_admin=1, credits=1000).json()["credits"] == 3.0, (
            "unknown fields are ignored"
        )
        me = (
            server.client().post("/auth/login", json={"email": "extra@example.com", "password": "correct horse"}).json()
        )
        assert server.client(me["access_token"]).get("/auth/me").json()["is_admin"] == 0, "and give no rights"


class TestFirstAccount:
    def test_the_first_registrant_is_the_admin(self, start_server):
        server = start_server(operator=False)
        first, second = server.account(), server.account()
        assert first.session.get("/auth/me").json()["is_admin"] == 1, "the first registrant gets is_admin 1"
        assert second.session.get("/auth/me").json()["is_admin"] == 0, "the second does not"

    def test_exactly_one_of_many_parallel_ones(self, start_server):
        server = start_server(operator=False)
        found = []
        threads = [
            threading.Thread(target=lambda: found.append(server.account().session.get("/auth/me").json()["is_admin"]))
            for _ in range(10)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(found) == [0] * 9 + [1], f"exactly one admin under parallel registration, got {found}"

    def test_nobody_else_when_the_operator_named_one(self, start_server):
        server = start_server(operator=False, admin={"emails": ["boss@example.com"]})
        assert server.account().session.get("/auth/me").json()["is_admin"] == 0, "the operator named another"
        boss = server.account(email="boss@example.com")
        assert boss.session.get("/auth/me").json()["is_admin"] == 1, "the named one is the admin"


class TestLogin:
    def test_it_answers_the_six_fields(self, account):
        answer = answers(account.login(), 200, "login")
        assert list(answer.json())[:6] == SIX, f"the same six, got {list(answer.json())}"
        assert answer.json()["user_id"] == account.id and answer.json()["email"] == account.email, show(answer)

    def test_the_email_has_no_case(self, server, account):
        answer = server.client().post(
            "/auth/login", json={"email": account.email.upper(), "password": account.password}
        )
        assert answer.status_code == 200, f"compared without case, {show(answer)}"

    def test_wrong_password_and_unknown_email_look_the_same(self, server, account):
        wrong = server.client().post("/auth/login", json={"email": account.email, "password": "wrong password"})
        unknown = server.client().post(
            "/auth/login", json={"email": "nobody-at-all@example.com", "password": "wrong password"}
        )
        refused(wrong, 401, LOGIN_FAILED, "a wrong password")
        assert wrong.content == unknown.content and wrong.status_code == unknown.status_code, (
            "nobody learns which accounts exist"
        )

    def test_a_disabled_account_is_told_so(self, server, account):
        server.operator.session.post(f"/admin/users/{account.id}/toggle-active")
        refused(account.login(), 403, "Account has been disabled", "a disabled account")

    def test_ten_failures_lock_the_door_for_a_while(self, server):
        victim, bystander = server.account(), server.account()
        for _ in range(10):
            answer = server.client().post("/auth/login", json={"email": victim.email, "password": "wrong password"})
            refused(answer, 401, LOGIN_FAILED, "the first ten")
        for password in ("wrong password", victim.password):
            answer = refused(
                server.client().post("/auth/login", json={"email": victim.email, "password": password}),
                429,
                "Too many failed logins",
                "after ten failures, the right password too",
            )
            assert 0 < int(answer.headers["Retry-After"]) <= 900, (
                f"within 15 minutes, got {answer.headers['Retry-After']}"
            )
        assert victim.session.get("/auth/me").status_code == 200, "sessions go on"
        assert bystander.login().status_code == 200, "other accounts are not touched"

    def test_unknown_and_known_accounts_take_equal_time(self, start_server):
        """With the real cost of a password, far above the noise of a request."""
        server = start_server(passwords={"cost": "interactive"})
        account = server.account()

        def median(email):
            times = []
            for _ in range(5):
                answer = server.client().post("/auth/login", json={"email": email, "password": "wrong password"})
                assert answer.status_code == 401, show(answer)
                times.append(answer.elapsed.total_seconds())
            return sorted(times)[2]

        known, unknown = median(account.email), median("nobody-at-all@example.com")
        assert unknown > known / 2, (
            f"an unknown account is not answered sooner, {unknown:.3f} s instead of {known:.3f} s"
        )

    def test_register_and_login_set_the_cookie(self, server, account):
        made = server.client().post("/auth/register", json=valid("cookie"))
        for answer in (made, account.login()):
            assert answer.cookies.get("tollhouse_session"), f"the cookie tollhouse_session is set, got {answer.headers}"

    def test_absent_fields_are_named(self, server):
        found = entries(server.client().post("/auth/login", json={}), "an empty object")
        assert found == [missing("email", {}), missing("password", {})], f"in field order, got {found}"


class TestJsonBodies:
    """The rules of section 1 for JSON bodies, shown on login."""

    def login(self, server, body, **headers):
        return server.client().post("/auth/login", data=body, headers=headers)

    @pytest.mark.parametrize(
        "content_type",
        [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/x-www-form-urlencoded",
            "text/plain",
            None,
            "nonsense",
            "multipart/form-data; boundary=x",
        ],
    )
    def test_the_content_type_does_not_matter(self, server, account, content_type):
        body = f'{{"email":"{account.email}","password":"{account.password}"}}'
        answer = self.login(server, body.encode(), **({"Content-Type": content_type} if content_type else {}))
        answers(answer, 200, f"read as JSON under {content_type}")

    @pytest.mark.parametrize(
        "body",
        [
            b"{",
            b"{]",
            b'{"email":}',
            b"nonsense",
            b'{"a":1}x',
            b'{"a":01}',
            b"{'a':1}",
            b"\x00",
            b'{"a":"\xff"}',
            b'{"a":NaN}',
            b'{"email":"a","email":"b"}',
            b"[" * 5000 + b"]" * 5000,
            b'{"a":"\\ud800"}',
        ],
    )
    def test_malformed_json_is_422(self, server, body):
        (entry,) = entries(self.login(server, body), f"{body[:30]!r}")
        assert entry["type"] == "json_invalid" and entry["msg"] == "JSON decode error" and entry["input"] == {}, (
            f"got {entry}"
        )
        assert entry["loc"][0] == "body" and isinstance(entry["loc"][1], int) and len(entry["loc"]) == 2, (
            f"loc holds the offset, got {entry}"
        )
        assert list(entry["ctx"]) == ["error"] and isinstance(entry["ctx"]["error"], str), (
            f"ctx.error says why, got {entry}"
        )

    def test_no_body_is_422(self, server):
        found = entries(self.login(server, b""), "no body")
        assert found == [{"type": "missing", "loc": ["body"], "msg": "Field required", "input": None}], f"got {found}"

    @pytest.mark.parametrize("body", [b"[]", b'"text"', b"7", b"null", b"true"])
    def test_another_json_value_is_422(self, server, body):
        found = entries(self.login(server, body), f"{body!r} is no object")
        assert found[0]["loc"][0] == "body", f"got {found}"

    def test_more_than_one_mebibyte_is_413(self, server):
        refused(
            self.login(server, b'{"email":"' + b"x" * (1024 * 1024) + b'"}'),
            413,
            "Request body too large",
            "over 1 MiB",
        )
        refused(
            self.login(server, iter([b'{"email":"'] + [b"x" * 65536] * 17 + [b'"}'])),
            413,
            "Request body too large",
            "over 1 MiB without Content-Length",
        )


class TestMe:
    def test_it_has_the_documented_members(self, account):
        answer = answers(account.session.get("/auth/me"), 200, "GET /auth/me")
        body = answer.json()
        assert list(body) == ["id", "email", "username", "credits", "created_at", "is_admin"], (
            f"in order, got {list(body)}"
        )
        assert (body["id"], body["email"], body["username"], body["credits"], body["is_admin"]) == (
            account.id,
            account.email,
            account.username,
            3.0,
            0,
        )
        assert TIME.match(body["created_at"]), f"got {body['created_at']}"


class TestLogout:
    def test_it_ends_one_session(self, server, account):
        second = server.client(account.login().json()["access_token"])
        answer = answers(account.session.post("/auth/logout"), 200, "logout")
        assert answer.json() == {"message": "Logged out successfully"}, show(answer)
        refused(account.session.get("/auth/me"), 401, "Could not validate credentials", "the ended session")
        assert second.get("/auth/me").status_code == 200, "the other session goes on"


class TestChanges:
    def test_email(self, server, account, other):
        assert answers(
            account.session.put("/auth/email", json={"email": "moved@example.com"}), 200, "email"
        ).json() == {"message": "Email updated successfully"}, "the documented message"
        refused(account.login(), 401, LOGIN_FAILED, "the old email is gone")
        account.email = "moved@example.com"
        assert account.login().status_code == 200, "the new one logs in"
        refused(
            account.session.put("/auth/email", json={"email": other.email.upper()}),
            400,
            "Email already registered",
            "somebody else's",
        )
        assert entries(account.session.put("/auth/email", json={"email": "bad"}), "a bad one")[0]["loc"] == [
            "body",
            "email",
        ]
        assert entries(account.session.put("/auth/email", json={}), "none") == [missing("email", {})]

    def test_username(self, account, other):
        assert answers(
            account.session.put("/auth/username", json={"username": " moved name "}), 200, "username"
        ).json() == {"message": "Username updated successfully"}, "the documented message"
        assert account.session.get("/auth/me").json()["username"] == "moved name", "trimmed"
        refused(
            account.session.put("/auth/username", json={"username": " x "}),
            400,
            "Username must be at least 2 characters",
            "too short",
        )
        refused(
            account.session.put("/auth/username", json={"username": other.username.upper()}),
            400,
            "Username already taken",
            "somebody else's",
        )
        assert entries(account.session.put("/auth/username", json={}), "none") == [missing("username", {})]
        value_error(
            account.session.put("/auth/username", json={"username": "x" * 65}), "body", "username", "x" * 65, "too long"
        )

    def test_ones_own_name_and_email_are_not_taken(self, account):
        assert account.session.put("/auth/username", json={"username": account.username.upper()}).status_code == 200, (
            "one's own in other case"
        )
        assert account.session.put("/auth/email", json={"email": account.email}).status_code == 200, "one's own email"

    def test_password(self, server, account):
        second = server.client(account.login().json()["access_token"])
        put = account.session.put
        refused(
            put("/auth/password", json={"current_password": "wrong", "new_password": "new password"}),
            400,
            "Current password is incorrect",
            "wrong",
        )
        refused(
            put("/auth/password", json={"current_password": account.password, "new_password": "short"}),
            400,
            "New password must be at least 6 characters",
            "too short",
        )
        key = account.key
        assert answers(
            put("/auth/password", json={"current_password": account.password, "new_password": "new password"}),
            200,
            "password",
        ).json() == {"message": "Password updated successfully"}, "the documented message"
        for client in (account.session, second):
            refused(
                client.get("/auth/me"), 401, "Could not validate credentials", "a password change ends all sessions"
            )
        assert server.client(key).get("/jobs").status_code == 200, "keys are no sessions"
        refused(account.login(), 401, LOGIN_FAILED, "the old password")
        account.password = "new password"
        assert account.login().status_code == 200, "the new password"


class TestDeletion:
    def test_it_needs_the_password(self, account):
        refused(
            account.session.delete("/auth/account", json={"password": "wrong"}),
            400,
            "Password is incorrect",
            "a wrong password",
        )
        assert entries(account.session.delete("/auth/account", json={}), "none") == [missing("password", {})]
        assert account.login().status_code == 200, "the account is still there"

    def test_everything_goes(self, start_server):
        server = start_server(stems={"max_concurrent_jobs": 1})
        account, witness = server.account(), server.account()
        before = server.files()
        done, key = account.finished(), account.key
        account.upload(content=audio.long_noise())
        account.upload()
        answer = answers(account.session.delete("/auth/account", json={"password": account.password}), 200, "delete")
        assert answer.json() == {"message": "Account deleted successfully"}, show(answer)
        refused(account.session.get("/auth/me"), 401, "User not found", "its session")
        refused(server.client(key).get(f"/jobs/{done['id']}"), 401, "Invalid API key", "its key")
        refused(account.login(), 401, LOGIN_FAILED, "its login")
        until(lambda: server.files() <= before, f"uploads and outputs go too, found {server.files() - before}", 60)
        assert witness.finished()["status"] == "completed", "open jobs were cancelled: the worker is free"
        again = server.account(email=account.email, username=account.username)
        assert again.id != account.id and again.jobs() == [] and len(again.history()) == 1, (
            "the email is free for a new, empty account"
        )

    def test_no_personal_data_stays(self, start_server, cluster):
        server = start_server()
        account = server.account(email="very.unusual.person@example.com", username="Very Unusual Person")
        account.failed()
        account.session.delete("/auth/account", json={"password": account.password})
        if cluster:
            dump = cluster.dump(server.database)
            assert b"very.unusual.person" not in dump and b"Very Unusual Person" not in dump, (
                "no personal data stays in the database"
            )
        listed = server.operator.session.get("/admin/users").text
        assert "very.unusual" not in listed and "Very Unusual" not in listed, "nor in the admin's list"
