"""Sections 3 and 7: jobs, their lists, their states, and the files that come out."""

import io
import json
import re
import shlex
import subprocess
import threading
import uuid
import zipfile
from datetime import datetime

import pytest

from support import audio
from support.audio import Decoded
from support.checks import answers, entries, is_job, refused, show, value_error
from support.polling import until

NOT_FOUND = "Job not found"
TYPES = {".wav": "audio/wav", ".flac": "audio/flac", ".mp3": "audio/mpeg"}
STEMS = ("bass", "drums", "other", "vocals")


def same_headers(head, get, promise):
    volatile = {"date", "x-request-id", "connection", "keep-alive"}
    left, right = (
        {name.lower(): value for name, value in answer.headers.items() if name.lower() not in volatile}
        for answer in (head, get)
    )
    assert left == right, f"{promise}: HEAD has the headers of GET, {left} instead of {right}"


class TestTheJob:
    def test_a_completed_job_has_all_its_fields(self, owner, done):
        job = is_job(owner.job(done["id"]))
        assert (job["status"], job["progress"], job["error_message"], job["cost"]) == ("completed", 100, None, 1.0), (
            f"got {job}"
        )
        assert job["download_url"] == f"/download/{job['id']}", (
            f"download_url while completed, got {job['download_url']}"
        )
        assert job["stems"] == [f"{stem}.wav" for stem in STEMS], (
            f"the files that can be downloaded, got {job['stems']}"
        )
        assert job["served_by"] == "builtin-spectral", f"what really did the work, got {job['served_by']}"
        assert job["created_at"] <= job["started_at"] <= job["completed_at"], f"times in order, got {job}"

    def test_a_failed_job_has_all_its_fields(self, account):
        job = is_job(account.failed())
        assert job["error_message"] == "The file has no audio that can be decoded", (
            f"one of the five texts, got {job['error_message']}"
        )
        assert (job["download_url"], job["stems"]) == (None, []), f"nothing to download, got {job}"
        assert job["cost"] == 1.0, "cost stays when the credit is given back"
        assert job["completed_at"] >= job["created_at"], "completed_at is when it failed"

    @pytest.mark.parametrize(
        "name, fields", [("my song.wav", {}), ("it's;`x`.wav", {"stem_count": "2", "two_stem_type": "bass"})]
    )
    def test_the_command_is_what_a_person_would_type(self, owner, name, fields):
        job = owner.finished(name, **fields)
        words = shlex.split(job["demucs_command"])
        assert words[:3] == ["demucs", "-n", "htdemucs"], f"an equivalent command, got {job['demucs_command']}"
        assert words[-1] == name, f"the file name is shell-quoted, without server path, got {job['demucs_command']}"
        if fields:
            assert "--two-stems" in job["demucs_command"] and "bass" in words[-2], (
                f"two stems are asked for, got {job['demucs_command']}"
            )

    def test_the_two_routes_of_a_job_are_one(self, owner, done):
        assert owner.api.get(f"/status/{done['id']}").content == owner.api.get(f"/jobs/{done['id']}").content, (
            "GET /status/{id} is the same"
        )

    def test_progress_grows_and_ends_at_100(self, account):
        job_id = account.upload(content=audio.long_noise(1))["id"]
        seen = []
        until(
            lambda: seen.append(is_job(account.job(job_id))) or seen[-1]["status"] == "completed",
            "the job completes",
            90,
        )
        values = [job["progress"] for job in seen]
        assert values == sorted(values) and values[-1] == 100, (
            f"progress grows within a run and ends at 100, got {values}"
        )
        assert len({value for value in values if 0 < value < 100}) >= 1, (
            f"progress is refreshed while work advances, got {values}"
        )

    @pytest.mark.parametrize(
        "job_id",
        [
            "x",
            "abc-123-def",
            "0",
            "-1",
            "null",
            "%00",
            "%F0%9F%8E%B5",
            "a" * 2000,
            "' OR 1=1 --",
            str(uuid.uuid4()).upper(),
        ],
    )
    def test_any_other_id_is_simply_unknown(self, owner, job_id):
        for path in (f"/jobs/{job_id}", f"/status/{job_id}", f"/jobs/{job_id}/stems", f"/download/{job_id}"):
            refused(owner.api.get(path), 404, NOT_FOUND, path)
        refused(owner.api.delete(f"/jobs/{job_id}"), 404, NOT_FOUND, "delete")

    def test_an_id_in_capitals_is_another_id(self, owner, done):
        refused(owner.api.get(f"/jobs/{done['id'].upper()}"), 404, NOT_FOUND, "ids are lower-case")


class TestList:
    @pytest.fixture(scope="class")
    def many(self, start_module_server):
        """An account with 60 failed jobs, newest first."""
        server = start_module_server()
        account = server.account(credits=100)
        ids = [account.upload(f"bad{n}.mp3", b"no music")["id"] for n in range(60)]
        until(
            lambda: not account.jobs(status="pending") and not account.jobs(status="processing"),
            "all of them fail",
            120,
        )
        account.ids = ids[::-1]
        return account

    def test_no_jobs_are_an_empty_list(self, account):
        assert account.session.get("/jobs").json() == {"jobs": []}, "an empty list is a list"

    def test_newest_first_and_fifty_unless_asked(self, many):
        jobs = many.jobs()
        assert [job["id"] for job in jobs] == many.ids[:50], "newest first by creation, at most 50"
        for job in jobs:
            is_job(job)

    @pytest.mark.parametrize("limit", [1, 7, 59, 60, 500])
    def test_pages_join_into_the_whole_list(self, many, limit):
        path, seen, pages = f"/jobs?limit={limit}", [], 0
        while path:
            answer = answers(many.session.get(path), 200, path)
            assert list(answer.json()) == ["jobs"], "the body keeps its one key"
            page = [job["id"] for job in answer.json()["jobs"]]
            assert 1 <= len(page) <= limit, f"a page holds 1 to {limit}, got {len(page)}"
            seen += page
            pages += 1
            link = answer.headers.get("Link")
            assert link is None or re.fullmatch(r'</jobs\?[^>]+>; rel="next"', link), (
                f"the next page is announced by Link, got {link}"
            )
            path = link and link[1 : link.index(">")]
        assert seen == many.ids, "every job once, in order"
        assert pages == -(-60 // limit), f"no empty page at the end, got {pages}"

    def test_before_continues_after_a_job(self, many):
        page = many.jobs(limit=3, before=many.ids[10])
        assert [job["id"] for job in page] == many.ids[11:14], "before is the last id one has seen"

    def test_status_filters_and_pages_keep_the_filter(self, many):
        assert many.jobs(status="completed") == [], "no completed ones"
        answer = many.session.get("/jobs?status=failed&limit=2")
        assert len(answer.json()["jobs"]) == 2 and "status=failed" in answer.headers["Link"], (
            f"the filter goes on, got {answer.headers}"
        )

    @pytest.mark.parametrize(
        "field, value",
        [
            ("limit", "0"),
            ("limit", "501"),
            ("limit", "-1"),
            ("limit", "abc"),
            ("limit", "1.5"),
            ("status", "done"),
            ("status", "FAILED"),
            ("before", "nope"),
            ("before", str(uuid.uuid4())),
        ],
    )
    def test_bad_values_are_422(self, many, field, value):
        found = entries(many.session.get("/jobs", params={field: value}), f"{field}={value}")
        assert [(entry["loc"], entry["input"]) for entry in found] == [(["query", field], value)], (
            f"{field}={value} is named, got {found}"
        )

    def test_other_query_parameters_do_no_harm(self, many):
        assert len(many.session.get("/jobs?colour=blue&limit=2").json()["jobs"]) == 2, "unknown parameters are ignored"


class TestStemList:
    def test_it_has_the_documented_shape(self, owner, done):
        stems = answers(owner.api.get(f"/jobs/{done['id']}/stems"), 200, "stems").json()
        assert list(stems) == ["stems", "files"], f"two members, got {list(stems)}"
        assert stems["stems"] == [f"{stem}.wav" for stem in STEMS], f"in file name order, got {stems['stems']}"
        for stem, file in zip(STEMS, stems["files"]):
            assert list(file) == ["name", "filename", "size", "url"], f"members of a file, got {list(file)}"
            content = owner.api.get(f"/download/{done['id']}/{stem}.wav").content
            assert file == {
                "name": stem,
                "filename": f"{stem}.wav",
                "size": len(content),
                "url": f"/download/{done['id']}/{stem}.wav",
            }, f"got {file}"

    def test_the_two_routes_are_one(self, owner, done):
        assert owner.api.get(f"/stems/{done['id']}").content == owner.api.get(f"/jobs/{done['id']}/stems").content, (
            "GET /stems/{id} is the same"
        )


class TestFiles:
    @pytest.mark.parametrize("suffix", list(TYPES))
    @pytest.mark.parametrize("stem", STEMS)
    def test_every_stem_exists_in_every_format(self, owner, done, stem, suffix):
        answer = answers(owner.api.get(f"/download/{done['id']}/{stem}{suffix}"), 200, f"{stem}{suffix}")
        assert answer.headers["Content-Type"] == TYPES[suffix], f"type, got {answer.headers['Content-Type']}"
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{stem}{suffix}"', (
            f"got {answer.headers['Content-Disposition']}"
        )
        assert answer.headers["Accept-Ranges"] == "bytes" and int(answer.headers["Content-Length"]) == len(
            answer.content
        ), f"got {answer.headers}"
        assert re.fullmatch(r'"[^"]+"', answer.headers["ETag"]), f"a strong ETag, got {answer.headers['ETag']}"
        assert "private" in answer.headers["Cache-Control"], (
            f"downloads are private, got {answer.headers['Cache-Control']}"
        )

    def test_wav_is_16_bit_pcm(self, owner, done):
        wav = Decoded(owner.api.get(f"/download/{done['id']}/vocals.wav").content)
        assert (wav.channels, wav.rate, wav.width) == (2, 44100, 2), (
            f"stereo, 44.1 kHz, 16 bit, got {wav.channels}, {wav.rate}, {wav.width}"
        )

    def test_flac_holds_the_same_samples(self, owner, done):
        wav = Decoded(owner.api.get(f"/download/{done['id']}/vocals.wav").content)
        flac = owner.api.get(f"/download/{done['id']}/vocals.flac").content
        again = Decoded(audio.ffmpeg(("-i", "pipe:0", "-c:a", "pcm_s16le"), ".wav", flac))
        assert again.samples == wav.samples, "FLAC loses nothing"

    def test_mp3_is_320_kbit(self, owner, done, tmp_path):
        (tmp_path / "vocals.mp3").write_bytes(owner.api.get(f"/download/{done['id']}/vocals.mp3").content)
        ran = subprocess.run(
            [
                "ffprobe",
                "-v",
                "error",
                "-show_entries",
                "stream=codec_name,bit_rate,channels",
                "-of",
                "csv=p=0",
                tmp_path / "vocals.mp3",
            ],
            capture_output=True,
            text=True,
            check=True,
        )
        assert ran.stdout.strip() == "mp3,2,320000", f"MP3 stereo at 320 kbit/s, got {ran.stdout}"

    def test_a_bare_name_is_the_wav(self, owner, done):
        bare, wav = (owner.api.get(f"/download/{done['id']}/{name}") for name in ("vocals", "vocals.wav"))
        assert bare.content == wav.content and bare.headers["Content-Type"] == "audio/wav", "the bare name is the WAV"

    def test_the_stems_route_gives_mp3_for_a_bare_name(self, owner, done):
        bare, mp3 = owner.api.get(f"/stems/{done['id']}/vocals"), owner.api.get(f"/download/{done['id']}/vocals.mp3")
        assert bare.content == mp3.content and bare.headers["Content-Type"] == "audio/mpeg", (
            "GET /stems/{id}/{stem} gives MP3"
        )
        wav = owner.api.get(f"/stems/{done['id']}/vocals.wav")
        assert wav.content == owner.api.get(f"/download/{done['id']}/vocals.wav").content, "a full name is that file"

    @pytest.mark.parametrize(
        "name",
        [
            "nope.wav",
            "Vocals.wav",
            "vocals.WAV",
            "VOCALS",
            "vocals.ogg",
            "vocals.wav.flac",
            "guitar.wav",
            "no_vocals.wav",
            ".wav",
        ],
    )
    def test_other_names_are_404(self, owner, done, name):
        refused(owner.api.get(f"/download/{done['id']}/{name}"), 404, f"Stem '{name}' not found", name)

    @pytest.mark.parametrize(
        "name",
        ["..%2F..%2Fetc%2Fpasswd", "%2e%2e%2fvocals.wav", "..%5cvocals.wav", "vocals.wav%00.mp3", "%2Fetc%2Fpasswd"],
    )
    def test_no_name_leaves_the_job(self, owner, done, name):
        answer = owner.api.get(f"/download/{done['id']}/{name}")
        assert answer.status_code == 404 and "root:" not in answer.text, f"{name}, {show(answer)}"

    @pytest.mark.parametrize("name", ["vocals.wav", "vocals.flac", "vocals.mp3", "vocals", ""])
    def test_head_is_get_without_a_body_from_the_first_request(self, owner, name):
        job = owner.finished()
        path = f"/download/{job['id']}" + (f"/{name}" if name else "")
        head = answers(owner.api.head(path), 200, "HEAD before any GET")
        get = answers(owner.api.get(path), 200, "GET after it")
        assert head.content == b"" and int(head.headers["Content-Length"]) == len(get.content), (
            f"exact length, got {head.headers}"
        )
        same_headers(head, get, name or "the ZIP")

    @pytest.mark.parametrize("name", ["/vocals.wav", "/vocals.flac", "/vocals.mp3", "", "?format=mp3"])
    class TestRanges:
        @pytest.fixture
        def whole(self, owner, done, name):
            path = f"/download/{done['id']}{name}"
            answer = answers(owner.api.get(path), 200, path)

            def get(**headers):
                return owner.api.get(path, headers={key.replace("_", "-"): value for key, value in headers.items()})

            return answer.content, answer.headers["ETag"], get

        def test_one_range_is_206(self, whole):
            content, etag, get = whole
            size = len(content)
            for text, start, end in (
                ("0-0", 0, 0),
                ("0-99", 0, 99),
                ("100-", 100, size - 1),
                ("-10", size - 10, size - 1),
                (f"5-{size * 2}", 5, size - 1),
                (f"-{size * 2}", 0, size - 1),
                (f"{size - 1}-{size - 1}", size - 1, size - 1),
            ):
                answer = answers(get(Range=f"bytes={text}"), 206, f"bytes={text}")
                assert answer.headers["Content-Range"] == f"bytes {start}-{end}/{size}", (
                    f"bytes={text}, got {answer.headers['Content-Range']}"
                )
                assert answer.content == content[start : end + 1], f"bytes={text} is that part of the file"
                assert answer.headers["ETag"] == etag, "the same ETag"

        def test_several_ranges_are_the_whole_file(self, whole):
            content, _, get = whole
            answer = answers(get(Range="bytes=0-1,5-6"), 200, "several ranges")
            assert answer.content == content, "the whole file"

        def test_an_unsatisfiable_range_is_416(self, whole):
            content, _, get = whole
            for text in (f"{len(content)}-", f"{len(content) + 5}-{len(content) + 9}", "-0"):
                answer = answers(get(Range=f"bytes={text}"), 416, f"bytes={text}")
                assert answer.headers["Content-Range"] == f"bytes */{len(content)}", (
                    f"bytes={text}, got {answer.headers.get('Content-Range')}"
                )

        def test_other_range_headers_are_ignored(self, whole):
            content, _, get = whole
            for text in ("bytes=abc", "lines=0-1", "bytes=5-2", "bytes", "bytes=--1"):
                answer = answers(get(Range=text), 200, f"Range: {text}")
                assert answer.content == content, f"Range: {text} is no range: the whole file"

        def test_if_range_guards_a_resumed_download(self, whole):
            content, etag, get = whole
            assert get(Range="bytes=5-9", If_Range=etag).content == content[5:10], "the same file goes on"
            for stale in ('"another"', f"W/{etag}", "Wed, 21 Oct 2015 07:28:00 GMT"):
                assert answers(get(Range="bytes=5-9", If_Range=stale), 200, stale).content == content, (
                    "another file starts anew"
                )

        def test_if_none_match_saves_the_body(self, whole):
            _, etag, get = whole
            for value in (etag, f'"x", {etag}', "*", f"W/{etag}"):
                answer = get(If_None_Match=value)
                assert (answer.status_code, answer.content) == (304, b""), f"If-None-Match: {value}, {show(answer)}"
                assert answer.headers["ETag"] == etag, "304 carries the ETag"
            assert get(If_None_Match='"x"').status_code == 200, "another ETag is answered in full"

        def test_head_ignores_no_condition(self, owner, done, name, whole):
            _, etag, _ = whole
            answer = owner.api.head(f"/download/{done['id']}{name}", headers={"If-None-Match": etag})
            assert answer.status_code == 304, f"HEAD keeps If-None-Match, {show(answer)}"


class TestZip:
    def test_it_holds_the_stems_flat_and_stored(self, owner, done):
        answer = answers(owner.api.get(f"/download/{done['id']}"), 200, "the ZIP")
        assert answer.headers["Content-Type"] == "application/zip", f"got {answer.headers['Content-Type']}"
        archive = zipfile.ZipFile(io.BytesIO(answer.content))
        assert archive.testzip() is None and archive.namelist() == done["stems"], (
            f"one entry per name in stems, got {archive.namelist()}"
        )
        when = datetime.fromisoformat(done["completed_at"])
        for entry in archive.infolist():
            assert entry.compress_type == zipfile.ZIP_STORED, "stored without compression"
            assert entry.date_time == (*when.timetuple()[:5], when.second // 2 * 2), (
                f"entry time is completed_at, got {entry.date_time}"
            )
            assert archive.read(entry) == owner.api.get(f"/download/{done['id']}/{entry.filename}").content, (
                "the stored file itself"
            )

    @pytest.mark.parametrize("format", ["wav", "flac", "mp3"])
    def test_format_chooses_the_audio(self, owner, done, format):
        answer = answers(owner.api.get(f"/download/{done['id']}?format={format}"), 200, format)
        archive = zipfile.ZipFile(io.BytesIO(answer.content))
        assert archive.namelist() == [f"{stem}.{format}" for stem in STEMS], f"got {archive.namelist()}"
        assert archive.read(f"bass.{format}") == owner.api.get(f"/download/{done['id']}/bass.{format}").content, (
            "the same file as alone"
        )

    @pytest.mark.parametrize("format", ["ogg", "WAV", "zip", "../wav"])
    def test_another_format_is_422(self, owner, done, format):
        value_error(
            owner.api.get(f"/download/{done['id']}", params={"format": format}),
            "query",
            "format",
            format,
            f"format={format}",
        )

    def test_it_is_a_pure_function_of_the_files(self, start_server):
        server = start_server()
        account = server.account()
        job = account.finished()
        first = account.api.get(f"/download/{job['id']}")
        second = account.api.get(f"/download/{job['id']}")
        server.restart()
        third = account.api.get(f"/download/{job['id']}")
        assert first.content == second.content == third.content, "the same bytes every time, over a restart too"
        assert first.headers["ETag"] == third.headers["ETag"], "and the same ETag"

    @pytest.mark.parametrize(
        "name, header",
        [
            ("song.wav", 'attachment; filename="song_separated.zip"'),
            ("my.Song-1_~.wav", 'attachment; filename="my.Song-1_~_separated.zip"'),
            ("my song.wav", "attachment; filename*=utf-8''my%20song_separated.zip"),
            ("Käse.wav", "attachment; filename*=utf-8''K%C3%A4se_separated.zip"),
            ('a"b.wav', "attachment; filename*=utf-8''a%22b_separated.zip"),
            ("noextension", 'attachment; filename="noextension_separated.zip"'),
        ],
    )
    def test_it_is_named_after_the_song(self, owner, name, header):
        job = owner.finished(name)
        assert owner.api.head(f"/download/{job['id']}").headers["Content-Disposition"] == header, f"the ZIP of {name}"


class TestRefusedDownloads:
    def test_before_completion_the_state_is_named(self, busy):
        account = busy.account()
        job = account.upload()
        holder, running = busy.blocker
        for who, job_id, status in ((account, job["id"], "pending"), (holder, running, "processing")):
            for path in (
                f"/jobs/{job_id}/stems",
                f"/download/{job_id}",
                f"/download/{job_id}/vocals.wav",
                f"/download/{job_id}/nope",
                f"/stems/{job_id}/vocals",
            ):
                refused(who.api.get(path), 400, f"Job is not completed yet. Current status: {status}", path)

    def test_failed_and_cancelled_jobs_too(self, account, busy):
        failed = account.failed()
        waiting = busy.account()
        cancelled = waiting.upload()
        waiting.session.post(f"/jobs/{cancelled['id']}/cancel")
        for who, job_id, status in ((account, failed["id"], "failed"), (waiting, cancelled["id"], "cancelled")):
            refused(
                who.api.get(f"/download/{job_id}"), 400, f"Job is not completed yet. Current status: {status}", status
            )

    def test_a_lost_file_is_404(self, start_server):
        server = start_server()
        account = server.account()
        before = server.files()
        job = account.finished()
        for name in server.files() - before:
            (server.data / name).unlink()
        refused(account.api.get(f"/download/{job['id']}"), 404, "Result file not found", "a result that was lost")
        assert server.client().get("/api").status_code == 200, "the server is up"


class TestRetry:
    def test_a_retried_job_starts_anew(self, busy):
        account = busy.account()
        job = account.upload()
        account.session.post(f"/jobs/{job['id']}/cancel")
        cancelled = account.job(job["id"])
        retried = answers(account.api.post(f"/jobs/{job['id']}/retry"), 200, "retry").json()
        is_job(retried)
        assert retried["status"] == "pending" and retried["progress"] == 0, f"it is pending again, got {retried}"
        assert [retried[name] for name in ("error_message", "started_at", "completed_at")] == [None] * 3, (
            f"times and error start anew, got {retried}"
        )
        for name in ("id", "filename", "model", "cost", "created_at", "stem_count", "two_stem_type"):
            assert retried[name] == cancelled[name], f"{name} is unchanged by a retry"
        assert account.credits() == 2.0, "a new hold"
        busy.release()
        assert account.wait(job["id"])["status"] == "completed", "this time it is done"
        assert account.credits() == 2.0, "one credit for one completed job"

    def test_other_states_are_409(self, owner, done, busy):
        account = busy.account()
        pending = account.upload()["id"]
        holder, running = busy.blocker
        for who, job_id, status in (
            (owner, done["id"], "completed"),
            (account, pending, "pending"),
            (holder, running, "processing"),
        ):
            refused(
                who.api.post(f"/jobs/{job_id}/retry"),
                409,
                f"Only failed or cancelled jobs can be retried. Current status: {status}",
                status,
            )

    def test_without_credits_it_is_402(self, server):
        account = server.account(credits=1)
        job = account.failed()
        server.set_credits(account, 0)
        refused(
            account.api.post(f"/jobs/{job['id']}/retry"),
            402,
            "Insufficient credits. You need 1.0 credit(s). Current balance: 0.0",
            "retry at 0",
        )
        assert account.job(job["id"])["status"] == "failed", "it stays failed"

    def test_any_body_is_ignored(self, account):
        for body in (b"", b"{broken", b'{"model":"nope"}', b"\xff" * 100):
            job = account.failed()
            assert account.api.post(f"/jobs/{job['id']}/retry", data=body).status_code == 200, (
                f"retry ignores the body {body[:20]}"
            )
            account.wait(job["id"])


class TestCancel:
    def test_running_work_stops_within_seconds(self, busy):
        account = busy.account()
        holder, running = busy.blocker
        waiting = account.upload()["id"]
        before = holder.credits()
        reached = holder.job(running)["progress"]
        job = answers(holder.api.post(f"/jobs/{running}/cancel"), 200, "cancel").json()
        is_job(job)
        assert job["status"] == "cancelled" and job["completed_at"], f"cancelled, with its time, got {job}"
        assert holder.credits() == before + 1, "the credit is back when the answer is sent"
        account.wait(waiting, ("processing", "completed"), 8)
        account.wait(waiting, "completed")
        assert holder.job(running)["status"] == "cancelled", "cancelled for good"
        assert reached <= holder.job(running)["progress"] == job["progress"] < 100, (
            "a cancelled job keeps its last value"
        )

    def test_other_states_are_409(self, owner, done, account):
        refused(
            owner.api.post(f"/jobs/{done['id']}/cancel"),
            409,
            "Only pending or processing jobs can be cancelled. Current status: completed",
            "completed",
        )
        refused(
            account.api.post(f"/jobs/{account.failed()['id']}/cancel"),
            409,
            "Only pending or processing jobs can be cancelled. Current status: failed",
            "failed",
        )

    def test_of_two_parallel_cancels_one_wins(self, busy):
        account = busy.account(credits=10)
        for _ in range(5):
            job = account.upload()["id"]
            found = []
            threads = [
                threading.Thread(target=lambda: found.append(account_client.post(f"/jobs/{job}/cancel")))
                for account_client in (busy.client(account.token), busy.client(account.token))
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert sorted(answer.status_code for answer in found) == [200, 409], (
                f"one 200 and one 409, got {[show(answer) for answer in found]}"
            )
            assert account.credits() == 10.0, "the credit is released exactly once"

    def test_a_cancelled_job_leaves_no_output(self, start_server):
        server = start_server(stems={"max_concurrent_jobs": 1})
        account = server.account()
        before = server.files()
        job = account.upload(content=audio.long_noise())["id"]
        account.wait(job, "processing")
        account.session.post(f"/jobs/{job}/cancel")
        account.session.delete(f"/jobs/{job}")
        until(lambda: server.files() <= before, f"no output and no upload is left, found {server.files() - before}", 60)


class TestDelete:
    def test_one_job(self, account):
        for path in ("/job/{}", "/jobs/{}"):
            job = account.failed()["id"]
            answer = answers(account.api.delete(path.format(job)), 200, path)
            assert answer.json() == {"message": "Job deleted successfully"}, show(answer)
            refused(account.api.delete(path.format(job)), 404, NOT_FOUND, "twice")
            for gone in (
                f"/jobs/{job}",
                f"/status/{job}",
                f"/jobs/{job}/stems",
                f"/download/{job}",
                f"/download/{job}/vocals.wav",
            ):
                refused(account.api.get(gone), 404, NOT_FOUND, f"the id is 404 at once on every route: {gone}")

    def test_many_jobs(self, account):
        own = [account.failed()["id"] for _ in range(2)]
        unknown = str(uuid.uuid4())
        answer = answers(account.api.delete("/jobs", json=[own[0], unknown, own[1], own[0]]), 200, "DELETE /jobs")
        assert answer.json() == {
            "deleted": 2,
            "errors": [f"Job {unknown} not found or not owned by user"],
            "message": "Successfully deleted 2 job(s)",
        }, f"a repeated id counts once, {show(answer)}"
        assert list(answer.json()) == ["deleted", "errors", "message"], "members in order"
        answer = answers(account.api.delete("/jobs", json=[unknown]), 200, "200 even for none")
        assert answer.json()["deleted"] == 0 and answer.json()["message"] == "Successfully deleted 0 job(s)", show(
            answer
        )

    def test_bad_lists(self, account):
        refused(account.api.delete("/jobs", json=[]), 400, "No job IDs provided", "an empty list")
        for body in ({}, {"ids": ["a"]}, "text", 7, None):
            found = entries(account.api.delete("/jobs", data=json.dumps(body)), f"{body!r}")
            if body is not None:
                assert found == [
                    {"type": "list_type", "loc": ["body"], "msg": "Input should be a valid list", "input": body}
                ], f"{body!r}, got {found}"
        assert entries(account.api.delete("/jobs"), "no body") == [
            {"type": "missing", "loc": ["body"], "msg": "Field required", "input": None}
        ], "no body"
        for body in ([1], [None], [["a"]], ["a"] * 1001):
            entries(account.api.delete("/jobs", json=body), f"{str(body)[:30]} is no list of 1 to 1000 id strings")
        assert account.api.delete("/jobs", json=[str(uuid.uuid4()) for _ in range(1000)]).status_code == 200, (
            "1000 ids are allowed"
        )

    def test_open_work_is_stopped_and_paid_back(self, busy):
        account = busy.account()
        holder, running = busy.blocker
        pending = account.upload()["id"]
        before = holder.credits()
        assert account.api.delete(f"/jobs/{pending}").status_code == 200, "a pending job is deleted"
        assert account.credits() == 3.0, "its open hold is released"
        assert holder.api.delete("/jobs", json=[running]).json()["deleted"] == 1, "a running job is deleted"
        assert holder.credits() == before + 1, "its open hold is released"
        assert account.finished()["status"] == "completed", "the worker is free again"

    def test_a_completed_job_stays_paid(self, account):
        job = account.finished()["id"]
        account.api.delete(f"/jobs/{job}")
        assert account.credits() == 2.0, "a captured credit stays spent"

    def test_all_files_go(self, start_server):
        server = start_server()
        account = server.account()
        before = server.files()
        jobs = [account.finished()["id"], account.failed()["id"]]
        account.api.get(f"/download/{jobs[0]}/vocals.flac")
        account.api.get(f"/download/{jobs[0]}?format=mp3")
        assert server.files() - before, "the store is in the data folder"
        account.api.delete("/jobs", json=jobs)
        until(
            lambda: server.files() <= before,
            f"upload, outputs and temporary files are gone within 60 s, found {server.files() - before}",
            60,
        )

    def test_two_jobs_of_one_song_do_not_share_their_fate(self, account):
        first, second = account.finished(), account.finished()
        kept = account.api.get(f"/download/{second['id']}").content
        account.api.delete(f"/jobs/{first['id']}")
        assert account.api.get(f"/download/{second['id']}").content == kept, "the same content under another job stays"
        assert account.api.get(f"/download/{second['id']}/vocals.flac").status_code == 200, "in every format"
