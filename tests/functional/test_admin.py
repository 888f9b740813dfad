"""Section 11: what an admin sees and does, and that nobody else does."""

import pytest

from support.checks import TIME, answers, entries, refused, show

USER = ["id", "email", "username", "credits", "is_admin", "active", "created_at", "job_count"]
DETAIL = [
    "id",
    "email",
    "username",
    "credits",
    "is_admin",
    "active",
    "created_at",
    "updated_at",
    "jobs",
    "transactions",
]
JOB = ["id", "user_id", "username", "filename", "model", "status", "archived", "created_at", "completed_at"]


@pytest.fixture
def admin(server):
    return server.operator.session


def adjust(admin, account, **body):
    return admin.post(f"/admin/users/{account.id}/credits", json=body)


def test_only_admins_enter(server, account):
    for method, path in (
        ("GET", "/admin/users"),
        ("GET", f"/admin/users/{account.id}"),
        ("POST", f"/admin/users/{account.id}/credits"),
        ("POST", f"/admin/users/{account.id}/toggle-active"),
        ("GET", "/admin/jobs"),
        ("POST", "/admin/jobs/x/archive"),
        ("DELETE", "/admin/jobs/x"),
    ):
        refused(
            account.session.request(method, path, json={"amount": 1}), 403, "Admin access required", f"{method} {path}"
        )
    assert account.credits() == 3.0, "nothing happened"


def test_a_key_of_an_admin_is_no_session(server):
    refused(server.operator.api.get("/admin/users"), 401, "Could not validate credentials", "the admin's key")


class TestUsers:
    def test_the_list(self, admin, account):
        account.failed()
        answer = answers(admin.get("/admin/users"), 200, "users")
        users = answer.json()["users"]
        assert all(list(user) == USER for user in users), f"members in order, got {list(users[0])}"
        (user,) = [user for user in users if user["id"] == account.id]
        assert {**user, "created_at": ""} == {
            "id": account.id,
            "email": account.email,
            "username": account.username,
            "credits": 3.0,
            "is_admin": 0,
            "active": 1,
            "created_at": "",
            "job_count": 1,
        }, f"got {user}"

    def test_it_pages(self, server, admin):
        for _ in range(4):
            server.account()
        whole = [user["id"] for user in admin.get("/admin/users?limit=500").json()["users"]]
        path, seen = "/admin/users?limit=2", []
        while path:
            answer = answers(admin.get(path), 200, path)
            seen += [user["id"] for user in answer.json()["users"]]
            path = answer.links.get("next", {}).get("url")
        assert seen == whole and len(set(seen)) == len(seen), "Link next leads through all users, each once"
        for limit in ("0", "501", "x"):
            assert entries(admin.get(f"/admin/users?limit={limit}"), f"limit={limit}")[0]["loc"] == ["query", "limit"]

    def test_one_user(self, admin, account):
        job = account.failed()
        answer = answers(admin.get(f"/admin/users/{account.id}"), 200, "one user")
        user = answer.json()
        assert list(user) == DETAIL and TIME.match(user["updated_at"]), f"members in order, got {list(user)}"
        assert user["jobs"] == [
            {
                "id": job["id"],
                "filename": "bad.mp3",
                "model": "htdemucs",
                "status": "failed",
                "archived": 0,
                "created_at": job["created_at"],
            }
        ], f"got {user['jobs']}"
        assert [list(row) for row in user["transactions"]] == [
            ["id", "amount", "description", "balance_after", "created_at"]
        ] * 3, f"got {user}"
        assert [row["amount"] for row in user["transactions"]] == [1.0, -1.0, 3.0], "newest first"

    @pytest.mark.parametrize("user_id", ["999999999", "0", "-1", "99999999999999999999999"])
    def test_an_unknown_user_is_404(self, admin, user_id):
        answer = admin.get(f"/admin/users/{user_id}")
        assert answer.status_code in (404, 422), show(answer)
        if user_id == "999999999":
            refused(answer, 404, "User not found", "an unknown user")
            refused(
                admin.post(f"/admin/users/{user_id}/credits", json={"amount": 1}),
                404,
                "User not found",
                "credits of an unknown user",
            )
            refused(
                admin.post(f"/admin/users/{user_id}/toggle-active"), 404, "User not found", "toggle of an unknown user"
            )


class TestCredits:
    def test_an_adjustment_is_booked(self, server, admin, account):
        answer = answers(adjust(admin, account, amount=2.5, description="a present"), 200, "adjust")
        assert answer.json() == {"success": True, "new_balance": 5.5}, show(answer)
        row = account.history()[0]
        assert (row["amount"], row["balance_after"], row["description"], row["reference"]) == (
            2.5,
            5.5,
            "a present",
            f"admin:{server.operator.id}",
        ), f"{row}"
        adjust(admin, account, amount=-5.5)
        row = account.history()[0]
        assert (row["amount"], row["balance_after"], row["description"]) == (-5.5, 0.0, "Admin credit adjustment"), (
            f"the default description, got {row}"
        )

    def test_a_form_does_too(self, admin, account):
        answer = admin.post(f"/admin/users/{account.id}/credits", data={"amount": "1.25", "description": "by form"})
        assert answers(answer, 200, "urlencoded").json()["new_balance"] == 4.25, show(answer)
        answer = admin.post(
            f"/admin/users/{account.id}/credits",
            files={"amount": (None, "1.25"), "description": (None, "by multipart")},
        )
        assert answers(answer, 200, "multipart").json()["new_balance"] == 5.5, show(answer)

    def test_amounts_are_exact(self, admin, account):
        for amount in (0.1, 0.2, 0.000001, -0.300001):
            adjust(admin, account, amount=amount)
        assert account.credits() == 3.0, "micro-credits, not floating point"
        answer = adjust(admin, account, amount=0.000001)
        assert answer.json()["new_balance"] == 3.000001 and "3.000001" in answer.text, (
            f"one to six decimals, {show(answer)}"
        )

    def test_nobody_goes_below_zero(self, admin, account):
        refused(adjust(admin, account, amount=-3.000001), 400, "Balance cannot go below zero", "more than there is")
        assert account.credits() == 3.0 and len(account.history()) == 1, "nothing happened"

    @pytest.mark.parametrize(
        "amount",
        [
            "0",
            "0.0",
            "NaN",
            "Infinity",
            "-Infinity",
            "1e10",
            "1000000001",
            "-1000000001",
            "0.0000001",
            "abc",
            "",
            "1,5",
            "0x10",
        ],
    )
    def test_other_amounts_are_422(self, admin, account, amount):
        for options in ({"data": {"amount": amount}}, {"json": {"amount": amount}}):
            found = entries(admin.post(f"/admin/users/{account.id}/credits", **options), f"amount {amount!r}")
            assert found[0]["loc"] == ["body", "amount"], f"amount {amount!r}, got {found}"
        assert account.credits() == 3.0, "nothing happened"

    def test_json_numbers_beyond_numbers_are_422(self, admin, account):
        for text in ("NaN", "Infinity", "1e400", "true", "null", "[1]", "0"):
            entries(
                admin.post(
                    f"/admin/users/{account.id}/credits",
                    data=f'{{"amount":{text}}}',
                    headers={"Content-Type": "application/json"},
                ),
                text,
            )
        entries(admin.post(f"/admin/users/{account.id}/credits", json={}), "no amount")
        assert account.credits() == 3.0, "nothing happened"

    def test_the_largest_amount(self, admin, account):
        answer = answers(adjust(admin, account, amount=1000000000), 200, "1e9")
        assert answer.json()["new_balance"] == 1000000003.0, show(answer)


class TestToggle:
    def test_it_binds_keys_and_sessions_at_once_and_back(self, admin, account):
        key = account.api
        answer = answers(admin.post(f"/admin/users/{account.id}/toggle-active"), 200, "off")
        assert answer.json() == {"success": True, "active": 0}, show(answer)
        refused(key.get("/jobs"), 403, "Account has been disabled", "the key")
        refused(account.session.get("/jobs"), 403, "Account has been disabled", "the session")
        answer = answers(admin.post(f"/admin/users/{account.id}/toggle-active"), 200, "on")
        assert answer.json() == {"success": True, "active": 1}, show(answer)
        assert key.get("/jobs").status_code == 200 and account.login().status_code == 200, "key and login work again"
        refused(
            account.session.get("/auth/me"),
            401,
            "Could not validate credentials",
            "disabling ended the old sessions for good",
        )

    def test_admins_are_not_disabled(self, server, admin):
        refused(
            admin.post(f"/admin/users/{server.operator.id}/toggle-active"),
            400,
            "Cannot disable admin accounts",
            "an admin",
        )


class TestJobs:
    def test_the_list(self, admin, account):
        job = account.failed()
        found = answers(admin.get("/admin/jobs"), 200, "jobs").json()["jobs"]
        assert all(list(entry) == JOB for entry in found), f"members in order, got {list(found[0])}"
        (entry,) = [entry for entry in found if entry["id"] == job["id"]]
        assert entry == {
            "id": job["id"],
            "user_id": account.id,
            "username": account.username,
            "filename": "bad.mp3",
            "model": "htdemucs",
            "status": "failed",
            "archived": 0,
            "created_at": job["created_at"],
            "completed_at": job["completed_at"],
        }, f"got {entry}"

    def test_it_pages(self, admin, account):
        ids = [account.failed()["id"] for _ in range(3)]
        answer = admin.get("/admin/jobs?limit=1")
        assert [entry["id"] for entry in answer.json()["jobs"]] == [ids[2]], "newest first"
        path, seen = "/admin/jobs?limit=2", []
        while path and len(seen) < 1000:
            answer = answers(admin.get(path), 200, path)
            seen += [entry["id"] for entry in answer.json()["jobs"]]
            path = answer.links.get("next", {}).get("url")
        assert set(ids) <= set(seen) and len(seen) == len(set(seen)), "every job once"

    def test_archiving_takes_the_files_and_keeps_the_row(self, server, admin, account):
        job = account.finished()
        answer = answers(admin.post(f"/admin/jobs/{job['id']}/archive"), 200, "archive")
        assert answer.json() == {"success": True, "archived": True}, show(answer)
        for path in (
            f"/download/{job['id']}",
            f"/download/{job['id']}/vocals.wav",
            f"/download/{job['id']}/nope",
            f"/jobs/{job['id']}/stems",
        ):
            refused(account.api.get(path), 410, "Files of this job have been deleted", path)
        again = account.job(job["id"])
        assert (again["status"], again["download_url"], again["stems"]) == ("completed", None, []), (
            f"the row stays, got {again}"
        )
        assert [entry["archived"] for entry in admin.get("/admin/jobs").json()["jobs"] if entry["id"] == job["id"]] == [
            1
        ], "archived is shown"
        refused(admin.post("/admin/jobs/nope/archive"), 404, "Job not found", "an unknown job")

    def test_archiving_open_work_cancels_it(self, busy):
        account = busy.account()
        job = account.upload()
        assert busy.operator.session.post(f"/admin/jobs/{job['id']}/archive").status_code == 200, "archive"
        assert account.job(job["id"])["status"] == "cancelled" and account.credits() == 3.0, "cancelled, credit back"
        refused(
            account.session.post(f"/jobs/{job['id']}/retry"),
            410,
            "The upload of this job has been deleted",
            "its upload is gone",
        )

    def test_deleting_is_as_the_owners(self, busy):
        account = busy.account()
        job = account.upload()
        answer = answers(busy.operator.session.delete(f"/admin/jobs/{job['id']}"), 200, "delete")
        assert answer.json() == {"success": True, "deleted": True}, show(answer)
        refused(account.session.get(f"/jobs/{job['id']}"), 404, "Job not found", "gone at once")
        assert account.credits() == 3.0, "the open hold is released"
        refused(busy.operator.session.delete(f"/admin/jobs/{job['id']}"), 404, "Job not found", "twice")
