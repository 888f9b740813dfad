"""Section 9: the default key of the old routes, and named keys."""

import re

import pytest

from support.checks import TIME, answers, entries, missing, refused, show, value_error
from support.clock import later
from support.polling import until

KEYS = ["id", "name", "prefix", "is_default", "created_at", "last_used_at", "expires_at"]
CREATED = KEYS[:2] + ["api_key"] + KEYS[2:]


class TestDefaultKey:
    def test_there_is_none_at_first(self, account):
        assert answers(account.session.get("/api-key"), 200, "GET /api-key").json() == {
            "api_key": None,
            "message": "No API key generated yet",
        }

    def test_it_is_shown_once_and_masked_after(self, account):
        answer = answers(account.session.post("/api-key/generate"), 200, "generate")
        key = answer.json()["api_key"]
        assert answer.json() == {"api_key": key, "message": "API key generated successfully"}, show(answer)
        shown = answers(account.session.get("/api-key"), 200, "GET /api-key").json()
        assert shown == {"api_key": f"{key[:7]}...{key[-4:]}", "message": "The full key is shown only once"}, (
            f"masked like sk_AbCd...wxyz, got {shown}"
        )

    def test_it_is_generated_only_once(self, account):
        key = account.key
        refused(
            account.session.post("/api-key/generate"),
            400,
            "API key already exists. Use regenerate endpoint to create a new one.",
            "twice",
        )
        assert account.server.client(key).get("/jobs").status_code == 200, "the first goes on"

    def test_regenerating_ends_the_old_one_at_once(self, server, account):
        keys = [account.key]
        for _ in range(3):
            answer = answers(account.session.post("/api-key/regenerate"), 200, "regenerate")
            assert answer.json()["message"] == "API key regenerated successfully", show(answer)
            refused(server.client(keys[-1]).get("/jobs"), 401, "Invalid API key", "the old key fails at once")
            keys.append(answer.json()["api_key"])
            assert server.client(keys[-1]).get("/jobs").status_code == 200, "the new key works at once"
        assert len(set(keys)) == 4, "never the same key"

    def test_regenerating_without_a_key_generates_one(self, account):
        answer = answers(account.session.post("/api-key/regenerate"), 200, "regenerate")
        assert answer.json()["message"] == "API key generated successfully", (
            f"generated if none existed, {show(answer)}"
        )

    def test_deleting(self, server, account):
        refused(account.session.delete("/api-key"), 404, "No API key to delete", "without a key")
        key = account.key
        assert answers(account.session.delete("/api-key"), 200, "delete").json() == {
            "message": "API key deleted successfully"
        }
        refused(server.client(key).get("/jobs"), 401, "Invalid API key", "a deleted key")
        refused(account.session.delete("/api-key"), 404, "No API key to delete", "twice")
        assert account.session.get("/api-key").json()["api_key"] is None, "there is none again"
        assert account.session.post("/api-key/generate").status_code == 200, "and a new one can be made"


class TestNamedKeys:
    def create(self, account, **body):
        return account.session.post("/api-key", json=body)

    def test_it_is_created_with_201_and_shown_once(self, server, account):
        answer = answers(self.create(account, name=" laptop "), 201, "POST /api-key")
        made = answer.json()
        assert list(made) == CREATED, f"the key object, api_key after name, got {list(made)}"
        assert made["name"] == "laptop" and made["prefix"] == made["api_key"][:7] and made["is_default"] is False, (
            f"got {made}"
        )
        assert made["last_used_at"] is None and made["expires_at"] is None and TIME.match(made["created_at"]), (
            f"got {made}"
        )
        listed = answers(account.session.get("/api-key/list"), 200, "list").json()["keys"]
        assert [list(key) for key in listed] == [KEYS], f"without the key itself, got {listed}"
        assert made["api_key"] not in account.session.get("/api-key/list").text, "the full key is shown only once"
        assert server.client(made["api_key"]).get("/jobs").status_code == 200, "it opens every either route"

    def test_the_list_is_newest_first_and_holds_the_default_key(self, account):
        for name in ("a", "b"):
            self.create(account, name=name)
        account.key
        keys = account.session.get("/api-key/list").json()["keys"]
        assert [(key["name"], key["is_default"]) for key in keys] == [("default", True), ("b", False), ("a", False)], (
            f"newest first, got {keys}"
        )

    def test_use_is_noted(self, server, account):
        made = self.create(account, name="used").json()
        server.client(made["api_key"]).get("/jobs")
        until(
            lambda: account.session.get("/api-key/list").json()["keys"][0]["last_used_at"],
            "last_used_at is set after use",
            30,
        )

    def test_names_are_unique_in_the_account(self, account, other):
        self.create(account, name="same")
        refused(self.create(account, name="same"), 400, "A key with this name already exists", "twice")
        assert self.create(other, name="same").status_code == 201, "another account may use it"

    @pytest.mark.parametrize("name", ["", "   ", "x" * 65, 7, None])
    def test_bad_names(self, account, name):
        found = entries(self.create(account, name=name), f"name {name!r}")
        assert [entry["loc"] for entry in found] == [["body", "name"]], f"1 to 64 after trimming, got {found}"

    def test_a_name_is_needed(self, account):
        assert entries(self.create(account), "no name") == [missing("name", {})]

    @pytest.mark.parametrize("days", [0, 3651, -1, 1.5, "x", True])
    def test_bad_expiry(self, account, days):
        found = entries(self.create(account, name="n", expires_in_days=days), f"expires_in_days {days!r}")
        assert [entry["loc"] for entry in found] == [["body", "expires_in_days"]], f"1 to 3650 or null, got {found}"

    def test_good_expiry(self, account):
        for days in (1, 3650):
            assert TIME.match(self.create(account, name=f"d{days}", expires_in_days=days).json()["expires_at"]), (
                f"{days} days"
            )
        assert self.create(account, name="never", expires_in_days=None).json()["expires_at"] is None, "null is never"

    def test_an_expired_key_is_invalid(self, start_server):
        environment = later(hours=25)
        server = start_server()
        account = server.account()
        key = self.create(account, name="short", expires_in_days=1).json()["api_key"]
        forever = self.create(account, name="long").json()["api_key"]
        assert server.client(key).get("/jobs").status_code == 200, "good for a day"
        server.restart(**environment)
        refused(server.client(key).get("/jobs"), 401, "Invalid API key", "an expired key")
        assert server.client(forever).get("/jobs").status_code == 200, "the other one goes on"

    def test_fifty_are_enough(self, account):
        for n in range(50):
            assert self.create(account, name=f"key {n}").status_code == 201, f"key {n}"
        refused(self.create(account, name="one more"), 400, "Too many API keys", "the 51st")

    def test_renaming(self, account):
        made, second = self.create(account, name="old").json(), self.create(account, name="second").json()
        answer = answers(account.session.patch(f"/api-key/{made['id']}", json={"name": "new"}), 200, "PATCH")
        assert list(answer.json()) == KEYS and answer.json()["name"] == "new" and answer.json()["id"] == made["id"], (
            show(answer)
        )
        refused(
            account.session.patch(f"/api-key/{second['id']}", json={"name": "new"}),
            400,
            "A key with this name already exists",
            "taken",
        )
        value_error(account.session.patch(f"/api-key/{made['id']}", json={"name": " "}), "body", "name", " ", "empty")
        assert account.session.patch(f"/api-key/{made['id']}", json={"name": "new"}).status_code == 200, (
            "its own name is free"
        )

    def test_regenerating(self, server, account):
        made = self.create(account, name="turn").json()
        answer = answers(account.session.post(f"/api-key/{made['id']}/regenerate"), 200, "regenerate")
        again = answer.json()
        assert list(again) == CREATED and (again["id"], again["name"]) == (made["id"], "turn"), (
            f"same id and name, {show(answer)}"
        )
        refused(server.client(made["api_key"]).get("/jobs"), 401, "Invalid API key", "the old one")
        assert server.client(again["api_key"]).get("/jobs").status_code == 200, "the new one"

    def test_deleting(self, server, account):
        made = self.create(account, name="gone").json()
        key = account.key
        assert answers(account.session.delete(f"/api-key/{made['id']}"), 200, "delete").json() == {
            "message": "API key deleted successfully"
        }
        refused(server.client(made["api_key"]).get("/jobs"), 401, "Invalid API key", "a deleted key")
        refused(account.session.delete(f"/api-key/{made['id']}"), 404, "API key not found", "twice")
        assert server.client(key).get("/jobs").status_code == 200, "the default key goes on"

    def test_deleting_the_default_key_keeps_the_named_ones(self, server, account):
        made = self.create(account, name="stays").json()
        account.key
        account.session.delete("/api-key")
        assert server.client(made["api_key"]).get("/jobs").status_code == 200, "named keys stay"
        assert [key["name"] for key in account.session.get("/api-key/list").json()["keys"]] == ["stays"]

    @pytest.mark.parametrize(
        "method, suffix, body", [("PATCH", "", {"name": "x"}), ("POST", "/regenerate", None), ("DELETE", "", None)]
    )
    @pytest.mark.parametrize("key_id", ["999999999", "nope", "0", "-1"])
    def test_unknown_ids_are_404(self, account, method, suffix, body, key_id):
        refused(
            account.session.request(method, f"/api-key/{key_id}{suffix}", json=body),
            404,
            "API key not found",
            f"{method} {key_id}",
        )

    def test_validation_comes_before_the_lookup(self, account):
        entries(account.session.patch("/api-key/999999999", json={"name": ""}), "validation before object lookup")


def test_every_key_has_its_own_random_part(account):
    keys = [account.session.post("/api-key", json={"name": f"n{n}"}).json()["api_key"] for n in range(20)]
    assert len({key[3:40] for key in keys}) == 20, "37 random characters"
    assert all(re.fullmatch(r"sk_[A-Za-z0-9_-]{43}", key) for key in keys), (
        f"sk_ and 43 url-safe characters, got {keys}"
    )
