"""What an operator sees: liveness, readiness, metrics, logs; and that no log tells a secret."""

import json
import re
import subprocess

import pytest
import requests

from support import audio, raw
from support.checks import answers, show
from support.polling import until
from support.raw import RawConnection
from support.square import TOKEN


class TestProbes:
    def test_livez_and_readyz(self, server):
        for path in ("/livez", "/readyz", "/livez/"):
            answer = server.client().get(path)
            assert answer.status_code == 200, f"{path} of a ready server, {show(answer)}"

    def test_readyz_says_when_the_database_is_gone(self, start_server, cluster):
        if not cluster:
            pytest.skip("SQLite has no server to lose")
        server = start_server()
        name = server.database.rpartition("/")[2]
        cluster.sql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false", "postgres")
        cluster.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'", "postgres")
        until(lambda: server.client().get("/readyz").status_code == 503, "not ready without its database", 30)
        assert server.client().get("/livez").status_code == 200, "but alive"
        cluster.sql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true", "postgres")
        until(lambda: server.client().get("/readyz").status_code == 200, "ready again when it is back", 30)
        assert server.account().finished()["status"] == "completed", "and all is well"


class TestMetrics:
    TOKEN = "operator-token-of-more-than-32-bytes-for-tests"

    @pytest.fixture(scope="class")
    def watched(self, start_module_server):
        """A server with an operator token, and an account that used it."""
        server = start_module_server(server={"operator_token": self.TOKEN})
        server.user = server.account()
        server.user.finished()
        server.user.failed()
        server.user.session.get("/jobs/nope")
        return server

    def read(self, server):
        answer = server.client(self.TOKEN).get("/metrics")
        assert answer.status_code == 200, f"/metrics for the operator, {show(answer)}"
        return answer.text

    def test_requests_are_measured_by_route(self, watched):
        text = self.read(watched)
        lines = [line for line in text.splitlines() if line.startswith("http_server_request_duration_seconds_count")]
        assert lines, f"OpenTelemetry's http.server.request.duration, got {text[:500]}"
        assert any('http_route="/jobs/{' in line and 'http_response_status_code="404"' in line for line in lines), (
            f"by route template and status, got {lines}"
        )

    def test_labels_hold_no_ids_and_no_secrets(self, watched):
        text = self.read(watched)
        for secret in (watched.user.token, watched.user.email, watched.user.jobs()[0]["id"], str(watched.data)):
            assert secret not in text, "metrics hold no identities"

    def test_only_the_operators_token_opens_them(self, watched):
        for path in ("/metrics", "/readyz", "/livez"):
            for credential in (
                None,
                "wrong",
                watched.user.token,
                watched.user.key,
                watched.operator.token,
                self.TOKEN + "x",
            ):
                answer = watched.client(credential).get(path)
                assert answer.status_code in (401, 403, 404), f"{path} is the operator's, {show(answer)}"


class TestLog:
    def test_every_request_is_one_json_line_with_its_id(self, server):
        server.client().get("/api", headers={"X-Request-Id": "find-me-in-the-log"})
        found = until(
            lambda: [record for record in server.log_records() if "find-me-in-the-log" in json.dumps(record)],
            "the request is in the log",
            10,
        )
        text = json.dumps(found)
        assert '"GET"' in text and '"/api"' in text and "200" in text, f"method, path and status are there, got {found}"
        assert len(found) == 1, f"one line a request, got {found}"

    def test_all_lines_are_json(self, server):
        server.account().finished()
        lines = [line for line in server.log().splitlines() if line.strip()]
        broken = [line for line in lines if not line.startswith("{")]
        assert lines and not broken, f"the log on stderr is JSON lines, got {broken[:3]}"

    def test_a_client_cannot_write_lines_of_its_own(self, server):
        with RawConnection(server) as wire:
            wire.send(
                raw.request(
                    "GET", '/nope%0a{"forged":true}"\\', {"User-Agent": 'x"} {"forged":true}', "Connection": "close"}
                )
            )
            wire.response()
        server.client().get("/api")
        assert not [record for record in server.log_records() if record.get("forged")], "no forged line"

    def test_no_secret_is_in_the_log(self, shop):
        account = shop.account()
        key, token, password = account.key, account.token, account.password
        named = account.session.post("/api-key", json={"name": "n"}).json()["api_key"]
        account.api.upload()
        account.login()
        account.session.put(
            "/auth/password", json={"current_password": password, "new_password": "a-new-secret-password"}
        )
        account.session.post("/credits/purchase", json={"package": "starter", "payment_nonce": "cnon:secret-nonce"})
        shop.client(key + "x").get("/jobs")
        shop.client(Authorization=key).get("/jobs")
        shop.client().get(f"/jobs?token={token}&key={key}")
        shop.client().post("/auth/login", data=json.dumps({"email": account.email, "password": password})[:-3])
        shop.client(Cookie=f"tollhouse_session={token}").get("/api-docs")
        shop.client(**{"Idempotency-Key": key}).get("/jobs")
        shop.stop()
        log = shop.log()
        for name, secret in (
            ("key", key),
            ("named key", named),
            ("session", token),
            ("password", password),
            ("new password", "a-new-secret-password"),
            ("payment token", "cnon:secret-nonce"),
            ("provider token", TOKEN),
            ("key without prefix", key[3:]),
        ):
            assert secret not in log, f"no {name} in the log"

    def test_errors_show_no_inside(self, server, account):
        """No server path, SQL, stack or tool output, ever."""
        seen = [
            account.session.get(path).text
            for path in ("/jobs?before='", "/jobs?limit=1;DROP", "/download/x/..%2f..%2fetc", "/jobs/%00")
        ]
        seen += [
            json.dumps(account.failed()),
            account.session.upload("notes.txt", b"x").text,
            account.session.upload(fields={"model": "'"}).text,
        ]
        for text in seen:
            for word in (
                str(server.data),
                "SELECT",
                "sqlite",
                "postgres",
                "ffmpeg version",
                "Traceback",
                ".cc:",
                "std::",
                "/tmp/",
                "Invalid data found",
            ):
                assert word not in text, f"{word!r} is no word for clients, got {text[:300]}"


class TestTls:
    def test_certificates_make_it_https(self, start_server, tmp_path):
        made = subprocess.run(
            [
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=localhost",
                "-addext",
                "subjectAltName=IP:127.0.0.1",
                "-keyout",
                tmp_path / "key.pem",
                "-out",
                tmp_path / "cert.pem",
            ],
            capture_output=True,
        )
        assert made.returncode == 0, made.stderr
        server = start_server.prepare(
            server={"certificate": str(tmp_path / "cert.pem"), "key": str(tmp_path / "key.pem")}
        ).launch()
        url = f"https://127.0.0.1:{server.port}"

        def ready():
            assert server.process.poll() is None, f"the server ended: {server.log()[-1000:]}"
            try:
                return requests.get(f"{url}/readyz", verify=str(tmp_path / "cert.pem"), timeout=2).status_code == 200
            except requests.RequestException:
                return False

        until(ready, "HTTPS answers", 20)
        answer = requests.post(
            f"{url}/auth/register",
            verify=str(tmp_path / "cert.pem"),
            timeout=10,
            json={"email": "tls@example.com", "username": "tls", "password": "correct horse"},
        )
        assert answer.status_code == 200 and "secure" in answer.headers["Set-Cookie"].lower(), (
            f"the cookie is Secure under HTTPS, got {answer.headers}"
        )
        headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        upload = requests.post(
            f"{url}/upload",
            verify=str(tmp_path / "cert.pem"),
            headers=headers,
            files={"file": ("song.wav", audio.song())},
            timeout=30,
        )
        assert upload.status_code == 200, f"uploads work over HTTPS, {show(upload)}"
        with RawConnection(server) as wire:
            wire.send(raw.request("GET", "/api"))
            try:
                assert wire.response(timeout=5).status == 400, "plain HTTP is not served on the HTTPS port"
            except (EOFError, ConnectionError, ValueError):
                pass


def test_the_openapi_document_is_served_and_complete(server):
    answer = answers(server.client().get("/openapi.json"), 200, "/openapi.json")
    document = answer.json()
    assert document["openapi"].startswith("3.1"), f"OpenAPI 3.1, got {document.get('openapi')}"
    for path in (
        "/upload",
        "/jobs",
        "/auth/register",
        "/credits/balance",
        "/api-key",
        "/admin/users",
        "/upload/models",
    ):
        assert path in document["paths"], f"{path} is documented"
    for path in ("/docs", "/redoc"):
        page = server.client().get(path)
        assert page.status_code == 200 and page.headers["Content-Type"].startswith("text/html"), (
            f"{path} is a page, {show(page)}"
        )
        outside = [link for link in re.findall(r"""(?:src|href)=["'](https?:)?//([^"'/]+)""", page.text)]
        assert outside == [], f"{path} works offline, got {outside}"
        for asset in re.findall(r"""(?:src|href)=["']([^"'#:]+)["']""", page.text):
            asset = asset if asset.startswith("/") else f"/{asset.removeprefix('./')}"
            assert server.client().get(asset).status_code == 200, f"{path} finds {asset}"
