"""The command line beside a running server: it does what it says, in words and in JSON."""

import json
import os
import subprocess

import pytest

from support.checks import show
from support.polling import until
from support.server import BINARY, as_toml

COMMANDS = [
    ["serve"],
    ["worker"],
    ["migrate"],
    ["demo"],
    ["keys"],
    ["keys", "create"],
    ["keys", "list"],
    ["accounts"],
    ["accounts", "create"],
    ["accounts", "grant-credits"],
    ["accounts", "make-admin"],
    ["accounts", "set-plan"],
    ["keys", "revoke"],
    ["models"],
    ["models", "list"],
    ["models", "add"],
    ["models", "sync"],
    ["models", "pull"],
    ["models", "verify"],
    ["models", "gc"],
    ["config"],
    ["config", "check"],
    ["config", "print"],
    ["openapi"],
    ["version"],
]


def bare(*arguments, **environment):
    """The program without any server's settings."""
    return subprocess.run(
        [str(BINARY), *arguments], capture_output=True, text=True, timeout=60, env={**os.environ, **environment}
    )


def as_json(ran):
    assert ran.returncode == 0, f"the command succeeds: {ran.stdout} {ran.stderr}"
    return json.loads(ran.stdout)


class TestHelp:
    @pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
    def test_every_command_explains_itself(self, command):
        ran = bare(*command, "--help")
        assert ran.returncode == 0 and ran.stderr == "", f"help is on stdout with status 0: {ran.stderr}"
        assert command[-1] in ran.stdout, f"it names itself, got {ran.stdout[:300]}"

    def test_the_whole_program_shows_examples(self):
        ran = bare("--help")
        assert ran.returncode == 0 and "tollhouse serve" in ran.stdout, f"help with examples, got {ran.stdout[:500]}"

    @pytest.mark.parametrize(
        "arguments",
        [["nonsense"], ["serve", "--nonsense"], ["accounts", "nonsense"], ["accounts", "create"], ["keys", "create"]],
    )
    def test_a_mistake_is_named_on_stderr(self, arguments):
        ran = bare(*arguments)
        assert ran.returncode not in (0, 127, -11, -6), f"a mistake is no success and no crash, got {ran.returncode}"
        assert ran.stderr.strip() and "help" in ran.stderr.lower(), f"it says what to do, got {ran.stderr!r}"

    def test_version(self):
        assert bare("version").stdout.strip(), "a version is printed"
        assert "version" in as_json(bare("version", "--format", "json")), "in JSON too"


class TestAccounts:
    def test_create_makes_an_account_that_logs_in(self, server):
        ran = server.run(
            "accounts", "create", "cli@example.com", "--username", "cli", "--password-stdin", input="correct horse\n"
        )
        assert ran.returncode == 0, f"{ran.stdout} {ran.stderr}"
        answer = server.client().post("/auth/login", json={"email": "cli@example.com", "password": "correct horse"})
        assert answer.status_code == 200 and answer.json()["username"] == "cli" and answer.json()["credits"] == 3.0, (
            show(answer)
        )

    def test_create_without_a_password_makes_one_and_shows_it(self, server):
        made = as_json(server.run("accounts", "create", "cli2@example.com", "--format", "json"))
        assert made["email"] == "cli2@example.com", f"got {made}"
        answer = server.client().post("/auth/login", json={"email": "cli2@example.com", "password": made["password"]})
        assert answer.status_code == 200, f"the shown password logs in, {show(answer)}"

    def test_create_twice_says_why_not(self, server, account):
        ran = server.run("accounts", "create", account.email)
        assert ran.returncode != 0 and "already" in ran.stderr, f"an email is used once, got {ran.stderr!r}"
        assert "Traceback" not in ran.stderr and "SQL" not in ran.stderr, "in words"

    def test_grant_credits_counts_at_once(self, server, account):
        ran = server.run("accounts", "grant-credits", account.email, "2.5")
        assert ran.returncode == 0 and account.credits() == 5.5, f"{ran.stdout} {ran.stderr}"
        assert account.history()[0]["amount"] == 2.5, "and is in the history"
        assert as_json(server.run("accounts", "grant-credits", account.email, "1", "--format", "json")), "in JSON too"
        assert account.credits() == 6.5

    @pytest.mark.parametrize("amount", ["0", "abc", "NaN", "1e999", "0.0000001", "-100"])
    def test_grant_credits_refuses_nonsense(self, server, account, amount):
        ran = (
            server.run("accounts", "grant-credits", account.email, "--", amount)
            if amount.startswith("-")
            else server.run("accounts", "grant-credits", account.email, amount)
        )
        assert ran.returncode != 0 and ran.stderr.strip(), f"{amount} is refused: {ran.stdout}"
        assert account.credits() == 3.0, "nothing happened"

    def test_an_unknown_account_is_named(self, server):
        ran = server.run("accounts", "grant-credits", "nobody@example.com", "1")
        assert ran.returncode != 0 and "nobody@example.com" in ran.stderr, f"got {ran.stderr!r}"

    def test_make_admin_counts_within_a_second(self, server, account):
        assert account.session.get("/admin/users").status_code == 403, "not yet"
        ran = server.run("accounts", "make-admin", account.email)
        assert ran.returncode == 0, f"{ran.stdout} {ran.stderr}"
        until(lambda: account.session.get("/admin/users").status_code == 200, "another process's change counts within a second", 2)

    def test_disabled_accounts_stop_at_once(self, server, account):
        assert account.api.get("/jobs").status_code == 200, "a key in use"
        assert server.run("accounts", "disable", account.email).returncode == 0
        until(lambda: account.api.get("/jobs").status_code == 403, "its keys fail within a second", 2)
        until(lambda: account.session.get("/jobs").status_code == 403, "its sessions fail within a second", 2)
        assert server.run("accounts", "enable", account.email).returncode == 0
        until(lambda: account.api.get("/jobs").status_code == 200, "its keys work again", 2)

    def test_a_plan_is_set(self, server, account):
        assert server.run("accounts", "set-plan", account.email, "free").returncode == 0, (
            "the plan of every new account"
        )
        ran = server.run("accounts", "set-plan", account.email, "no-such-plan")
        assert ran.returncode != 0 and "no-such-plan" in ran.stderr, f"an unknown plan is named, got {ran.stderr!r}"


class TestKeys:
    def test_a_revoked_key_fails_within_a_second(self, server, account):
        key = account.session.post("/api-key", json={"name": "lost"}).json()["api_key"]
        assert server.client(key).get("/jobs").status_code == 200, "a key in use"
        ran = server.run("keys", "revoke", account.email, "lost")
        assert ran.returncode == 0, f"{ran.stdout} {ran.stderr}"
        until(lambda: server.client(key).get("/jobs").status_code == 401, "revoked", 2)

    def test_create_shows_a_key_that_works_once(self, server, account):
        made = as_json(server.run("keys", "create", account.email, "--name", "from the shell", "--format", "json"))
        key = made.get("api_key") or made.get("key")
        assert server.client(key).get("/jobs").status_code == 200, f"the key works at once, got {made}"
        listed = server.run("keys", "list", account.email)
        assert "from the shell" in listed.stdout and key not in listed.stdout, (
            f"listed without its secret, got {listed.stdout}"
        )
        assert "from the shell" in json.dumps(as_json(server.run("keys", "list", account.email, "--format", "json"))), (
            "in JSON too"
        )
        assert [entry["name"] for entry in account.session.get("/api-key/list").json()["keys"]] == ["from the shell"], (
            "and over the API"
        )

    def test_create_for_people(self, server, account):
        ran = server.run("keys", "create", account.email, "--name", "n")
        assert ran.returncode == 0 and "sk_" in ran.stdout, f"the key is shown, got {ran.stdout}"


def test_a_worker_of_its_own_does_the_work(start_server):
    """The server only takes jobs in; `tollhouse worker` on the same data does them."""
    server = start_server(stems={"max_concurrent_jobs": 0})
    account = server.account()
    job = account.upload()["id"]
    config = server.directory / "worker.toml"
    config.write_text("[stems]\nmax_concurrent_jobs = 1\n")
    arguments = ["--data", str(server.data), "--config", str(config)]
    arguments += ["--database", server.database] if server.database else []
    with open(server.directory / "worker.log", "wb") as log:
        worker = subprocess.Popen([str(BINARY), "worker", *arguments], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        assert account.wait(job)["status"] == "completed", "the job is done by the worker"
        assert account.api.get(f"/download/{job}/vocals.wav").status_code == 200, "and downloads from the server"
        assert account.credits() == 2.0, "for one credit"
    finally:
        worker.terminate()
        assert worker.wait(30) == 0, "SIGTERM ends a worker with status 0"


class TestConfig:
    def test_check_accepts_the_good_one(self, server):
        ran = server.run("config", "check")
        assert ran.returncode == 0, f"{ran.stdout} {ran.stderr}"

    @pytest.mark.parametrize(
        "text, word",
        [
            ('[stems]\nmax_upload_bytes = "lots"\n', "max_upload_bytes"),
            ("[stems]\nretention_hours = -1\n", "retention_hours"),
            ("[stems]\nno_such_setting = 1\n", "no_such_setting"),
            ("[nowhere]\nx = 1\n", "nowhere"),
            ("not toml", ""),
        ],
    )
    def test_check_names_what_is_wrong(self, start_server, text, word):
        server = start_server.prepare()
        server.data.mkdir(parents=True)
        server.config_path.write_text(text)
        for command in (("config", "check"), ("migrate",)):
            ran = server.run(*command)
            assert ran.returncode != 0 and word in ran.stderr + ran.stdout, (
                f"{command}: {word} is named, got {ran.stdout} {ran.stderr}"
            )

    def test_print_shows_every_setting_and_no_secret(self, start_server):
        server = start_server.prepare(
            payments={"square_access_token": "very-secret-token"}, stems={"retention_hours": 7}
        )
        server.data.mkdir(parents=True)
        server.config_path.write_text(as_toml(server.config))
        ran = server.run("config", "print")
        assert ran.returncode == 0 and "retention_hours" in ran.stdout and "7" in ran.stdout, (
            f"{ran.stdout} {ran.stderr}"
        )
        assert "very-secret-token" not in ran.stdout + ran.stderr, "secrets are not printed"
        text = json.dumps(as_json(server.run("config", "print", "--format", "json")))
        assert "max_upload_bytes" in text and "5368709120" in text and "very-secret-token" not in text, (
            f"defaults too, got {text[:500]}"
        )


def test_migrate_says_what_it_did(server):
    ran = server.run("migrate")
    assert ran.returncode == 0 and ran.stdout.strip(), f"{ran.stdout} {ran.stderr}"
    assert as_json(server.run("migrate", "--format", "json")) is not None, "in JSON too"


def test_openapi_prints_what_the_server_serves(server):
    printed = json.loads(bare("openapi").stdout)
    assert printed["openapi"].startswith("3.1") and "/upload" in printed["paths"], "OpenAPI 3.1 on stdout"
    assert set(printed["paths"]) == set(server.client().get("/openapi.json").json()["paths"]), (
        "the same as /openapi.json"
    )


def test_output_has_no_colour_codes_when_it_is_not_a_terminal(server):
    for command in (("version",), ("config", "print"), ("keys", "list", server.operator.email)):
        ran = server.run(*command)
        assert "\x1b[" not in ran.stdout + ran.stderr, f"{command} prints plain text into pipes"
