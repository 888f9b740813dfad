"""`tollhouse models pull htdemucs`: what comes is what its name promises, goes on where it broke, and ends."""

import hashlib
import os
import pty
import signal
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.request import ProxyHandler, build_opener

import pytest

from support.checkpoint import checkpoint, published_name
from support.polling import until
from support.publisher import FOLDER, Publisher
from support.server import BINARY

pytestmark = pytest.mark.skipif(
    not (BINARY.parent / "libonnxruntime.so.1").exists(), reason="skipped: built without ONNX Runtime"
)

CONTENT = checkpoint()
NAME = published_name("955717e8", CONTENT)
DIGEST = hashlib.sha256(CONTENT).hexdigest()
OTHER = bytes(len(CONTENT))


@pytest.fixture
def publisher():
    made = Publisher()
    made.files[NAME] = CONTENT
    yield made
    made.close()


@pytest.fixture
def pull(house, publisher):
    """pull(...) succeeds and gives the result; pull.refuses(...) gives what was said, with nothing stored."""

    def run(*arguments, **environment):
        done = house("pull", "htdemucs", "--file", NAME, *arguments, TOLLHOUSE_MODELS_BASE_URL=publisher.url, **environment)
        assert done["weights_sha256"] == DIGEST and done["serves"] is True
        assert house.halves() == [], "a finished download is not kept"
        return done

    def refuses(*arguments, **environment):
        told = house.refuses("pull", "htdemucs", "--file", NAME, *arguments, **{"TOLLHOUSE_MODELS_BASE_URL": publisher.url, **environment})
        assert house.is_empty(), "nothing is stored"
        assert "Nothing was stored." in told
        return told

    run.refuses = refuses
    return run


class TestWhere:
    def test_without_a_base_url_it_says_what_to_set(self, house):
        told = house.refuses("pull", "htdemucs")
        assert "models.base_url" in told and "TOLLHOUSE_MODELS_BASE_URL" in told and "--base-url" in told
        assert "hybrid_transformer/955717e8-8726e21a.th" in told, "and what has to be there"

    def test_the_setting_says_it_and_the_flag_wins(self, house, publisher, tmp_path):
        settings = tmp_path / "tollhouse.toml"
        settings.write_text(f'[models]\nbase_url = "{publisher.url}"\n')
        assert house("pull", "htdemucs", "--file", NAME, "--config", str(settings))["made"] is True
        told = house.refuses("pull", "htdemucs", "--base-url", "http://127.0.0.1:9/", TOLLHOUSE_MODELS_BASE_URL=publisher.url)
        assert "http://127.0.0.1:9/hybrid_transformer/955717e8-8726e21a.th" in told

    @pytest.mark.parametrize("url", ["ftp://127.0.0.1/x", "file:///etc", "127.0.0.1", "http://user:pass@127.0.0.1/", "http://127.0.0.1/?a=b"])
    def test_what_is_no_base_url_is_refused(self, house, url):
        assert "must be a URL" in house.refuses("pull", "htdemucs", "--base-url", url)

    def test_a_proxy_of_the_environment_is_used(self, pull, publisher):
        seen = []

        class Proxy(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                seen.append(self.path)
                with build_opener(ProxyHandler({})).open(self.path) as answer:
                    body = answer.read()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        proxy = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        pull(http_proxy=f"http://127.0.0.1:{proxy.server_port}", no_proxy="", NO_PROXY="")
        assert seen == [publisher.url + FOLDER + NAME]
        proxy.shutdown()
        proxy.server_close()

    @pytest.mark.parametrize("name", ["weights.th", "../955717e8-8726e21a.th", "a/955717e8-8726e21a.th", "955717e8-8726E21A.th"])
    def test_a_name_that_promises_nothing_is_refused(self, house, publisher, name):
        assert "does not say what it holds" in house.refuses("pull", "htdemucs", "--file", name, "--base-url", publisher.url)
        assert publisher.requests == []


class TestGoingOn:
    def test_a_transfer_that_breaks_goes_on_where_it_broke(self, pull, publisher):
        publisher.next(NAME, cut=50_000)
        publisher.next(NAME, cut=30_000)
        pull()
        assert publisher.requests == [
            (NAME, None, None),
            (NAME, "bytes=50000-", publisher.etag(CONTENT)),
            (NAME, "bytes=80000-", publisher.etag(CONTENT)),
        ]

    def test_an_interrupted_pull_goes_on_with_what_it_had(self, house, pull, publisher):
        publisher.next(NAME, cut=50_000, hang=True)
        process = house.start("pull", "htdemucs", "--file", NAME, "--base-url", publisher.url)
        until(lambda: any(path.stat().st_size == 50_000 for path in house.halves()), "half of it is here")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
        assert process.returncode == -signal.SIGINT
        assert house.is_empty(), "what was not finished is not stored"
        pull()
        assert publisher.ranges(NAME) == [None, "bytes=50000-"]

    def test_a_server_without_ranges_sends_it_all_again(self, pull, publisher):
        publisher.next(NAME, cut=50_000)
        publisher.next(NAME, whole=True)
        pull()

    def test_a_file_that_changed_meanwhile_is_fetched_anew(self, pull, publisher):
        publisher.files[NAME] = OTHER
        publisher.next(NAME, status=503)
        publisher.next(NAME, cut=50_000)
        publisher.always[NAME] = {"status": 503}
        pull.refuses()
        publisher.files[NAME] = CONTENT
        publisher.always.clear()
        pull()

    def test_a_beginning_of_other_bytes_is_found_out_also_without_validators(self, pull, publisher):
        publisher.validators = False
        publisher.files[NAME] = OTHER
        publisher.next(NAME, cut=50_000)
        publisher.always[NAME] = {"status": 503}
        pull.refuses()
        publisher.files[NAME] = CONTENT
        publisher.always.clear()
        publisher.requests.clear()
        pull()
        assert publisher.requests == [(NAME, "bytes=50000-", None), (NAME, None, None)]

    def test_a_part_that_is_the_whole_is_taken(self, house, pull, publisher):
        publisher.next(NAME, length=len(CONTENT) + 1)  # breaks after its last byte
        publisher.always[NAME] = {"status": 503}
        pull.refuses()
        publisher.always.clear()
        pull()
        assert publisher.ranges(NAME)[-1] == f"bytes={len(CONTENT)}-", "asked for what is behind the end: 416"

    def test_a_part_that_is_longer_than_the_file_is_thrown_away(self, house, pull, publisher):
        publisher.files[NAME] = CONTENT + bytes(10_000)
        publisher.next(NAME, length=len(CONTENT) + 10_001)
        publisher.always[NAME] = {"status": 503}
        pull.refuses()
        publisher.always.clear()
        publisher.files[NAME] = CONTENT
        publisher.validators = False
        pull()

    def test_of_a_bag_only_what_is_missing_is_fetched_again(self, house, publisher):
        contents = [checkpoint(seed=seed) for seed in (2, 3)]
        names = [published_name(f"abcdef0{n}", content) for n, content in enumerate(contents)]
        publisher.files[names[0]] = contents[0]
        arguments = ("pull", "htdemucs_ft", "--base-url", publisher.url, "--file", names[0], "--file", names[1])
        assert "404" in house.refuses(*arguments)
        publisher.files[names[1]] = contents[1]
        publisher.requests.clear()
        assert house(*arguments)["repo_id"] == "tollhouse/htdemucs_ft"
        assert [name for name, _, _ in publisher.requests] == [names[1]]
        assert house.halves() == []

    def test_two_pulls_at_once_do_not_write_into_one_file(self, house, pull, publisher):
        publisher.next(NAME, cut=50_000, hang=True)
        first = house.start("pull", "htdemucs", "--file", NAME, "--base-url", publisher.url)
        until(house.halves, "the first one has begun")
        assert "being pulled by another process" in house.refuses("pull", "htdemucs", "--base-url", publisher.url)
        first.kill()
        first.communicate(timeout=30)


class TestPatience:
    def test_a_server_that_stumbles_is_asked_again(self, house, publisher):
        publisher.next(NAME, status=503, fields={"Retry-After": "1"})
        publisher.next(NAME, status=429)
        status, _, err = house.run("pull", "htdemucs", "--file", NAME, "--base-url", publisher.url)
        assert status == 0 and "503; again in 1.0 s" in err and "429; again in" in err
        assert f"{NAME}: 118.9 kB came in" in err

    def test_what_is_not_there_is_not_asked_for_twice(self, pull, publisher):
        del publisher.files[NAME]
        assert "404" in pull.refuses() and len(publisher.requests) == 1
        assert "models.base_url" in pull.refuses(), "says what to look at"

    def test_a_drip_ends(self, pull, publisher):
        publisher.always[NAME] = {"drip": 10}
        told = pull.refuses("--models-download-timeout", "2")
        assert "models.download_timeout" in told and "the same command goes on" in told
        publisher.always.clear()
        pull()
        assert publisher.ranges(NAME)[-1].startswith("bytes="), "what dripped in was kept"

    def test_silence_ends(self, pull, publisher):
        publisher.next(NAME, cut=1000, hang=True)
        assert "models.download_timeout" in pull.refuses("--models-download-timeout", "2")

    def test_an_endless_body_ends(self, house, pull, publisher):
        publisher.next(NAME, endless=True)
        assert "models.max_download_bytes" in pull.refuses("--models-max-download-bytes", "1000000")
        assert all(path.stat().st_size == 0 for path in house.halves() if path.suffix == ".part"), "and what came of it goes"
        pull()

    def test_a_file_that_says_it_is_too_large_is_not_begun(self, house, pull, publisher):
        assert "models.max_download_bytes" in pull.refuses("--models-max-download-bytes", "100000")
        assert all(path.stat().st_size == 0 for path in house.halves() if path.suffix == ".part")


class TestLies:
    @pytest.mark.parametrize("content", [b"<html>Please sign in</html>", OTHER, CONTENT[:-1]], ids=["a page", "zeros", "a byte less"])
    def test_other_bytes_are_refused_and_dropped(self, house, pull, publisher, content):
        publisher.files[NAME] = content
        told = pull.refuses()
        assert "another SHA-256" in told and hashlib.sha256(content).hexdigest() in told
        assert not any(path.suffix == ".part" for path in house.halves())

    def test_an_empty_file_is_refused(self, pull, publisher):
        publisher.files[NAME] = b""
        assert "empty" in pull.refuses()

    def test_another_part_than_was_asked_for_is_refused(self, pull, publisher):
        publisher.next(NAME, cut=50_000)
        publisher.next(NAME, range=f"bytes 60000-{len(CONTENT) - 1}/{len(CONTENT)}")
        assert "another part" in pull.refuses()
        pull()
        assert publisher.ranges(NAME)[-1] is None, "begins anew after that"

    def test_an_answer_without_the_file_is_refused(self, pull, publisher):
        publisher.next(NAME, status=203, body=CONTENT)
        assert "answered 203" in pull.refuses()

    def test_redirects_are_followed(self, pull, publisher):
        mirror = Publisher()
        mirror.files[NAME] = CONTENT
        publisher.always[NAME] = {"status": 302, "fields": {"Location": mirror.url + FOLDER + NAME}}
        mirror.next(NAME, cut=50_000)
        pull()
        assert mirror.ranges(NAME) == [None, "bytes=50000-"]
        mirror.close()

    def test_redirects_in_a_circle_end_at_once(self, pull, publisher):
        publisher.always[NAME] = {"status": 302, "fields": {"Location": FOLDER + NAME}}
        assert "redirects" in pull.refuses()
        assert len(publisher.requests) == 11

    @pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/x"])
    def test_redirects_to_anything_but_http_are_refused(self, pull, publisher, location):
        publisher.always[NAME] = {"status": 302, "fields": {"Location": location}}
        assert "not supported" in pull.refuses().lower() or "disabled" in pull.refuses()

    def test_a_right_file_that_is_no_model_is_refused(self, house, publisher):
        content = b"no checkpoint, but long enough to be read"
        name = published_name("955717e8", content)
        publisher.files[name] = content
        told = house.refuses("pull", "htdemucs", "--file", name, "--base-url", publisher.url)
        assert "not a checkpoint of HTDemucs" in told
        assert house.is_empty() and house.halves() == []


def test_a_terminal_sees_how_far_it_is(house, publisher):
    publisher.always[NAME] = {"drip": 4000}
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [str(BINARY), "models", "pull", "htdemucs", "--file", NAME, "--base-url", publisher.url, "--data", str(house.data), *house.database],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=follower,
    )
    os.close(follower)
    seen = b""
    while True:
        try:
            piece = os.read(leader, 65536)
        except OSError:
            break
        if not piece:
            break
        seen += piece
    os.close(leader)
    assert process.wait(timeout=60) == 0
    process.stdout.close()
    drawn = [part for part in seen.split(b"\r\033[K") if b" of 118.9 kB, " in part]
    assert len(drawn) > 3 and any(b"kB/s" in part for part in drawn), f"bytes, share and speed: {seen[:500]}"
    assert f"{NAME}: 118.9 kB came in".encode() in seen
