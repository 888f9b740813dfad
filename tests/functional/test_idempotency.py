"""Section 1, Idempotency-Key: the same request twice has one effect and one answer."""

import threading

import pytest

from support import audio, raw
from support.checks import answers, refused, show
from support.clock import later
from support.polling import until
from support.raw import FORM, RawConnection, file_field, form

OTHER = "Idempotency-Key was used with another request"


def key(value):
    return {"Idempotency-Key": value}


def replayed(answer, promise):
    assert answer.headers.get("Idempotency-Replayed") == "true", (
        f"{promise}: a stored answer says Idempotency-Replayed: true, got {answer.headers}"
    )
    return answer


def fresh(answer, promise):
    assert "Idempotency-Replayed" not in answer.headers, f"{promise}: a first answer is no replay, got {answer.headers}"
    return answer


class TestUpload:
    def test_the_same_upload_is_answered_again_and_not_repeated(self, account):
        first = fresh(answers(account.session.upload(headers=key("a")), 200, "first"), "first")
        account.wait(first.json()["id"])
        second = replayed(answers(account.session.upload(headers=key("a")), 200, "second"), "second")
        assert second.content == first.content, f"the stored answer, {show(second)} instead of {show(first)}"
        assert len(account.jobs()) == 1 and account.credits() == 2.0, "no new effect"

    def test_even_when_the_balance_is_zero_now(self, server):
        account = server.account(credits=1)
        first = account.session.upload(headers=key("last"))
        assert account.credits() == 0.0, "the last credit"
        second = answers(account.session.upload(headers=key("last")), 200, "a replay at 0")
        assert replayed(second, "at 0").json() == first.json(), show(second)
        assert account.session.upload(headers=key("new")).status_code == 402, "a new one is refused"

    def test_key_and_session_share_the_scope_of_the_account(self, account):
        first = account.session.upload(headers=key("shared"))
        assert replayed(account.api.upload(headers=key("shared")), "by key").json() == first.json(), (
            "the scope is the account"
        )

    def test_boundaries_and_field_order_do_not_matter(self, account):
        one = form(raw.text_field("stem_count", "2"), file_field(audio.song()))
        two = form(file_field(audio.song()), raw.text_field("stem_count", "2")).replace(
            raw.BOUNDARY.encode(), b"another"
        )
        first = account.session.post("/upload", data=one, headers={"Content-Type": FORM, **key("b")})
        second = account.session.post(
            "/upload", data=two, headers={"Content-Type": "multipart/form-data; boundary=another", **key("b")}
        )
        assert replayed(answers(second, 200, "other bytes, same upload"), "other bytes").json() == first.json(), show(
            second
        )

    @pytest.mark.parametrize(
        "change", [{"name": "other.wav"}, {"content": audio.song()[:-4]}, {"fields": {"stem_count": "2"}}]
    )
    def test_another_upload_under_the_same_key_is_422(self, account, change):
        account.session.upload(headers=key("c"))
        refused(account.session.upload(**change, headers=key("c")), 422, OTHER, f"{list(change)} differs")
        assert len(account.jobs()) == 1 and account.credits() == 2.0, "no effect"

    def test_a_refused_upload_frees_the_key(self, server):
        account = server.account(credits=0)
        assert account.session.upload(headers=key("d")).status_code == 402, "no credits"
        server.set_credits(account, 1)
        fresh(answers(account.session.upload(headers=key("d")), 200, "after the credit came"), "not a replay")
        server.set_credits(account, 1)
        assert account.session.upload(fields={"model": "nope"}, headers=key("e")).status_code == 422, "a bad value"
        assert account.session.upload(headers=key("e")).status_code == 200, "the key is free for another request"

    def test_while_the_first_one_runs_it_is_409(self, account):
        body = form(file_field(audio.song()))
        with RawConnection(account.server) as wire:
            wire.send(
                raw.request(
                    "POST",
                    "/upload",
                    {
                        "Authorization": f"Bearer {account.token}",
                        "Content-Type": FORM,
                        "Content-Length": str(len(body)),
                        "Expect": "100-continue",
                        **key("f"),
                    },
                )
            )
            assert wire.response(timeout=5).status == 100, "the first one has begun"
            wire.send(body[:1000])
            refused(
                account.session.upload(headers=key("f")),
                409,
                "A request with this Idempotency-Key is in progress",
                "the second, meanwhile",
            )
            wire.send(body[1000:])
            assert wire.response().status == 200, "the first one goes on"
        replayed(account.session.upload(headers=key("f")), "the third")
        assert len(account.jobs()) == 1, "one job"

    def test_a_broken_connection_frees_the_key(self, account):
        body = form(file_field(audio.song()))
        with RawConnection(account.server) as wire:
            wire.send(
                raw.request(
                    "POST",
                    "/upload",
                    {
                        "Authorization": f"Bearer {account.token}",
                        "Content-Type": FORM,
                        "Content-Length": str(len(body)),
                        **key("g"),
                    },
                )
                + body[:1000]
            )
            wire.abort()
        until(
            lambda: account.session.upload(headers=key("g")).status_code == 200,
            "the key is free after its client went away",
            30,
        )
        assert len(account.jobs()) == 1, "one job"

    def test_many_at_once_make_one_job(self, account):
        found = []
        threads = [
            threading.Thread(target=lambda: found.append(account.server.client(account.token).upload(headers=key("h"))))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {answer.status_code for answer in found} <= {200, 409}, (
            f"200 or 409, got {[show(answer) for answer in found]}"
        )
        assert len(account.jobs()) == 1 and account.credits() == 2.0, "one job, one credit"

    def test_a_replay_survives_a_restart(self, start_server):
        server = start_server()
        account = server.account()
        first = account.session.upload(headers=key("i"))
        server.restart(kill=True)
        second = replayed(account.session.upload(headers=key("i")), "after kill -9")
        assert second.json() == first.json() and len(account.jobs()) == 1, show(second)

    def test_a_day_later_the_key_is_new(self, start_server):
        environment = later(hours=25)
        server = start_server()
        account = server.account()
        account.session.upload(headers=key("j"))
        server.restart(**environment)
        fresh(answers(account.session.upload(headers=key("j")), 200, "25 hours later"), "kept for 24 hours")
        assert len(account.jobs()) == 2, "a second job"


class TestTheKeyItself:
    @pytest.mark.parametrize("value", ["x" * 256, "", "tab\there", '""'])
    def test_bad_keys_are_400(self, account, value):
        refused(account.session.upload(headers=key(value)), 400, "Invalid Idempotency-Key", f"{value[:20]!r}")

    def test_bytes_beyond_ascii_are_400(self, account):
        refused(account.session.upload(headers=key("schlüssel".encode())), 400, "Invalid Idempotency-Key", "not ASCII")

    @pytest.mark.parametrize("value", ["x" * 255, "!~ with spaces ~!", "x"])
    def test_good_keys(self, account, value):
        answers(account.session.upload(headers=key(value)), 200, "1 to 255 printable ASCII characters")

    def test_quoted_and_bare_are_one(self, account):
        first = account.session.upload(headers=key("quoted"))
        assert replayed(account.session.upload(headers=key('"quoted"')), "quoted").json() == first.json(), (
            "quoted or bare"
        )

    def test_accounts_do_not_share_keys(self, account, other):
        mine, theirs = account.session.upload(headers=key("same")), other.session.upload(headers=key("same"))
        assert fresh(theirs, "another account").json()["id"] != mine.json()["id"], "the scope is the account"

    def test_paths_do_not_share_keys(self, account):
        account.session.upload(headers=key("path"))
        fresh(
            answers(account.session.post("/api-key", json={"name": "n"}, headers=key("path")), 201, "another path"),
            "another path",
        )


class TestOtherRoutes:
    def test_cancel_and_retry(self, busy):
        account = busy.account()
        job = account.upload()["id"]
        first = answers(account.session.post(f"/jobs/{job}/cancel", headers=key("a")), 200, "cancel")
        second = replayed(
            answers(account.session.post(f"/jobs/{job}/cancel", headers=key("a")), 200, "again"), "cancel"
        )
        assert second.content == first.content, "the stored answer instead of 409"
        first = answers(account.session.post(f"/jobs/{job}/retry", headers=key("a")), 200, "retry")
        second = replayed(answers(account.session.post(f"/jobs/{job}/retry", headers=key("a")), 200, "again"), "retry")
        assert second.content == first.content and account.credits() == 2.0, "one new hold"

    def test_register(self, server):
        body = {"email": "again@example.com", "username": "again", "password": "correct horse"}
        first = answers(server.client().post("/auth/register", json=body, headers=key("r1")), 200, "register")
        second = replayed(
            answers(server.client().post("/auth/register", json=body, headers=key("r1")), 200, "again"), "register"
        )
        assert second.json()["user_id"] == first.json()["user_id"] and second.json()["credits"] == 3.0, show(second)
        token = second.json()["access_token"]
        if token is not None:
            assert server.client(token).get("/auth/me").json()["id"] == first.json()["user_id"], (
                "a replayed token is newly issued and good"
            )
        refused(
            server.client().post("/auth/register", json={**body, "password": "another one"}, headers=key("r1")),
            422,
            OTHER,
            "another body",
        )

    def test_a_stranger_learns_nothing_from_a_used_register_key(self, server):
        body = {"email": "victim@example.com", "username": "victim", "password": "correct horse"}
        server.client().post("/auth/register", json=body, headers=key("r2"))
        answer = server.client().post("/auth/register", json={**body, "email": "thief@example.com"}, headers=key("r2"))
        assert "access_token" not in answer.text, f"no token for another request, {show(answer)}"

    @pytest.mark.parametrize(
        "path, body", [("/api-key/generate", None), ("/api-key/regenerate", None), ("/api-key", {"name": "n"})]
    )
    def test_keys_are_made_once_and_never_kept(self, account, path, body):
        first = account.session.post(path, json=body, headers=key("k"))
        second = replayed(account.session.post(path, json=body, headers=key("k")), path)
        assert second.status_code == first.status_code, f"the stored status, {show(second)}"
        secret = first.json()["api_key"]
        assert secret not in second.text, f"secrets are never kept: a replayed key is masked, {show(second)}"
        assert account.server.client(secret).get("/jobs").status_code == 200, (
            "the first key still works: nothing was made anew"
        )
        assert len(account.session.get("/api-key/list").json()["keys"]) == 1, "one key"

    def test_regenerating_a_named_key(self, account):
        made = account.session.post("/api-key", json={"name": "n"}).json()
        path = f"/api-key/{made['id']}/regenerate"
        first = account.session.post(path, headers=key("k"))
        second = replayed(account.session.post(path, headers=key("k")), path)
        assert (
            first.json()["api_key"] not in second.text
            and account.server.client(first.json()["api_key"]).get("/jobs").status_code == 200
        ), show(second)

    def test_admin_credits(self, server, account):
        path, body = f"/admin/users/{account.id}/credits", {"amount": 5}
        for n in range(3):
            answer = answers(server.operator.session.post(path, json=body, headers=key("grant")), 200, f"try {n}")
            assert answer.json() == {"success": True, "new_balance": 8.0}, show(answer)
        assert account.credits() == 8.0, "granted once"
        refused(
            server.operator.session.post(path, json={"amount": 6}, headers=key("grant")), 422, OTHER, "another amount"
        )

    def test_get_ignores_it(self, account):
        fresh(answers(account.session.get("/jobs", headers=key("g")), 200, "GET"), "GET")
