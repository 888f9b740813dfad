"""What hostile, broken or unlucky clients send: a clear error or a failed job, the credit back, no orphan file, the server up."""

import asyncio
import gzip
import io
import json
import resource
import socket
import struct
import subprocess
import threading
import time
import zipfile

import pytest

from support import audio, raw
from support.checks import answers, is_job, show
from support.polling import until
from support.raw import FORM, RawConnection, file_field, form

NO_AUDIO = "The file has no audio that can be decoded"


@pytest.fixture(scope="module")
def clean(start_module_server):
    """A server whose data folder a test may compare before and after."""
    return start_module_server()


def fails_cleanly(server, name, content, message=NO_AUDIO):
    """Accepted by its extension, failed by its content, paid back, and nothing left once deleted."""
    account = server.account()
    before = server.files()
    job = is_job(account.wait(account.upload(name, content)["id"]))
    assert (job["status"], job["error_message"]) == ("failed", message), f"{name} fails with a clear text, got {job}"
    assert account.credits() == 3.0, "the credit is back"
    assert account.session.delete(f"/jobs/{job['id']}").status_code == 200
    until(lambda: server.files() <= before, f"no orphan file after {name}, found {server.files() - before}", 60)
    assert server.client().get("/readyz").status_code == 200, "the server is up"


def zip_bomb():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for n in range(4):
            archive.writestr(f"bomb{n}.wav", bytes(50 << 20))
    return out.getvalue()


CONTENTS = {
    "text": lambda: b"this is no music\n" * 100,
    "nothing": lambda: b"",
    "one byte": lambda: b"\x00",
    "a 10-byte WAV that claims 4 GiB": lambda: b"RIFF\xff\xff\xff\xffWA",
    "a WAV head that claims 4 GiB": lambda: b"RIFF\xff\xff\xff\xffWAVEfmt \xff\xff\xff\xff",
    "a WAV of no samples": lambda: audio.as_wav(b""),
    "a zip bomb": zip_bomb,
    "a gzip bomb": lambda: gzip.compress(bytes(50 << 20), 9),
    "noise": lambda: audio.random.Random(3).randbytes(200_000),
    "an MP3 cut in its head": lambda: audio.encoded(".mp3")[:50],
    "a FLAC of head only": lambda: audio.encoded(".flac")[:42],
    "an ELF program": lambda: open("/bin/true", "rb").read(),
    "a film without sound": audio.silent_film,
    "a picture": lambda: audio.ffmpeg(
        ("-f", "lavfi", "-i", "color=red:size=16x16:duration=0.1", "-frames:v", "1"), ".png"
    ),
    "an XML bomb": lambda: (
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;">]><a>&c;</a>'
    ),
}


@pytest.mark.parametrize("what", CONTENTS)
@pytest.mark.parametrize("name", ["song.mp3", "song.wav", "song.mp4"])
def test_content_that_is_no_music_fails_cleanly(clean, what, name):
    fails_cleanly(clean, name, CONTENTS[what]())


@pytest.mark.parametrize(
    "field, value",
    [("rate", 0), ("rate", 0xFFFFFFFF), ("channels", 0), ("channels", 0xFFFF), ("bits", 0), ("bits", 0xFFFF)],
)
def test_absurd_wav_heads_never_hurt(clean, field, value):
    fields = {"channels": 2, "rate": 44100, "bits": 16, field: value}
    head = struct.pack("<HHIIHH", 1, fields["channels"], fields["rate"], 176400, 4, fields["bits"])
    content = (
        b"RIFF"
        + struct.pack("<I", 1 << 20)
        + b"WAVEfmt "
        + struct.pack("<I", 16)
        + head
        + b"data"
        + struct.pack("<I", 0xFFFFFFF0)
        + bytes(10_000)
    )
    account = clean.account()
    job = is_job(account.wait(account.upload("absurd.wav", content)["id"]))
    assert account.credits() == (2.0 if job["status"] == "completed" else 3.0), (
        f"done and paid, or failed and free, got {job}"
    )
    assert account.wait(account.upload()["id"])["status"] == "completed", "the worker lives on"


def test_a_cut_song_is_done_as_far_as_it_goes_or_fails(clean):
    for suffix in (".wav", ".mp3", ".flac", ".ogg", ".m4a"):
        content = audio.song() if suffix == ".wav" else audio.encoded(suffix)
        account = clean.account()
        job = is_job(account.wait(account.upload(f"cut{suffix}", content[: len(content) // 2])["id"]))
        assert job["status"] in ("completed", "failed"), f"cut{suffix}, got {job}"
        assert account.credits() == (2.0 if job["status"] == "completed" else 3.0), "done and paid, or failed and free"


class TestReferences:
    """Decoding sees only the uploaded bytes: no network, no other file."""

    @pytest.fixture
    def listener(self):
        """Counts who connects."""
        server = socket.create_server(("127.0.0.1", 0))
        server.settimeout(0.1)
        seen, stop = [], threading.Event()

        def accept():
            while not stop.is_set():
                try:
                    connection, _ = server.accept()
                    seen.append(connection.recv(1000))
                    connection.close()
                except (TimeoutError, socket.timeout):
                    pass

        thread = threading.Thread(target=accept)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", seen
        stop.set()
        thread.join()
        server.close()

    def playlists(self, address, secret):
        return {
            "m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{address}/a.ts\n#EXT-X-ENDLIST\n",
            "m3u8 of a file": f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile://{secret}\n#EXT-X-ENDLIST\n",
            "concat": f"ffconcat version 1.0\nfile '{secret}'\n",
            "concat of an address": f"ffconcat version 1.0\nfile '{address}/a.wav'\n",
            "dash": f'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT1S"><Period><AdaptationSet '
            f'contentType="audio"><Representation id="1" bandwidth="1"><BaseURL>{address}/a.mp4</BaseURL></Representation></AdaptationSet></Period></MPD>',
            "sdp": f"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio {address.rpartition(':')[2]} RTP/AVP 0\n",
            "smil": f'<smil><body><audio src="{address}/a.wav"/></body></smil>',
        }

    def test_a_playlist_opens_nothing(self, clean, listener, tmp_path):
        address, seen = listener
        secret = tmp_path / "secret.wav"
        secret.write_bytes(audio.song())
        tmp_path.chmod(0o755)
        for kind, text in self.playlists(address, secret).items():
            for name in ("list.mp3", "list.ts"):
                fails_cleanly(clean, name, text.encode())
            account = clean.account()
            for name in ("list.m3u8", "list.ffconcat", "list.mpd", "list"):
                answer = account.session.upload(name, text.encode())
                assert answer.status_code == 400, f"{kind} as {name} has no audio of its own, {show(answer)}"
        assert seen == [], f"decoding opens no connection, got {seen}"


class TestBrokenMultipart:
    def test_random_cuts_and_flips_never_hurt(self, clean):
        """A few hundred damaged bodies: each gets an answer in the envelope, none makes more than it pays for."""
        account = clean.account(credits=1000)
        body = form(
            raw.text_field("model", "htdemucs"),
            file_field(b"no music" * 20, "bad.mp3"),
            raw.text_field("stem_count", "4"),
        )
        chance = audio.random.Random(4)
        for _ in range(300):
            damaged = bytearray(body)
            for _ in range(chance.randrange(1, 4)):
                place = chance.randrange(len(damaged))
                if chance.random() < 0.5:
                    damaged[place] = chance.randrange(256)
                else:
                    del damaged[place : place + chance.randrange(1, 30)]
                    if not damaged:
                        damaged = bytearray(b"x")
            answer = account.session.post("/upload", data=bytes(damaged), headers={"Content-Type": FORM})
            assert answer.status_code in (200, 400, 422), (
                f"a damaged body gets a clear answer, {show(answer)} for {bytes(damaged)!r}"
            )
        until(
            lambda: not account.jobs(status="pending", limit=1) and not account.jobs(status="processing", limit=1),
            "what was accepted has ended",
            120,
        )
        assert account.credits() == 1000.0, "all credits are back"

    def test_ten_thousand_parts(self, clean):
        account = clean.account()
        body = form(*(raw.text_field(f"f{n}", "x") for n in range(10_000)), file_field(audio.song()))
        answer = account.session.post("/upload", data=body, headers={"Content-Type": FORM})
        assert answer.status_code in (200, 400), f"a clear answer, {show(answer)}"


class TestClientsThatLeave:
    def leave(self, server, account, body, sent, abort, **headers):
        wire = RawConnection(server)
        fields = {
            "Authorization": f"Bearer {account.token}",
            "Content-Type": FORM,
            "Content-Length": str(len(body)),
            **headers,
        }
        if "Transfer-Encoding" in fields:
            del fields["Content-Length"]
        wire.send(raw.request("POST", "/upload", fields) + body[:sent])
        wire.abort() if abort else wire.close()

    @pytest.mark.parametrize("abort", [True, False], ids=["reset", "close"])
    def test_mid_body_nothing_is_left(self, clean, abort):
        account = clean.account()
        before = clean.files()
        body = form(file_field(audio.song()))
        for sent in (0, 10, 100, 5000, len(body) // 2, len(body) - 1):
            self.leave(clean, account, body, sent, abort)
        chunk = b"%x\r\n%s\r\n" % (5000, body[:5000])
        self.leave(clean, account, chunk, len(chunk) - 10, abort, **{"Transfer-Encoding": "chunked"})
        until(
            lambda: clean.files() <= before,
            f"no orphan file after clients that left, found {clean.files() - before}",
            60,
        )
        assert account.jobs() == [] and account.credits() == 3.0 and len(account.history()) == 1, "no job, no charge"

    def test_before_the_answer_the_job_is_whole(self, clean):
        """The body was complete: either a job that was paid for, or nothing at all."""
        account = clean.account()
        body = form(file_field(audio.song()))
        self.leave(clean, account, body, len(body), True)
        account.finished()
        jobs = account.jobs()
        for job in jobs:
            account.wait(job["id"])
        assert account.credits() == 3.0 - len(jobs), f"one credit a job, got {len(jobs)} jobs"

    def test_during_a_download_nothing_hangs(self, clean):
        account = clean.account()
        job = account.finished()
        for _ in range(20):
            wire = RawConnection(clean)
            wire.send(raw.request("GET", f"/download/{job['id']}", {"Authorization": f"Bearer {account.token}"}))
            wire.socket.recv(1000)
            wire.abort()
        assert account.session.get(f"/download/{job['id']}").status_code == 200, "the next download is whole"


def upload_over(port, token, body):
    """One upload over a bare asyncio connection -> its status."""

    async def one(start):
        await start.wait()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            raw.request(
                "POST",
                "/upload",
                {"Authorization": f"Bearer {token}", "Content-Type": FORM, "Connection": "close"},
                body,
            )
        )
        status = int((await asyncio.wait_for(reader.readline(), 120)).split()[1])
        await reader.read()
        writer.close()
        return status

    return one


def parallel_uploads(server, account, count, content):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4096)), hard))

    async def all_of_them():
        start = asyncio.Event()
        one = upload_over(server.port, account.token, form(file_field(content)))
        tasks = [asyncio.create_task(one(start)) for _ in range(count)]
        start.set()
        return await asyncio.gather(*tasks)

    return asyncio.run(all_of_them())


@pytest.mark.parametrize("count", [200, pytest.param(1000, marks=pytest.mark.fault)])
def test_parallel_uploads_on_three_credits_make_three_jobs(start_server, count):
    server = start_server()
    account = server.account()
    before = server.files()
    statuses = parallel_uploads(server, account, count, audio.song(0.2))
    assert sorted(set(statuses)) == [200, 402] and statuses.count(200) == 3, (
        f"exactly three 200, the rest 402, got { ({status: statuses.count(status) for status in set(statuses)}) }"
    )
    jobs = account.jobs()
    assert len(jobs) == 3 and account.credits() == 0.0, "three jobs, balance 0"
    for job in jobs:
        assert account.wait(job["id"])["status"] == "completed", "all three are done"
    account.session.delete("/jobs", json=[job["id"] for job in jobs])
    until(lambda: server.files() <= before, f"no orphan file, found {server.files() - before}", 60)


class TestFullDisk:
    @pytest.fixture
    def tiny(self, start_server, tmp_path_factory):
        """A server whose data folder is a file system of 24 MiB."""
        server = start_server.prepare()
        server.data.mkdir(parents=True)
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(server.data)], capture_output=True, text=True
        )
        if mounted.returncode != 0:
            pytest.skip(f"needs the right to mount a small file system: {mounted.stderr.strip()}")
        try:
            yield server.start(operator=True)
        finally:
            server.dispose()
            subprocess.run(["umount", "-l", str(server.data)], check=True)

    def test_an_upload_that_does_not_fit_is_refused_clearly(self, tiny):
        account = tiny.account()
        before = tiny.files()
        answer = account.session.upload("big.wav", audio.as_wav(bytes(64 << 20)))
        assert answer.status_code in (500, 503, 507) and isinstance(answer.json()["detail"], str), (
            f"a clear error, {show(answer)}"
        )
        assert str(tiny.data) not in answer.text and "No space" not in answer.text, (
            f"no path and no system text, {show(answer)}"
        )
        until(lambda: tiny.files() <= before, f"no orphan file, found {tiny.files() - before}", 60)
        assert account.credits() == 3.0 and account.jobs() == [], "nothing is charged"
        assert account.finished(content=audio.song(0.5))["status"] == "completed", (
            "the server is up and has its space back"
        )

    def test_work_that_does_not_fit_fails_and_is_paid_back(self, tiny):
        account = tiny.account()
        job = account.wait(account.upload("long.wav", audio.long_noise(5))["id"], seconds=120)
        assert (job["status"], job["error_message"]) == ("failed", "Processing failed"), (
            f"outputs of 200 MiB do not fit, got {job}"
        )
        assert account.credits() == 3.0, "the credit is back"
        account.session.delete(f"/jobs/{job['id']}")
        assert account.finished(content=audio.song(0.5))["status"] == "completed", (
            "the server is up and has its space back"
        )


class TestKilledWorkers:
    def test_a_killed_worker_costs_an_attempt_not_the_job(self, start_server):
        server = start_server(stems={"max_concurrent_jobs": 1})
        account = server.account()
        job = account.upload(content=audio.long_noise(2))["id"]
        account.wait(job, "processing")
        assert server.kill_workers(), "work is done in processes of their own"
        assert account.wait(job, seconds=120)["status"] == "completed", "a lost worker is replaced and the job goes on"
        assert account.credits() == 2.0 and len(account.history()) == 2, "one credit"

    def test_after_three_lost_runs_the_job_fails_and_is_paid_back(self, start_server):
        server = start_server(stems={"max_concurrent_jobs": 1})
        account = server.account()
        job = account.upload(content=audio.long_noise())["id"]
        killed = set()

        def kill():
            now = account.job(job)
            if now["status"] == "processing" and now["progress"] < 100:
                fresh = [pid for pid in server.workers() if pid not in killed]
                if fresh:
                    killed.update(server.kill_workers())
            return now if now["status"] == "failed" else None

        ended = until(kill, "the job fails after three lost runs", 120)
        assert ended["error_message"] == "Processing failed", f"got {ended}"
        assert account.credits() == 3.0, "the hold is released"
        assert account.wait(account.upload()["id"])["status"] == "completed", "the next job is done by a new worker"

    @pytest.mark.fault
    @pytest.mark.parametrize("moment", range(10))
    def test_kill_9_of_workers_at_every_step(self, start_server, moment):
        """The moment is a share of the job's progress: reading, separating, encoding, storing."""
        server = start_server(stems={"max_concurrent_jobs": 1})
        account = server.account()
        before = server.files()
        job = account.upload(content=audio.long_noise(1))["id"]
        until(
            lambda: account.job(job)["progress"] >= moment * 10 or account.job(job)["status"] == "completed",
            f"progress {moment * 10}",
            60,
        )
        server.kill_workers()
        ended = is_job(account.wait(job, seconds=120))
        assert ended["status"] == "completed", f"one lost run is not the end, got {ended}"
        assert account.credits() == 2.0, "one credit"
        account.session.delete(f"/jobs/{job}")
        until(lambda: server.files() <= before, f"no orphan file, found {server.files() - before}", 60)


class TestKilledServer:
    def settle(self, server, account, before):
        """After any crash: every job ends, credits match jobs, and deleting leaves the folder as it was."""
        for job in account.jobs():
            account.wait(job["id"], seconds=120)
        jobs = account.jobs()
        spent = sum(job["status"] == "completed" for job in jobs)
        assert account.credits() == 3.0 - spent, (
            f"one credit a completed job, got {account.credits()} with {[job['status'] for job in jobs]}"
        )
        if jobs:
            account.session.delete("/jobs", json=[job["id"] for job in jobs])
        until(lambda: server.files() <= before, f"no orphan file, found {server.files() - before}", 60)
        server.set_credits(account, 1)
        assert account.finished()["status"] == "completed", "the server works"

    def test_during_an_upload_nothing_is_left(self, start_server):
        server = start_server()
        account = server.account()
        before = server.files()
        body = form(file_field(audio.as_wav(bytes(8 << 20))))
        with RawConnection(server) as wire:
            wire.send(
                raw.request(
                    "POST", "/upload", {"Authorization": f"Bearer {account.token}", "Content-Type": FORM}, body
                )[:-1000]
            )
            until(lambda: server.largest_unnamed_file() > 1 << 20, "bytes go to storage as they come", 10)
            server.kill9()
        server.start()
        assert account.jobs() == [] and account.credits() == 3.0, "no job and no charge"
        self.settle(server, account, before)

    @pytest.mark.fault
    @pytest.mark.parametrize("moment", range(12))
    def test_kill_9_of_the_server_at_every_step(self, start_server, moment):
        """Kills while ten clients upload, work runs, jobs are cancelled and deleted; the moment moves through it."""
        server = start_server(stems={"max_concurrent_jobs": 2})
        account = server.account()
        before = server.files()
        stop = threading.Event()

        def work():
            client = server.client(account.token)
            while not stop.is_set():
                try:
                    answer = client.upload("song.wav", audio.song(0.5), timeout=5)
                    if answer.status_code == 200:
                        client.post(f"/jobs/{answer.json()['id']}/cancel", timeout=5)
                        client.post(f"/jobs/{answer.json()['id']}/retry", timeout=5)
                except OSError:
                    pass

        threads = [threading.Thread(target=work) for _ in range(10)]
        for thread in threads:
            thread.start()
        time.sleep(0.05 + 0.07 * moment)  # the moment of the crash is the variable under test
        server.kill9()
        stop.set()
        for thread in threads:
            thread.join()
        server.start()
        history = account.history()
        assert account.credits() == round(sum(row["amount"] for row in history), 6) >= 0, (
            "the balance is the sum of the history"
        )
        self.settle(server, account, before)

    @pytest.mark.fault
    @pytest.mark.parametrize("moment", range(6))
    def test_kill_9_while_a_job_runs(self, start_server, moment):
        server = start_server(stems={"max_concurrent_jobs": 1})
        account = server.account()
        before = server.files()
        job = account.upload(content=audio.long_noise(1))["id"]
        until(
            lambda: account.job(job)["progress"] >= moment * 18 or account.job(job)["status"] == "completed",
            f"progress {moment * 18}",
            60,
        )
        server.restart(kill=True)
        assert account.wait(job, seconds=120)["status"] == "completed", "the job goes on after the restart"
        self.settle(server, account, before)


class TestNames:
    @pytest.mark.parametrize(
        "name",
        [
            "../../../etc/cron.d/x.wav",
            "a" * 5000 + ".wav",
            "💣" * 300 + ".wav",
            "con.wav",
            ".wav",
            "...wav",
            "-rf.wav",
            "%s%n.wav",
            "a\u202egnp.wav",
            "{{7*7}}.wav",
            "<img src=x onerror=alert(1)>.wav",
            "$(touch x).wav",
            "'; DROP TABLE jobs; --.wav",
        ],
    )
    def test_any_name_is_separated_and_downloads(self, owner, name):
        answer = owner.session.post(
            "/upload", data=form(file_field(audio.song(0.2), name.replace('"', '\\"'))), headers={"Content-Type": FORM}
        )
        answers(answer, 200, name[:40])
        job = owner.wait(answer.json()["id"])
        assert job["status"] == "completed" and "/" not in job["filename"], f"got {job}"
        download = answers(owner.api.get(f"/download/{job['id']}"), 200, "its ZIP")
        assert (
            "\n" not in download.headers["Content-Disposition"]
            and zipfile.ZipFile(io.BytesIO(download.content)).testzip() is None
        ), "a sound ZIP"

    def test_invalid_utf8_in_a_name_is_answered_clearly(self, account):
        body = form(file_field(audio.song(), "NAME.wav")).replace(b"NAME", b"a\xff\xfeb\xc3")
        answer = account.session.post("/upload", data=body, headers={"Content-Type": FORM})
        assert answer.status_code in (200, 400), show(answer)
        json.loads(answer.content.decode("utf-8"))
        assert account.session.get("/jobs").json() is not None, "the list stays valid JSON"


def test_a_compressed_request_is_not_unpacked(clean, account):
    body = gzip.compress(b'{"email":"' + b"x" * (20 << 20) + b'"}')
    answer = clean.client().post(
        "/auth/login", data=body, headers={"Content-Encoding": "gzip", "Content-Type": "application/json"}
    )
    assert answer.status_code in (400, 415, 422), f"no request is unpacked, {show(answer)}"


def test_an_xml_or_binary_body_is_clear_json_fault(clean):
    for body in (b"<a/>", bytes(range(256)), b"\xef\xbb\xbf{}", "{}".encode("utf-16")):
        answer = clean.client().post("/auth/login", data=body)
        assert answer.status_code == 422 and "detail" in answer.json(), f"{body[:10]!r}, {show(answer)}"
