"""Section 12: pages, the queue, restarts, crashes, retention, and starts that must not happen."""

import contextlib
import re
import signal
import time

import pytest
import requests

from support import audio, raw
from support.checks import NINE, answers, is_job, refused, show
from support.clock import later
from support.polling import until
from support.raw import FORM, RawConnection, file_field, form

SERVICE = {
    "service": "Mux Minus Audio Separation API",
    "status": "running",
    "version": "2.0.0",
    "features": ["authentication", "credit_system", "job_tracking"],
}


class TestPages:
    def test_the_service_describes_itself(self, server):
        answer = answers(server.client().get("/api"), 200, "GET /api")
        assert answer.json() == SERVICE and list(answer.json()) == list(SERVICE), show(answer)

    def test_the_reference_turns_browsers_to_the_login(self, server):
        answer = server.client().get("/api-docs", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
        assert answer.status_code == 302 and answer.headers["Location"] == "/login?next=/api-docs", (
            f"a browser goes to the login, {show(answer)}"
        )
        assert "/upload" not in answer.text, "no reference text"

    @pytest.mark.parametrize("accept", ["*/*", "application/json", None])
    def test_the_reference_refuses_other_clients(self, server, accept):
        answer = server.client(Accept=accept).get("/api-docs")
        refused(answer, 401, "Not authenticated", f"Accept: {accept}")

    def test_the_reference_opens_to_token_key_and_cookie(self, server, account):
        cookie = account.login().cookies["tollhouse_session"]
        for name, client in (
            ("JWT", account.session),
            ("key", account.api),
            ("cookie", server.client(Cookie=f"tollhouse_session={cookie}")),
        ):
            answer = answers(client.get("/api-docs", headers={"Accept": "text/html"}), 200, f"with a {name}")
            assert answer.headers["Content-Type"].startswith("text/html"), f"HTML, got {answer.headers['Content-Type']}"
            text = re.sub(r"<[^>]*>", " ", answer.text)
            for method, path in NINE:
                assert path.split("/")[1] in text and method in text, f"{method} {path} is in the reference"

    def test_the_reference_is_closed_to_bad_cookies(self, server, account):
        cookie = account.login().cookies["tollhouse_session"]
        account.session.put(
            "/auth/password", json={"current_password": account.password, "new_password": "new password"}
        )
        for value in (cookie, "nonsense", ""):
            answer = server.client(Cookie=f"tollhouse_session={value}").get(
                "/api-docs", headers={"Accept": "text/html"}
            )
            assert answer.status_code == 302, f"an ended or bad cookie opens nothing, {show(answer)}"

    def test_next_takes_local_paths_only(self, server):
        for target in (
            "https://evil.example/",
            "//evil.example/",
            "/\\evil.example",
            "javascript:alert(1)",
            "/%0d%0aSet-Cookie:x=y",
        ):
            answer = server.client().get("/login", params={"next": target}, headers={"Accept": "text/html"})
            assert "evil.example" not in answer.headers.get("Location", "") and "javascript:" not in answer.headers.get(
                "Location", ""
            ), show(answer)
            assert not re.search(r"""(href|value|action)=["'](https:|//|/\\|javascript:)[^"']*evil""", answer.text), (
                f"next={target} is not passed on"
            )
            assert "x" not in answer.cookies, "no header is smuggled in"

    def test_names_are_escaped_on_pages(self, server):
        account = server.account(username="<script>alert('x')</script>")
        cookie = account.login().cookies["tollhouse_session"]
        for path in ("/api-docs", "/dashboard", "/profile", "/login"):
            answer = server.client(Cookie=f"tollhouse_session={cookie}").get(path, headers={"Accept": "text/html"})
            assert "<script>alert('x')" not in answer.text, f"{path} escapes names from users"


class TestQueue:
    def test_never_more_than_allowed_at_once(self, start_server):
        server = start_server(stems={"max_concurrent_jobs": 2})
        account = server.account(credits=20)
        ids = [account.upload(content=audio.song(2.0))["id"] for _ in range(6)]
        most = 0

        def all_done():
            nonlocal most
            jobs = account.jobs()
            most = max(most, sum(job["status"] == "processing" for job in jobs))
            return all(job["status"] == "completed" for job in jobs)

        until(all_done, f"all of {ids} complete", 120)
        assert most <= 2, f"never more than max_concurrent_jobs in processing, saw {most}"

    def test_first_in_first_out_within_an_account_and_turns_between_them(self, busy):
        many, late = busy.account(), busy.account()
        first, second, third = (many.upload()["id"] for _ in range(3))
        single = late.upload()["id"]
        busy.release()

        def started(account, job_id):
            return account.job(job_id)["started_at"] is not None

        def look():
            if started(many, third):
                assert started(many, second), "first in, first out within one account"
            if started(many, second):
                assert started(many, first), "first in, first out within one account"
                assert started(late, single), "round robin: one account's second job does not pass another's first"
            return many.job(third)["status"] == "completed" and late.job(single)["status"] == "completed"

        until(look, "all jobs complete", 60)


class TestRestart:
    def test_sessions_keys_jobs_and_files_survive(self, start_server):
        server = start_server()
        account = server.account()
        done = account.finished()
        key, content = account.key, account.api.get(f"/download/{done['id']}").content
        assert server.stop() == 0, "SIGTERM ends the server with status 0"
        server.start()
        assert account.session.get("/auth/me").status_code == 200, "the signing secret is kept"
        assert server.client(key).get("/jobs").status_code == 200, "the key hash secret is kept"
        assert account.job(done["id"]) == done, "the job is the same"
        assert account.api.get(f"/download/{done['id']}").content == content, "its files too"

    def test_pending_and_processing_jobs_go_on_without_a_new_charge(self, start_server):
        server = start_server(stems={"max_concurrent_jobs": 1})
        account = server.account()
        running = account.upload(content=audio.long_noise(3))["id"]
        waiting = account.upload()["id"]
        account.wait(running, "processing")
        server.restart()
        for job_id in (running, waiting):
            assert account.wait(job_id, seconds=120)["status"] == "completed", "open jobs go on after a restart"
        assert account.credits() == 1.0 and len(account.history()) == 3, "two jobs cost two credits, restarts nothing"

    def test_kill_9_loses_neither_job_nor_credit(self, start_server):
        server = start_server(stems={"max_concurrent_jobs": 1})
        account = server.account()
        running = account.upload(content=audio.long_noise(3))["id"]
        waiting = account.upload()["id"]
        account.wait(running, "processing")
        server.restart(kill=True)
        assert account.credits() == 1.0, "both holds stand"
        for job_id in (running, waiting):
            assert is_job(account.wait(job_id, seconds=120))["status"] == "completed", "open jobs go on after kill -9"
        assert account.credits() == 1.0 and len(account.history()) == 3, "without a new charge"

    def test_workers_do_not_outlive_a_killed_server(self, busy):
        # A job is processing a moment before its worker runs.
        until(busy.workers, "workers are processes of their own", 10)
        busy.kill9()
        until(lambda: not busy.followers(), "workers of a killed server end by themselves", 20)

    def test_an_accepted_upload_is_durable(self, start_server):
        server = start_server()
        account = server.account()
        for _ in range(3):
            job = account.upload()["id"]
            server.restart(kill=True)
            assert account.wait(job)["status"] == "completed", "what was answered with 200 survives kill -9"
        assert account.credits() == 0.0, "three jobs, three credits"

    def test_a_job_whose_upload_is_gone_fails(self, start_server):
        server = start_server(stems={"max_concurrent_jobs": 1})
        account = server.account()
        running = account.upload(content=audio.long_noise())["id"]
        account.wait(running, "processing")
        before = server.files()
        waiting = account.upload()["id"]
        new = server.files() - before
        server.kill9()
        assert new, "the upload is a file of the data folder"
        for name in new:
            with contextlib.suppress(FileNotFoundError):
                (server.data / name).unlink()
        server.start()
        account.session.post(f"/jobs/{running}/cancel")
        job = account.wait(waiting)
        assert (job["status"], job["error_message"]) == ("failed", "Upload file not found during recovery"), (
            f"got {job}"
        )
        assert account.credits() == 3.0, "the credits are back"
        refused(
            account.session.post(f"/jobs/{waiting}/retry"),
            410,
            "The upload of this job has been deleted",
            "nothing to retry",
        )

    def test_a_graceful_stop_finishes_what_is_in_flight(self, start_server):
        server = start_server()
        account = server.account()
        body = form(file_field(audio.song()))
        with RawConnection(server) as wire:
            wire.send(
                raw.request(
                    "POST",
                    "/upload",
                    {
                        "Authorization": f"Bearer {account.token}",
                        "Content-Type": FORM,
                        "Content-Length": str(len(body)),
                        "Expect": "100-continue",
                    },
                )
            )
            assert wire.response().status == 100, "the upload has begun"
            wire.send(body[:1000])
            server.process.send_signal(signal.SIGTERM)
            wire.send(body[1000:])
            assert wire.response().status == 200, "a request in flight is finished"
        assert server.process.wait(30) == 0, "then the server ends with status 0"


class TestRetention:
    def test_files_go_after_retention_hours_and_the_row_stays(self, start_server):
        environment = later(hours=25)
        server = start_server(stems={"retention_hours": 24})
        account = server.account()
        before = server.files()
        done, failed = account.finished(), account.failed()
        account.api.get(f"/download/{done['id']}?format=flac")
        server.restart(**environment)
        account.session = server.client(account.login().json()["access_token"])
        until(
            lambda: server.files() <= before,
            f"files are deleted retention_hours after completed_at, found {server.files() - before}",
            90,
        )
        job = is_job(account.job(done["id"]))
        assert (job["status"], job["download_url"], job["stems"]) == ("completed", None, []), (
            f"the row stays, got {job}"
        )
        refused(
            account.session.get(f"/download/{done['id']}"), 410, "Files of this job have been deleted", "its download"
        )
        refused(
            account.session.get(f"/jobs/{done['id']}/stems"), 410, "Files of this job have been deleted", "its stems"
        )
        refused(
            account.session.post(f"/jobs/{failed['id']}/retry"),
            410,
            "The upload of this job has been deleted",
            "its retry",
        )
        assert account.credits() == 2.0, "money is not touched"

    def test_zero_keeps_files(self, start_server):
        environment = later(days=20)
        server = start_server(stems={"retention_hours": 0})
        account = server.account()
        done = account.finished()
        server.restart(**environment)
        again = account.finished()  # the server has had time to clean up
        assert again["status"] == "completed"
        assert account.session.get(f"/download/{done['id']}/vocals.wav").status_code == 200, "0 keeps files"

    def test_before_that_they_stay(self, start_server):
        environment = later(hours=23)
        server = start_server(stems={"retention_hours": 24})
        account = server.account()
        done = account.finished()
        server.restart(**environment)
        account.finished()
        assert account.session.get(f"/download/{done['id']}/vocals.wav").status_code == 200, "23 hours are not 24"


class TestLimits:
    def test_too_long_audio_fails_and_costs_nothing(self, start_server):
        server = start_server(stems={"max_audio_seconds": 2})
        account = server.account()
        for name, content in (("long.wav", audio.long_noise(1)), ("long.mp3", audio.encoded(".mp3", 4.0))):
            job = account.wait(account.upload(name, content)["id"])
            assert (job["status"], job["error_message"]) == (
                "failed",
                "The audio is longer than the allowed 2 seconds",
            ), f"{name}, got {job}"
        assert account.finished()["status"] == "completed" and account.credits() == 2.0, (
            "one of three was done and paid"
        )

    def test_work_that_takes_too_long_fails_and_costs_nothing(self, start_server):
        server = start_server(stems={"job_timeout": 1})
        account = server.account()
        job = account.wait(account.upload(content=audio.long_noise())["id"])
        assert (job["status"], job["error_message"]) == ("failed", "Processing timed out"), f"got {job}"
        assert account.credits() == 3.0, "the credit is back"
        assert account.wait(account.upload(content=audio.song(0.2))["id"])["status"] == "completed", (
            "the worker lives on"
        )


class TestMigration:
    def test_every_start_upgrades_and_is_harmless(self, start_server):
        server = start_server()
        account = server.account()
        done = account.finished()
        for _ in range(3):
            server.restart()
        assert account.job(done["id"]) == done and account.credits() == 2.0, "nothing changes by starting again"

    def test_by_hand_before_the_first_start(self, start_server):
        server = start_server.prepare()
        server.data.mkdir(parents=True)
        server.config_path.write_text("")
        outputs = [server.run("migrate") for _ in range(2)]
        assert [ran.returncode for ran in outputs] == [0, 0], f"twice is harmless: {[ran.stderr for ran in outputs]}"
        assert all(ran.stdout.strip() for ran in outputs), "it prints what it did"
        server.start()
        assert server.account().finished()["status"] == "completed", "the server starts on it"


class TestStart:
    def test_secrets_are_private(self, server):
        for name in server.files():
            path = server.data / name
            if re.search(r"secret|key|token", path.name):
                assert path.stat().st_mode & 0o077 == 0, f"{name} is readable by others"

    def test_it_is_ready_quickly(self, start_server):
        server = start_server()
        server.stop()
        began = time.monotonic()
        server.start()
        assert time.monotonic() - began < 5, "a second start takes seconds at most"

    def test_a_taken_port_is_said_clearly(self, start_server):
        first = start_server()
        second = start_server.prepare()
        second.port = first.port
        second.launch()
        assert second.process.wait(20) != 0, "it does not start"
        assert str(first.port) in second.log() and "in use" in second.log().lower(), (
            f"it says why: {second.log()[-500:]}"
        )

    def test_a_data_folder_has_one_server(self, start_server, cluster):
        if cluster:
            pytest.skip("on PostgreSQL several servers may share the database")
        first = start_server()
        second = start_server.prepare(directory=first.directory / "second")
        second.directory.mkdir()
        second.data = first.data
        second.launch()
        until(lambda: second.process.poll() is not None or _answers(second), "the second server starts or gives up", 20)
        account = first.account()
        job = account.finished()
        assert len(account.history()) == 2 and job["status"] == "completed", "whatever it does, no job is done twice"


def _answers(server):
    try:
        return requests.get(f"{server.url}/readyz", timeout=2).status_code == 200
    except requests.RequestException:
        return False
