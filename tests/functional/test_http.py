"""HTTP itself: methods, paths, request ids, keep-alive, pipelining, and requests that try to be two."""

import json
import re
import resource
import socket
import threading

import pytest

from support import audio
from support.checks import answers, refused, show
from support.raw import FORM, RawConnection, chunked, file_field, form, request

ALLOWED = {
    "/upload": {"POST"},
    "/upload/models": {"GET"},
    "/upload/models/htdemucs": {"GET"},
    "/jobs": {"GET", "DELETE"},
    "/jobs/x": {"GET", "DELETE"},
    "/jobs/x/stems": {"GET"},
    "/jobs/x/retry": {"POST"},
    "/jobs/x/cancel": {"POST"},
    "/job/x": {"DELETE"},
    "/status/x": {"GET"},
    "/stems/x": {"GET"},
    "/stems/x/vocals": {"GET"},
    "/download/x": {"GET"},
    "/download/x/vocals.wav": {"GET"},
    "/api-key": {"GET", "POST", "DELETE"},
    "/api-key/list": {"GET"},
    "/api-key/1": {"PATCH", "DELETE"},
    "/api-key/1/regenerate": {"POST"},
    "/auth/register": {"POST"},
    "/auth/login": {"POST"},
    "/auth/logout": {"POST"},
    "/auth/me": {"GET"},
    "/auth/email": {"PUT"},
    "/auth/username": {"PUT"},
    "/auth/password": {"PUT"},
    "/auth/account": {"DELETE"},
    "/credits/balance": {"GET"},
    "/credits/history": {"GET"},
    "/credits/packages": {"GET"},
    "/credits/square-config": {"GET"},
    "/credits/purchase": {"POST"},
    "/admin/users": {"GET"},
    "/admin/users/1": {"GET"},
    "/admin/users/1/credits": {"POST"},
    "/admin/users/1/toggle-active": {"POST"},
    "/admin/jobs": {"GET"},
    "/admin/jobs/x/archive": {"POST"},
    "/admin/jobs/x": {"DELETE"},
    "/api": {"GET"},
    "/api-docs": {"GET"},
}


class TestPaths:
    @pytest.mark.parametrize("path", ALLOWED)
    def test_a_wrong_method_is_405_with_allow(self, server, path):
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - ALLOWED[path]:
            answer = refused(server.client().request(method, path), 405, "Method Not Allowed", f"{method} {path}")
            allowed = {name.strip() for name in answer.headers["Allow"].split(",")}
            assert allowed - {"HEAD", "OPTIONS"} == ALLOWED[path], (
                f"{path}: Allow names every valid method, got {allowed}"
            )

    @pytest.mark.parametrize(
        "path",
        [
            "/jobs/a/b/c",
            "/upload/x",
            "/jobss",
            "/auth",
            "/auth/nope",
            "/credits",
            "/admin",
            "/admin/nope",
            "/download",
            "/download/",
            "/stems",
            "/status",
            "/job",
            "/api-key/1/nope",
            "/upload/models/a/b",
            "/jobs/x/nope",
            "/JOBS",
        ],
    )
    def test_an_unknown_path_is_404(self, server, path):
        for client in (server.client(), server.operator.session):
            answer = client.get(path)
            if path == "/JOBS":  # no surface of ours: the status alone is fixed
                assert answer.status_code == 404, show(answer)
            else:
                refused(answer, 404, "Not Found", path)

    def test_a_trailing_slash_changes_nothing(self, owner, done):
        for path in (
            "/jobs",
            f"/jobs/{done['id']}",
            f"/jobs/{done['id']}/stems",
            f"/download/{done['id']}",
            f"/download/{done['id']}/vocals.wav",
            "/upload/models",
            "/upload/models/htdemucs",
            "/auth/me",
            "/api-key",
            "/credits/balance",
            "/api",
            f"/status/{done['id']}",
            f"/stems/{done['id']}",
        ):
            plain, slashed = owner.session.get(path), owner.session.get(path + "/")
            assert (slashed.status_code, slashed.content) == (plain.status_code, plain.content), (
                f"{path}/ is {path}, {show(slashed)}"
            )
            assert "Location" not in slashed.headers, "nothing redirects"
        answers(owner.session.post("/upload/", files={"file": ("a.wav", audio.song())}), 200, "POST /upload/")
        refused(owner.session.delete("/jobs/", json=[]), 400, "No job IDs provided", "DELETE /jobs/")

    def test_head_works_wherever_get_does(self, owner, done):
        for path in (
            "/jobs",
            f"/jobs/{done['id']}",
            f"/jobs/{done['id']}/stems",
            f"/download/{done['id']}",
            f"/download/{done['id']}/vocals.mp3",
            "/upload/models",
            "/auth/me",
            "/api-key",
            "/credits/balance",
            "/credits/history",
            "/credits/packages",
            "/api",
            "/jobs/nope",
            "/api-docs",
            "/nope",
            "/livez",
            "/readyz",
        ):
            get, head = owner.session.get(path), owner.session.head(path)
            assert head.status_code == get.status_code and head.content == b"", (
                f"HEAD {path} has the status of GET and no body, {show(head)}"
            )
            again = owner.session.get(path)
            for name in ("Content-Type", "Content-Length", "ETag"):
                if again.headers.get(name) != get.headers.get(name):
                    continue  # another job of the account moved on meanwhile
                assert head.headers.get(name) == get.headers.get(name), (
                    f"HEAD {path}: {name} as GET, {head.headers.get(name)}, {get.headers.get(name)}"
                )

    def test_a_head_answer_has_no_body_on_the_wire(self, owner, done):
        with RawConnection(owner.server) as wire:
            for target in (f"/download/{done['id']}/vocals.wav", "/jobs", "/nope"):
                wire.send(request("HEAD", target, {"Authorization": f"Bearer {owner.token}"}) + request("GET", "/api"))
                wire.response(head=True)
                assert wire.response().json()["status"] == "running", (
                    f"HEAD {target} is followed by the next answer at once"
                )

    def test_percent_encoding_of_plain_characters_is_the_same_path(self, owner):
        assert owner.session.get("/%6aobs").status_code == 200, "RFC 3986: unreserved characters may be encoded"

    @pytest.mark.parametrize(
        "target",
        [
            "/jobs/../admin/users",
            "/./jobs",
            "//jobs",
            "/jobs//x",
            "/jobs/%2e%2e/admin/users",
            "/jobs/%",
            "/jobs/%zz",
            "/\\jobs",
        ],
    )
    def test_odd_targets_get_a_clean_answer(self, server, target):
        with RawConnection(server) as wire:
            wire.send(request("GET", target, {"Connection": "close"}))
            answer = wire.response()
        assert answer.status in (400, 401, 403, 404), f"{target}, got {answer}"
        assert "root:" not in answer.body.decode(errors="replace"), "no file of the server"


class TestRequestIds:
    @pytest.mark.parametrize("value", ["a", "A-Z.09_", "x" * 64, "550e8400-e29b-41d4-a716-446655440000"])
    def test_a_good_one_is_kept(self, server, value):
        for path in ("/api", "/jobs", "/nope", "/upload/models"):
            assert server.client().get(path, headers={"X-Request-Id": value}).headers["X-Request-Id"] == value, (
                f"kept on {path}"
            )
        assert server.client().put("/jobs", headers={"X-Request-Id": value}).headers["X-Request-Id"] == value, (
            "kept on 405"
        )

    @pytest.mark.parametrize(
        "value", ["x" * 65, "with space", 'quo"te', "ä".encode("latin-1"), "semi;colon", "a/b", "<script>", ""]
    )
    def test_a_bad_one_is_replaced(self, server, value):
        found = server.client().get("/api", headers={"X-Request-Id": value}).headers["X-Request-Id"]
        assert re.fullmatch(r"[A-Za-z0-9\-_.]{1,64}", found) and found.encode() != value, (
            f"{value!r} is replaced, got {found!r}"
        )

    def test_everybody_gets_another(self, server):
        found = [server.client().get("/api").headers["X-Request-Id"] for _ in range(50)]
        assert len(set(found)) == 50, "unique"

    def test_broken_requests_get_one_too(self, server):
        with RawConnection(server) as wire:
            wire.send(b"NONSENSE\r\n\r\n")
            answer = wire.response()
        assert answer.status == 400 and answer.header("X-Request-Id"), (
            f"X-Request-Id on every response, got {answer.headers}"
        )

    def test_downloads_errors_and_refusals_have_one(self, owner, done):
        for answer in (
            owner.api.get(f"/download/{done['id']}/vocals.wav", headers={"Range": "bytes=0-9", "X-Request-Id": "mine"}),
            owner.api.get(f"/download/{done['id']}", headers={"X-Request-Id": "mine"}),
            owner.session.upload(fields={"model": "nope"}, headers={"X-Request-Id": "mine"}),
        ):
            assert answer.headers["X-Request-Id"] == "mine", show(answer)


class TestHeaders:
    def test_no_cors_unless_the_operator_says_so(self, server, account):
        for method, path in (("GET", "/jobs"), ("OPTIONS", "/jobs"), ("OPTIONS", "/upload"), ("GET", "/nope")):
            answer = account.session.request(
                method, path, headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
            )
            cors = [name for name in answer.headers if name.lower().startswith("access-control")]
            assert cors == [], f"CORS is off, got {cors} on {method} {path}"

    def test_only_listed_origins_are_named(self, start_server):
        server = start_server(operator=False, server={"cors_origins": ["https://good.example"]})
        good = server.client().get("/api", headers={"Origin": "https://good.example"})
        assert good.headers["Access-Control-Allow-Origin"] == "https://good.example", f"listed, got {good.headers}"
        assert "Origin" in good.headers.get("Vary", ""), f"caches must know, got {good.headers}"
        for origin in ("https://evil.example", "null", "https://good.example.evil.example", "http://good.example"):
            bad = server.client().get("/api", headers={"Origin": origin})
            assert "Access-Control-Allow-Origin" not in bad.headers, f"{origin} is never reflected, got {bad.headers}"
        for answer in (good, bad):
            assert "Access-Control-Allow-Credentials" not in answer.headers, "never with credentials"

    def test_nothing_says_what_it_runs_on(self, server):
        for path in ("/api", "/nope"):
            answer = server.client().get(path)
            assert not re.search(r"Beast|Boost|\d\.\d", answer.headers.get("Server", "")), (
                f"no versions, got {answer.headers.get('Server')}"
            )


class TestConnections:
    def test_one_connection_serves_many_requests(self, server, account):
        with RawConnection(server) as wire:
            for n in range(100):
                wire.send(
                    request("GET", "/jobs", {"Authorization": f"Bearer {account.token}", "X-Request-Id": f"n{n}"})
                )
                answer = wire.response()
                assert (answer.status, answer.header("X-Request-Id")) == (200, f"n{n}"), f"keep-alive, got {answer}"

    def test_pipelined_requests_are_answered_in_order(self, server, account):
        with RawConnection(server) as wire:
            auth = {"Authorization": f"Bearer {account.token}"}
            wire.send(
                b"".join(
                    request("GET", path, {**auth, "X-Request-Id": f"p{n}"})
                    for n, path in enumerate(["/api", "/jobs", "/nope", "/credits/balance"] * 10)
                )
            )
            found = [wire.response() for _ in range(40)]
        assert [answer.header("X-Request-Id") for answer in found] == [f"p{n}" for n in range(40)], (
            "in the order of the requests"
        )
        assert [answer.status for answer in found] == [200, 200, 404, 200] * 10, "each its own answer"

    def test_an_upload_may_be_pipelined(self, account):
        auth = {"Authorization": f"Bearer {account.token}"}
        upload = request("POST", "/upload", {**auth, "Content-Type": FORM}, form(file_field(audio.song())))
        streamed = request("POST", "/upload", {**auth, "Content-Type": FORM, "Transfer-Encoding": "chunked"}) + chunked(
            form(file_field(audio.song()))
        )
        with RawConnection(account.server) as wire:
            wire.send(
                request("GET", "/api", auth)
                + upload
                + request("GET", "/jobs", auth)
                + streamed
                + request("GET", "/credits/balance", auth)
            )
            found = [wire.response() for _ in range(5)]
        assert [answer.status for answer in found] == [200] * 5, f"got {found}"
        assert len(found[2].json()["jobs"]) == 1 and found[4].json()["credits"] == 1.0, "each sees what came before it"

    def test_a_refused_body_does_not_become_the_next_request(self, server):
        inner = request("GET", "/api", {"X-Request-Id": "inner"})
        with RawConnection(server) as wire:
            wire.send(request("POST", "/upload", {"Content-Type": FORM}, inner))
            assert wire.response().status == 401, "refused from the headers"
            wire.send(request("GET", "/api", {"X-Request-Id": "outer"}))
            try:
                answer = wire.response()
                assert answer.header("X-Request-Id") == "outer", (
                    f"the body of a refused request is no request, got {answer.headers}"
                )
            except (EOFError, ConnectionError):
                pass  # closing is as good

    def test_connection_close_closes(self, server):
        with RawConnection(server) as wire:
            wire.send(request("GET", "/api", {"Connection": "close"}))
            assert wire.response().status == 200 and wire.is_closed(), "Connection: close is kept"

    def test_http_1_0_is_answered_and_closed(self, server):
        with RawConnection(server) as wire:
            wire.send(request("GET", "/api", version="1.0", host=None))
            assert wire.response().status == 200 and wire.is_closed(), "HTTP/1.0 without keep-alive"

    def test_requests_in_tiny_pieces_are_whole(self, server):
        with RawConnection(server) as wire:
            for byte in request("GET", "/api", {"X-Request-Id": "slowly"}):
                wire.send(bytes([byte]))
            assert wire.response().header("X-Request-Id") == "slowly", "byte by byte"

    def test_slow_clients_do_not_hold_up_others(self, server):
        lazy = [RawConnection(server) for _ in range(200)]
        try:
            for wire in lazy:
                wire.send(b"GET /api HTTP/1.1\r\nHost: x\r\nX-Slow: ")
            for _ in range(20):
                assert server.client().get("/api", timeout=5).status_code == 200, "others are served meanwhile"
            for wire in lazy:
                wire.send(b"yes\r\n\r\n")
            assert {wire.response().status for wire in lazy} == {200}, "and the slow ones in the end"
        finally:
            for wire in lazy:
                wire.close()

    def test_a_reader_that_stops_reading_holds_up_nobody(self, owner):
        job = owner.finished(content=audio.long_noise(1))
        lazy = [RawConnection(owner.server) for _ in range(10)]
        try:
            for wire in lazy:
                wire.send(request("GET", f"/download/{job['id']}", {"Authorization": f"Bearer {owner.token}"}))
            for _ in range(20):
                assert owner.session.get("/jobs", timeout=5).status_code == 200, "others are served meanwhile"
            whole = lazy[0].response().body
            assert whole == owner.session.get(f"/download/{job['id']}").content, "a slow reader gets it whole"
        finally:
            for wire in lazy:
                wire.close()

    @pytest.mark.fault
    def test_a_head_that_never_ends_is_cut_off(self, server):
        with RawConnection(server) as wire:
            wire.send(b"GET /api HTTP/1.1\r\nHost: x\r\n")
            wire.is_closed(timeout=180)
            try:
                wire.socket.settimeout(1)
                assert wire.socket.recv(1) == b"", "a head that never ends is cut off in time"
            except (TimeoutError, socket.timeout):
                pytest.fail("a head that never ends is cut off within three minutes")
            except ConnectionError:
                pass


LOGIN = b'{"email":"a@example.com","password":"x"}'


class TestSmuggling:
    """One message on the wire is one message for everybody, or it is refused and the connection closed."""

    INNER = b"GET /api HTTP/1.1\r\nHost: x\r\nX-Request-Id: smuggled\r\n\r\n"

    def send(self, server, data):
        """All answers until the server closes or goes quiet, and whether it closed."""
        found = []
        with RawConnection(server) as wire:
            wire.send(data)
            try:
                while True:
                    found.append(wire.response(timeout=3))
            except (EOFError, ConnectionError):
                return found, True
            except (TimeoutError, socket.timeout):
                return found, False

    def head(self, *lines, target="/auth/login", method="POST"):
        return "\r\n".join([f"{method} {target} HTTP/1.1", "Host: x", *lines, "", ""]).encode("latin-1")

    @pytest.mark.parametrize(
        "lines, body",
        [
            (["Content-Length: 5", "Transfer-Encoding: chunked"], b"0\r\n\r\n"),
            (["Transfer-Encoding: chunked", "Content-Length: 60"], b"0\r\n\r\n"),
            (["Content-Length: 40", "Content-Length: 0"], LOGIN),
            (["Content-Length: 0", "Content-Length: 40"], b""),
            (["Content-Length: 40, 0"], LOGIN),
            (["Content-Length: +40"], LOGIN),
            (["Content-Length: -1"], b""),
            (["Content-Length: 0x28"], LOGIN),
            (["Content-Length: 4 0"], LOGIN),
            (["Content-Length: 99999999999999999999999999"], LOGIN),
            (["Content-Length:"], LOGIN),
            (["Content-Length : 40"], LOGIN),
            (["Transfer-Encoding: xchunked"], b"0\r\n\r\n"),
            (["Transfer-Encoding: chunked, identity"], b"0\r\n\r\n"),
            (["Transfer-Encoding: identity, chunked, identity"], b"0\r\n\r\n"),
            (["Transfer-Encoding : chunked"], b"0\r\n\r\n"),
            (["Transfer-Encoding: chunked", "Transfer-Encoding: identity"], b"0\r\n\r\n"),
            (["X: y", " Transfer-Encoding: chunked"], b"0\r\n\r\n"),
            (["Transfer-Encoding: chunked"], b"-1\r\n\r\n"),
            (["Transfer-Encoding: chunked"], b"0x5\r\nhello\r\n0\r\n\r\n"),
            (["Transfer-Encoding: chunked"], b"fffffffffffffffff\r\nhello\r\n0\r\n\r\n"),
            (["Transfer-Encoding: chunked"], b"5\r\nhelloXX0\r\n\r\n"),
            (["Transfer-Encoding: chunked"], b"\r\n0\r\n\r\n"),
            (["Transfer-Encoding: chunked"], b"zz\r\n\r\n"),
        ],
    )
    def test_an_ambiguous_length_never_becomes_two_requests(self, server, lines, body):
        found, closed = self.send(server, self.head(*lines) + body + self.INNER)
        assert "smuggled" not in [answer.header("X-Request-Id") for answer in found], (
            f"{lines}: what follows is not taken as a request, got {found}"
        )
        assert closed and len(found) <= 1, f"{lines}: one answer at most, then the connection is closed, got {found}"
        assert all(answer.status in (400, 411, 413, 422, 501) for answer in found), (
            f"{lines}: a clear refusal, got {found}"
        )

    def test_a_body_on_get_is_not_the_next_request(self, server):
        found, _ = self.send(
            server,
            self.head(f"Content-Length: {len(self.INNER)}", "X-Request-Id: first", target="/api", method="GET")
            + self.INNER
            + request("GET", "/api", {"X-Request-Id": "last", "Connection": "close"}),
        )
        assert [answer.header("X-Request-Id") for answer in found] in (["first", "last"], ["first"]), (
            f"a body of GET is skipped or refused, got {found}"
        )

    def test_a_chunked_body_on_get_is_not_the_next_request(self, server):
        found, _ = self.send(
            server,
            self.head("Transfer-Encoding: chunked", "X-Request-Id: first", target="/api", method="GET")
            + chunked(self.INNER)
            + request("GET", "/api", {"X-Request-Id": "last", "Connection": "close"}),
        )
        assert "smuggled" not in [answer.header("X-Request-Id") for answer in found], f"got {found}"

    def test_trailers_and_extensions_of_chunks_are_harmless(self, server, account):
        body = json.dumps({"email": account.email, "password": account.password}).encode()
        data = b"%x;name=value\r\n%s\r\n0\r\nX-Trailer: y\r\nAuthorization: Bearer x\r\n\r\n" % (len(body), body)
        found, _ = self.send(
            server,
            self.head("Transfer-Encoding: chunked", "X-Request-Id: first")
            + data
            + request("GET", "/api", {"Connection": "close"}),
        )
        assert [answer.status for answer in found][:1] in ([200], [400]), f"taken or refused, got {found}"


class TestBrokenRequests:
    @pytest.mark.parametrize(
        "data",
        [
            b"NONSENSE\r\n\r\n",
            b"GET\r\n\r\n",
            b"GET /api\r\n\r\n",
            b"GET /api HTTP/9.9\r\nHost: x\r\n\r\n",
            b"GET /api HTTP/1.1\r\n\r\n",
            b"GET /api HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
            b"GET /api HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n",
            b"GET /api HTTP/1.1\r\nHost: x\r\nA\x00B: c\r\n\r\n",
            b"GET /api HTTP/1.1\r\nHost: x\r\nA: b\x00c\r\n\r\n",
            b"GET /a\x00pi HTTP/1.1\r\nHost: x\r\n\r\n",
            b"G\xc3\x84T /api HTTP/1.1\r\nHost: x\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200) + b"\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"GET api HTTP/1.1\r\nHost: x\r\n\r\n",
            b": empty\r\n\r\n",
            b"\r\n" * 100 + b"X\r\n\r\n",
        ],
    )
    def test_it_is_refused_and_closed(self, server, data):
        with RawConnection(server) as wire:
            wire.send(data)
            try:
                answer = wire.response(timeout=5)
                assert answer.status in (400, 404, 501, 505), f"{data[:40]!r}, got {answer}"
                assert "detail" in answer.json(), f"in the error envelope, got {answer}"
            except (EOFError, ConnectionError):
                pass  # closed without a word
        assert server.client().get("/api").status_code == 200, "the server is up"

    def test_heads_have_a_limit(self, server):
        for data in (
            b"GET /api HTTP/1.1\r\nHost: x\r\nA: " + b"x" * (1 << 20) + b"\r\n\r\n",
            request("GET", "/api?" + "x" * (1 << 20)),
            b"GET /api HTTP/1.1\r\nHost: x\r\n" + b"".join(b"A%d: b\r\n" % n for n in range(50_000)) + b"\r\n",
        ):
            with RawConnection(server) as wire:
                try:
                    wire.send(data)
                    answer = wire.response(timeout=10)
                    assert answer.status in (400, 413, 414, 431), f"a head of a mebibyte is refused, got {answer}"
                except (EOFError, ConnectionError):
                    pass
        assert server.client().get("/api").status_code == 200, "the server is up"

    def test_an_absolute_target_is_a_target(self, server):
        with RawConnection(server) as wire:
            wire.send(request("GET", f"http://127.0.0.1:{server.port}/api"))
            assert wire.response().status == 200, "RFC 9112: a server accepts the absolute form"

    def test_an_unknown_expectation_is_417_or_ignored(self, server):
        answer = server.client().post("/auth/login", json={}, headers={"Expect": "nonsense"})
        assert answer.status_code in (417, 422), show(answer)


def test_a_thousand_idle_connections_leave_room(server):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4096)), hard))
    idle = []
    try:
        for _ in range(1000):
            idle.append(socket.create_connection(("127.0.0.1", server.port), timeout=5))
        assert server.client().get("/api", timeout=10).status_code == 200, "a thousand idle connections are nothing"
    finally:
        for connection in idle:
            connection.close()


def test_many_clients_at_once_all_get_their_own_answer(server):
    accounts = [server.account() for _ in range(4)]
    wrong = []

    def ask(account):
        client = server.client(account.token)
        for _ in range(100):
            if client.get("/auth/me").json()["id"] != account.id:
                wrong.append(account.id)

    threads = [threading.Thread(target=ask, args=(account,)) for account in accounts for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == [], "everybody gets the own answer"
