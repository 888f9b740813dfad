"""Section 10: credits, their history, and buying them."""

import threading

import pytest

from support import audio
from support.checks import TIME, answers, entries, refused, show
from support.square import SETTINGS, TOKEN

ROW = ["id", "user_id", "amount", "balance_after", "description", "reference", "created_at"]
PACKAGES = [("starter", "Starter", 5.0, 100), ("popular", "Popular", 25.0, 400), ("pro", "Pro", 100.0, 1500)]


def buy(account, package="popular", nonce="cnon:card-nonce-ok", **options):
    return account.session.post("/credits/purchase", json={"package": package, "payment_nonce": nonce}, **options)


def sums_up(account):
    """Every balance is the sum of what led to it."""
    balance = 0.0
    for row in reversed(account.history()):
        balance = round(balance + row["amount"], 6)
        assert row["balance_after"] == balance, f"balance_after is exact in every row, got {row} after {balance}"
    assert account.credits() == balance, "the balance is the sum of the history"


class TestBalance:
    def test_it_has_the_documented_members(self, account):
        answer = answers(account.session.get("/credits/balance"), 200, "balance")
        assert answer.json() == {"credits": 3.0, "user_id": account.id} and list(answer.json()) == [
            "credits",
            "user_id",
        ], show(answer)
        assert b"3.0" in answer.content, "printed with at least one decimal"

    def test_open_holds_are_taken_off(self, busy):
        account = busy.account()
        account.upload()
        assert account.credits() == 2.0, "a hold is not available"


class TestHistory:
    def test_it_tells_what_changed_the_balance(self, account):
        done, failed = account.finished(), account.failed()
        rows = account.history()
        assert all(list(row) == ROW for row in rows), f"members in order, got {list(rows[0])}"
        told = [(row["amount"], row["balance_after"], row["description"], row["reference"]) for row in rows]
        assert told == [
            (1.0, 2.0, "Refund: Audio separation job", failed["id"]),
            (-1.0, 1.0, "Audio separation job", failed["id"]),
            (-1.0, 2.0, "Audio separation job", done["id"]),
            (3.0, 3.0, "Welcome bonus - 3 free credits", "registration"),
        ], f"holds and releases, newest first, no captures, got {told}"
        assert all(TIME.match(row["created_at"]) and row["user_id"] == account.id for row in rows), f"got {rows}"

    def test_balances_are_sums_after_everything(self, busy):
        account = busy.account(credits=5)
        for _ in range(3):
            job = account.upload()["id"]
            account.session.post(f"/jobs/{job}/cancel")
            account.session.post(f"/jobs/{job}/retry")
        busy.release()
        for job in account.jobs():
            account.wait(job["id"])
        account.failed()
        assert account.credits() == 2.0, "three completed jobs cost three credits, whatever the number of retries"
        sums_up(account)

    def test_pages_join(self, server):
        account = server.account()
        for n in range(12):
            server.operator.session.post(
                f"/admin/users/{account.id}/credits", json={"amount": 1, "description": f"gift {n}"}
            )
        whole = [row["id"] for row in account.history()]
        assert len(whole) == 13 and whole == sorted(whole, reverse=True), f"newest first, got {whole}"
        path, seen = "/credits/history?limit=5", []
        while path:
            answer = answers(account.session.get(path), 200, path)
            seen += [row["id"] for row in answer.json()["transactions"]]
            path = answer.links.get("next", {}).get("url")
        assert seen == whole, "Link next leads through all of it"
        page = account.session.get("/credits/history", params={"limit": 2, "before": whole[3]}).json()["transactions"]
        assert [row["id"] for row in page] == whole[4:6], "before is the last id one has seen"

    @pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "201"}, {"limit": "x"}, {"before": "x"}])
    def test_bad_values_are_422(self, account, query):
        ((field, value),) = query.items()
        found = entries(account.session.get("/credits/history", params=query), f"{query}")
        assert [(entry["loc"], entry["input"]) for entry in found] == [(["query", field], value)], f"got {found}"


class TestPackages:
    def test_the_default_price_list(self, server):
        answer = answers(server.client().get("/credits/packages"), 200, "no login needed")
        packages = answer.json()["packages"]
        assert all(list(package) == ["id", "name", "credits", "price_cents", "currency"] for package in packages), (
            f"members in order, got {packages}"
        )
        told = [(package["id"], package["name"], package["credits"], package["price_cents"]) for package in packages]
        assert told == PACKAGES and {package["currency"] for package in packages} == {"USD"}, (
            f"Starter, Popular, Pro, got {packages}"
        )

    def test_without_a_provider_nothing_is_sold(self, server, account):
        refused(
            server.client().get("/credits/square-config"), 503, "Payment processing not configured", "square-config"
        )
        refused(buy(account), 503, "Payment processing not configured", "purchase")


class TestPurchase:
    def test_the_public_settings_are_public(self, shop):
        answer = answers(shop.client().get("/credits/square-config"), 200, "square-config")
        assert answer.json() == {"application_id": "sandbox-app", "location_id": "LOC1", "environment": "sandbox"}, (
            show(answer)
        )
        assert TOKEN not in answer.text, "the access token is a secret"

    @pytest.mark.parametrize(
        "package, credits, price, text",
        [
            ("starter", 5.0, 100, "Credit purchase - 5 credits for $1.00"),
            ("popular", 25.0, 400, "Credit purchase - 25 credits for $4.00"),
            ("pro", 100.0, 1500, "Credit purchase - 100 credits for $15.00"),
        ],
    )
    def test_a_package_costs_what_the_list_says(self, shop, square, package, credits, price, text):
        account = shop.account()
        answer = answers(buy(account, package), 200, "purchase")
        body = answer.json()
        assert list(body) == ["message", "credits", "amount_added", "payment_id"], f"members in order, got {list(body)}"
        assert (body["message"], body["credits"], body["amount_added"]) == (
            "Credits purchased successfully",
            3.0 + credits,
            credits,
        ), show(answer)
        (payment,) = square.payments
        assert (
            payment["amount_money"] == {"amount": price, "currency": "USD"} and payment["id"] == body["payment_id"]
        ), f"the provider took {payment}"
        row = account.history()[0]
        assert (row["amount"], row["description"], row["reference"]) == (credits, text, payment["id"]), (
            f"the history says so, got {row}"
        )
        sums_up(account)

    def test_the_old_body_buys_only_packages(self, shop, square):
        account = shop.account()
        answer = account.session.post(
            "/credits/purchase", json={"amount": 25, "price": 0.01, "payment_nonce": "cnon:ok"}
        )
        assert answers(answer, 200, "the old body").json()["amount_added"] == 25.0, show(answer)
        assert square.payments[0]["amount_money"]["amount"] == 400, "the client's price is ignored"
        for amount in (0, -5):
            refused(
                account.session.post(
                    "/credits/purchase", json={"amount": amount, "price": 1, "payment_nonce": "cnon:ok"}
                ),
                400,
                "Amount must be positive",
                f"amount {amount}",
            )
        for amount in (7, 1000000, 5.5):
            refused(
                account.session.post(
                    "/credits/purchase", json={"amount": amount, "price": 1, "payment_nonce": "cnon:ok"}
                ),
                400,
                "Unknown credit package",
                f"amount {amount}",
            )
        assert len(square.payments) == 1 and account.credits() == 28.0, "nothing else was sold"

    def test_refusals(self, shop, square):
        account = shop.account()
        refused(buy(account, "free"), 400, "Unknown credit package", "an unknown package")
        refused(buy(account, nonce=""), 400, "Payment token is required", "an empty token")
        refused(
            account.session.post("/credits/purchase", json={"package": "starter"}),
            400,
            "Payment token is required",
            "no token",
        )
        answer = refused(buy(account, nonce="cnon:declined"), 400, "Payment failed: CARD_DECLINED", "a declined card")
        assert "bank" not in answer.text, "the provider's words stay inside"
        assert account.credits() == 3.0 and len(account.history()) == 1 and square.payments == [], "nothing is sold"

    @pytest.mark.parametrize("nonce", ["cnon:broken", "cnon:garbage", "cnon:cut"])
    def test_a_provider_in_trouble_is_502(self, shop, nonce):
        account = shop.account()
        refused(buy(account, nonce=nonce), 502, "Payment processing error", nonce)
        assert account.credits() == 3.0, "nothing is credited"

    def test_a_provider_that_is_gone_is_502(self, start_server):
        account = start_server(payments={**SETTINGS, "square_base_url": "http://127.0.0.1:9"}).account()
        refused(buy(account), 502, "Payment processing error", "nobody listens")

    def test_one_payment_is_credited_once(self, shop, square):
        account = shop.account()
        key = {"Idempotency-Key": "one-purchase"}
        first, second = buy(account, headers=key), buy(account, headers=key)
        assert (first.status_code, second.status_code) == (200, 200) and first.json() == second.json(), (
            f"the stored answer, {show(second)}"
        )
        assert second.headers.get("Idempotency-Replayed") == "true", f"and says so, got {second.headers}"
        assert len(square.payments) == 1 and account.credits() == 28.0, "one payment, one credit"

    def test_a_token_spent_twice_credits_once(self, shop, square):
        """Two parallel clicks with one payment token: however often the request repeats, a payment is credited once."""
        account = shop.account()
        found = []
        threads = [
            threading.Thread(
                target=lambda: found.append(
                    shop.client(account.token).post(
                        "/credits/purchase", json={"package": "starter", "payment_nonce": "cnon:same"}
                    )
                )
            )
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert account.credits() == 3.0 + 5.0 * len(square.payments), (
            f"credits follow payments, got {account.credits()} for {len(square.payments)}"
        )
        references = [row["reference"] for row in account.history()]
        assert len(references) == len(set(references)), f"no payment is credited twice, got {references}"

    def test_bought_credits_can_be_spent(self, shop):
        account = shop.account()
        shop.set_credits(account, 0)
        assert account.session.upload().status_code == 402, "nothing to spend"
        buy(account, "starter")
        assert account.finished()["status"] == "completed" and account.credits() == 4.0, "one of five is spent"


def test_ten_parallel_uploads_on_three_credits(busy):
    account = busy.account()
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(busy.client(account.token).upload("song.wav", audio.song())))
        for _ in range(10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in found) == [200] * 3 + [402] * 7, (
        f"exactly three 200 and seven 402, got {[show(a) for a in found]}"
    )
    assert account.credits() == 0.0 and len(account.jobs()) == 3, "three jobs, nothing below zero"
    sums_up(account)
