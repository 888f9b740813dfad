"""Section 4: what POST /upload takes, what it refuses, in which order, and how early."""

import json
import re
import subprocess

import pytest

from support import audio, raw
from support.checks import answers, entries, is_pending, missing, refused, show, value_error
from support.polling import until
from support.raw import FORM, RawConnection, file_field, form, text_field

UNSUPPORTED = "Unsupported file type. Allowed: .aac, .flac, .m4a, .mp3, .ogg, .wav and any other file with audio that FFmpeg can decode"
BROKEN = "There was an error parsing the body"
NO_AUDIO = "The file has no audio that can be decoded"
LIMIT = 300_000


def no_credits(balance="0.0"):
    return f"Insufficient credits. You need 1.0 credit(s). Current balance: {balance}"


def send(client, body, content_type=FORM, **headers):
    return client.post("/upload", data=body, headers={"Content-Type": content_type, **headers})


def head(account, size=None, **headers):
    """The head of an upload, for a bare socket."""
    fields = {"Authorization": f"Bearer {account.token}", "Content-Type": FORM, **headers}
    if size is not None:
        fields["Content-Length"] = str(size)
    return raw.request("POST", "/upload", fields)


@pytest.fixture(scope="module")
def small(start_module_server):
    """A server that takes files up to LIMIT bytes."""
    return start_module_server(stems={"max_upload_bytes": LIMIT})


@pytest.fixture(scope="module")
def poor(server):
    return server.account(credits=0)


class TestAccepted:
    def test_the_answer_is_the_pending_job_with_200(self, owner):
        answer = answers(owner.session.upload(), 200, "clients test for == 200")
        job = is_pending(answer.json())
        assert (job["filename"], job["model"], job["stem_count"], job["two_stem_type"]) == (
            "song.wav",
            "htdemucs",
            4,
            None,
        ), f"defaults, got {job}"
        assert re.search(r'"cost":\s*1\.0[,}]', answer.text), "amounts are printed with at least one decimal"

    @pytest.mark.parametrize("order", ["file first", "file last", "file between"])
    def test_fields_may_stand_before_or_after_the_file(self, owner, order):
        file, model, count = file_field(audio.song()), text_field("model", "htdemucs"), text_field("stem_count", "2")
        parts = {
            "file first": (file, model, count),
            "file last": (model, count, file),
            "file between": (model, file, count),
        }[order]
        answer = answers(send(owner.session, form(*parts)), 200, order)
        assert answer.json()["stem_count"] == 2, f"the field counts wherever it stands, {show(answer)}"

    @pytest.mark.parametrize("text, number", [("2", 2), (" 4 ", 4), ("4.0", 4), ("", 4), ("2.0", 2)])
    def test_integers_may_have_spaces_and_a_zero_fraction(self, owner, text, number):
        answer = answers(owner.session.upload(fields={"stem_count": text}), 200, f"stem_count {text!r}")
        assert answer.json()["stem_count"] == number, f"{text!r} is {number}, {show(answer)}"

    def test_an_empty_text_field_counts_as_absent(self, owner):
        body = form(
            file_field(audio.song()),
            *(
                text_field(name, "")
                for name in ("model", "stem_count", "two_stem_type", "transcription_type", "language")
            ),
        )
        job = answers(send(owner.session, body), 200, "empty fields").json()
        assert (job["model"], job["stem_count"], job["two_stem_type"]) == ("htdemucs", 4, None), f"defaults, got {job}"

    def test_two_stems_are_vocals_unless_asked(self, owner):
        assert owner.upload(stem_count="2")["two_stem_type"] == "vocals", "the default of two_stem_type"
        assert owner.upload(stem_count="2", two_stem_type="drums")["two_stem_type"] == "drums", (
            "one of the model's stems"
        )

    def test_two_stem_type_has_no_effect_with_four_stems(self, owner):
        assert owner.upload(stem_count="4", two_stem_type="drums")["two_stem_type"] is None, (
            "set only when stem_count is 2"
        )

    def test_language_and_unknown_fields_are_ignored(self, owner):
        owner.upload(language="xx-unknown", colour="blue")

    @pytest.mark.parametrize("header", ["Content-Type: text/html", "Content-Type: ", "Content-Type: x"])
    def test_the_parts_content_type_is_never_looked_at(self, owner, header):
        body = form(raw.part(audio.song(), 'form-data; name="file"; filename="song.wav"', header))
        answers(send(owner.session, body), 200, "the part's Content-Type")

    def test_header_names_parameters_and_boundary_are_read_as_mime(self, owner):
        body = form(
            raw.part(audio.song(), 'form-data;filename="song.wav" ; name=file').replace(
                b"Content-Disposition", b"content-disposition"
            )
        )
        answers(
            send(
                owner.session,
                b"a preamble\r\n" + body + b"an epilogue",
                f'multipart/form-data; charset=utf-8; Boundary="{raw.BOUNDARY}"',
            ),
            200,
            "names without case, quoted boundary, preamble and epilogue",
        )

    def test_a_body_without_content_length_is_taken(self, owner):
        answer = owner.session.post(
            "/upload", data=iter([form(file_field(audio.song()))]), headers={"Content-Type": FORM}
        )
        answers(answer, 200, "chunked bodies are accepted")

    def test_a_body_in_tiny_chunks_is_taken(self, owner):
        body = form(text_field("stem_count", "2"), file_field(audio.encoded(".mp3")))
        with RawConnection(owner.server) as wire:
            wire.send(
                head(owner, **{"Transfer-Encoding": "chunked"})
                + raw.chunked(*(body[n : n + 7] for n in range(0, len(body), 7)))
            )
            answer = wire.response()
        assert answer.status == 200, f"seven bytes at a time, got {answer}"
        assert owner.wait(answer.json()["id"])["status"] == "completed", "the file arrived whole"

    @pytest.mark.parametrize(
        "suffix", [".mp3", ".wav", ".flac", ".ogg", ".m4a", ".aac", ".opus", ".mka", ".mkv", ".aiff", ".MP3"]
    )
    def test_known_formats_are_separated(self, owner, suffix):
        content = audio.song() if suffix == ".wav" else audio.encoded(suffix.lower())
        job = owner.finished(f"song{suffix}", content)
        assert len(job["stems"]) == 4, f"{suffix} is decoded, got {job}"

    def test_a_film_with_sound_is_separated(self, owner):
        film = audio.encoded(
            ".mp4", options=("-f", "lavfi", "-i", "testsrc=size=64x64:rate=10:duration=1", "-shortest")
        )
        assert owner.finished("film.mp4", film)["stems"], "video containers are accepted"

    def test_an_unknown_name_with_audio_inside_is_separated(self, owner):
        assert owner.finished("song.xyz", audio.encoded(".flac"))["stems"], "any file with audio that FFmpeg can decode"
        assert owner.finished("song", audio.song())["stems"], "a name without extension is probed too"

    def test_mono_and_surround_become_stereo(self, owner):
        for channels in (1, 6):
            content = audio.ffmpeg(("-i", "pipe:0", "-ac", str(channels)), ".wav", audio.song())
            job = owner.finished(content=content)
            decoded = audio.Decoded(owner.api.get(f"/download/{job['id']}/vocals.wav").content)
            assert (decoded.channels, decoded.rate, decoded.width) == (2, 44100, 2), (
                f"{channels} channels become 16-bit stereo at 44.1 kHz"
            )


class TestFileNames:
    @pytest.mark.parametrize(
        "disposition, expected",
        [
            ('filename="../../etc/passwd.wav"', "passwd.wav"),
            ('filename="/abs/olute.wav"', "olute.wav"),
            ('filename="a\\"b.wav"', 'a"b.wav'),
            ('filename="a%22b.wav"', 'a"b.wav'),
            ('filename="Käse 🎵 und Brot.wav"', "Käse 🎵 und Brot.wav"),
            ("filename=\"plain.wav\"; filename*=utf-8''%E2%82%AC%20rates.wav", "€ rates.wav"),
            ("filename*=UTF-8''%E2%82%AC.wav; filename=\"plain.wav\"", "€.wav"),
            ("filename*=utf-8''a%00%01%0Ab.wav", "ab.wav"),
            ('filename="it\'s; $(rm -rf) `x` & more.wav"', "it's; $(rm -rf) `x` & more.wav"),
            ("filename=bare.wav", "bare.wav"),
        ],
    )
    def test_a_name_is_kept_as_the_client_meant_it(self, owner, disposition, expected):
        answer = answers(
            send(owner.session, form(raw.part(audio.song(), f'form-data; name="file"; {disposition}'))),
            200,
            disposition,
        )
        assert answer.json()["filename"] == expected, f"{disposition} is {expected!r}, {show(answer)}"

    def test_a_long_name_is_cut_at_a_character(self, owner):
        for name in ("é" * 200 + ".wav", "a" + "é" * 200 + ".wav", "𝄞" * 100 + ".wav", "a" * 300 + ".wav"):
            answer = answers(send(owner.session, form(file_field(audio.song(), name))), 200, "a long name")
            kept = answer.json()["filename"]
            assert name.startswith(kept) and 252 <= len(kept.encode()) <= 255, (
                f"cut to 255 bytes at a character boundary, got {len(kept.encode())}"
            )

    @pytest.mark.parametrize("disposition", ['filename=""', 'filename="folder/"', "filename*=utf-8''%01%02"])
    def test_a_name_of_nothing_is_refused(self, owner, disposition):
        answer = send(owner.session, form(raw.part(audio.song(), f'form-data; name="file"; {disposition}')))
        refused(answer, 400, "No filename provided", disposition)

    def test_a_backslash_path_never_reaches_the_disk(self, owner):
        job = answers(
            send(owner.session, form(file_field(audio.song(), "C:\\\\music\\\\..\\\\song.wav"))), 200, "backslashes"
        ).json()
        assert "/" not in job["filename"] and job["filename"].endswith("song.wav"), f"got {job['filename']!r}"

    def test_requests_and_curl_send_any_name(self, owner, tmp_path):
        name = 'naïve "quoted" 🎧.wav'
        job = owner.upload(name)
        assert job["filename"] == name, f"requests encodes as filename*, got {job['filename']!r}"
        (tmp_path / "in.wav").write_bytes(audio.song())
        ran = subprocess.run(
            [
                "curl",
                "-s",
                "-H",
                f"Authorization: Bearer {owner.key}",
                "-F",
                'file=@in.wav;filename="na\\"ïve 🎧.wav"',
                f"{owner.server.url}/upload",
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert json.loads(ran.stdout)["filename"] == 'na"ïve 🎧.wav', f"curl escapes quotes, got {ran.stdout}"


class TestRefused:
    """Every refusal leaves balance and job list as they were; the last test of the class looks."""

    @pytest.fixture(scope="class")
    def client(self, server):
        account = server.account()
        yield account.session
        assert account.credits() == 3.0 and account.jobs() == [], "a refused upload charges nothing and makes no job"
        assert len(account.history()) == 1, "and leaves no trace in the history"

    @pytest.mark.parametrize(
        "body, content_type",
        [
            (b"no multipart at all", FORM),
            (b"", FORM),
            (file_field(b"x"), FORM),
            (form(file_field(b"x"))[:-8], FORM),
            (form(file_field(b"x")), "multipart/form-data"),
            (form(file_field(b"x")), "multipart/form-data; boundary="),
            (form(file_field(b"x")), "multipart/form-data; boundary=another"),
            (
                b"--"
                + raw.BOUNDARY.encode()
                + b"\r\nno header line\r\n\r\nx\r\n--"
                + raw.BOUNDARY.encode()
                + b"--\r\n",
                FORM,
            ),
            (b"--" + raw.BOUNDARY.encode() + b'\r\nContent-Disposition: form-data; name="file"', FORM),
            (form(b"--" + raw.BOUNDARY.encode() + b"\r\nContent-Type: audio/wav\r\n\r\nx\r\n"), FORM),
        ],
        ids=[
            "text",
            "empty",
            "no end",
            "cut end",
            "no boundary",
            "empty boundary",
            "other boundary",
            "no colon",
            "cut head",
            "no disposition",
        ],
    )
    def test_broken_multipart(self, client, body, content_type):
        refused(send(client, body, content_type), 400, BROKEN, "broken multipart")

    def test_endless_part_headers(self, client):
        endless = (
            b"--" + raw.BOUNDARY.encode() + b"\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"y" * 1000) for n in range(300))
        )
        refused(send(client, endless + b"\r\nx\r\n" + form()), 400, BROKEN, "part headers without end")

    def test_a_text_field_over_one_mebibyte(self, client):
        for field in ("model", "anything"):
            answer = send(client, form(text_field(field, b"x" * (1024 * 1024 + 1)), file_field(audio.song())))
            refused(answer, 400, "Part exceeded maximum size of 1024KB.", "a text field over 1 MiB")

    def test_no_file(self, client):
        assert entries(send(client, form(text_field("model", "htdemucs"))), "no file") == [missing("file")], "no file"
        assert entries(send(client, form()), "no part at all") == [missing("file")], "no part at all"

    @pytest.mark.parametrize(
        "body, content_type",
        [
            (b'{"file":"x","model":"htdemucs"}', "application/json"),
            (b"file=x&model=htdemucs", "application/x-www-form-urlencoded"),
        ],
    )
    def test_json_and_urlencoded_bodies_have_no_file(self, client, body, content_type):
        found = entries(send(client, body, content_type), content_type)
        assert found == [missing("file")], f"no file in {content_type}, got {found}"

    def test_a_file_sent_as_text(self, client):
        found = entries(send(client, form(text_field("file", "just text"))), "file as text")
        assert found == [
            {
                "type": "value_error",
                "loc": ["body", "file"],
                "msg": "Value error, Expected UploadFile, received: <class 'str'>",
                "input": "just text",
                "ctx": {"error": {}},
            }
        ], f"file as text, got {found}"

    def test_two_files(self, client):
        found = entries(send(client, form(file_field(audio.song()), file_field(audio.song()))), "a second file")
        assert [entry["loc"] for entry in found] == [["body", "file"]], (
            f"a second file is 422 at body.file, got {found}"
        )

    @pytest.mark.parametrize("text", ["abc", "4.5", "0x4", "4,0", "--4", "four", "1e1x"])
    def test_no_integer(self, client, text):
        found = entries(client.upload(fields={"stem_count": text}), f"stem_count {text!r}")
        assert found == [
            {
                "type": "int_parsing",
                "loc": ["body", "stem_count"],
                "input": text,
                "msg": "Input should be a valid integer, unable to parse string as an integer",
            }
        ], f"stem_count {text!r}, got {found}"

    @pytest.mark.parametrize(
        "fields, field",
        [
            ({"stem_count": "3"}, "stem_count"),
            ({"stem_count": "0"}, "stem_count"),
            ({"stem_count": "-4"}, "stem_count"),
            ({"stem_count": "6"}, "stem_count"),
            ({"stem_count": "6", "model": "htdemucs"}, "stem_count"),
            ({"model": "nope"}, "model"),
            ({"model": "HTDEMUCS"}, "model"),
            ({"two_stem_type": "piano", "stem_count": "2"}, "two_stem_type"),
            ({"two_stem_type": "piano"}, "two_stem_type"),
            ({"two_stem_type": "Vocals", "stem_count": "2"}, "two_stem_type"),
            ({"transcription_type": "basic"}, "transcription_type"),
        ],
    )
    def test_values_the_model_does_not_know(self, client, fields, field):
        value_error(client.upload(fields=fields), "body", field, fields[field], f"{fields}")

    def test_an_integer_beyond_all_bounds(self, client):
        found = entries(client.upload(fields={"stem_count": "9" * 30}), "a huge number")
        assert [entry["loc"] for entry in found] == [["body", "stem_count"]], (
            f"a huge number is refused at its field, got {found}"
        )

    def test_several_bad_fields_are_named_in_table_order(self, client):
        found = entries(
            client.upload(fields={"two_stem_type": "x", "stem_count": "abc", "model": "nope"}), "several bad fields"
        )
        places = [entry["loc"][1] for entry in found]
        assert places[:2] == ["model", "stem_count"], (
            f"one entry per bad field, in the order of the field table, got {places}"
        )

    def test_unknown_content_under_an_unknown_name(self, client):
        refused(client.upload("notes.txt", b"this is no music\n" * 50), 400, UNSUPPORTED, "no decodable audio stream")
        refused(client.upload("notes", b""), 400, UNSUPPORTED, "an empty file of no known type")
        refused(
            client.upload("film.bin", audio.silent_film()),
            400,
            UNSUPPORTED,
            "a film without sound under an unknown name",
        )


class TestOrder:
    """When several hold, the first row of the table wins."""

    def test_credentials_before_everything(self, small):
        answer = small.client().post("/upload", data=b"x" * (LIMIT * 3), headers={"Content-Type": FORM})
        refused(answer, 401, "Not authenticated", "no credentials, too large, broken")

    def test_size_before_credits(self, small):
        refused(
            send(small.account(credits=0).session, form(file_field(b"x" * LIMIT * 10))),
            413,
            f"File too large. Maximum size is {LIMIT} bytes",
            "too large and no credits",
        )

    def test_credits_before_the_body(self, poor):
        for body in (b"broken", form(text_field("model", "nope")), form(file_field(b"x", ""))):
            refused(send(poor.session, body), 402, no_credits(), "no credits and a bad body")

    def test_broken_multipart_before_values(self, account):
        refused(
            send(account.session, form(text_field("stem_count", "abc"), file_field(audio.song()))[:-10]),
            400,
            BROKEN,
            "broken with a bad value",
        )

    def test_a_missing_file_before_bad_values(self, account):
        found = entries(
            send(account.session, form(text_field("stem_count", "abc"), text_field("model", "nope"))),
            "no file and bad values",
        )
        assert found[0] == missing("file"), f"the missing file comes first, got {found}"

    def test_values_before_the_empty_name(self, account):
        value_error(
            send(account.session, form(text_field("model", "nope"), file_field(b"x", ""))),
            "body",
            "model",
            "nope",
            "a bad model and an empty name",
        )

    def test_values_before_the_file_type(self, account):
        value_error(
            account.session.upload("notes.txt", b"text", {"stem_count": "3"}),
            "body",
            "stem_count",
            "3",
            "a bad value and no audio",
        )

    def test_the_empty_name_before_the_file_type(self, account):
        refused(
            send(account.session, form(file_field(b"text", ""))),
            400,
            "No filename provided",
            "an empty name and no audio",
        )


class TestNotReady:
    def test_a_model_without_weights_is_503_after_values_and_before_names(self, start_server):
        server = start_server(stems={"builtin_fallback": False})
        account = server.account()
        answer = refused(account.session.upload(), 503, "Model 'htdemucs' is not ready", "no weights and no fallback")
        assert int(answer.headers["Retry-After"]) > 0, f"503 says when to come back, got {answer.headers}"
        value_error(
            account.session.upload(fields={"stem_count": "3"}),
            "body",
            "stem_count",
            "3",
            "values come before readiness",
        )
        refused(
            send(account.session, form(file_field(b"x", ""))),
            503,
            "Model 'htdemucs' is not ready",
            "readiness comes before the empty name",
        )
        models = {model["name"]: model for model in server.client().get("/upload/models").json()["models"]}
        assert models["htdemucs"]["ready"] is False, "the list of models says so too"
        assert account.credits() == 3.0 and account.jobs() == [], "nothing is charged"


class TestSize:
    def message(self):
        return f"File too large. Maximum size is {LIMIT} bytes"

    def test_a_file_of_exactly_the_limit_is_taken(self, small):
        content = audio.song(1.0) + bytes(LIMIT)
        account = small.account()
        job = answers(account.session.upload(content=content[:LIMIT]), 200, "a file of exactly the limit").json()
        # Its files would otherwise come while the next tests count files.
        ended = ("completed", "failed")
        until(lambda: account.session.get(f"/jobs/{job['id']}").json()["status"] in ended, "the job ends", 60)

    def test_one_byte_more_is_not(self, small):
        account = small.account()
        refused(
            account.session.upload(content=audio.song() + bytes(LIMIT + 1 - len(audio.song()))),
            413,
            self.message(),
            "one byte over the limit",
        )
        assert account.jobs() == [] and account.credits() == 3.0, "nothing is charged"

    def test_the_announced_length_is_enough_to_refuse(self, small):
        account = small.account()
        with RawConnection(small) as wire:
            wire.send(head(account, 50 << 30))
            answer = wire.response(timeout=5)
        assert (answer.status, answer.detail()) == (413, self.message()), f"from Content-Length at once, got {answer}"

    def test_a_stream_is_cut_when_it_passes_the_limit(self, small):
        account = small.account()
        before = small.files()
        with RawConnection(small) as wire:
            wire.send(head(account, **{"Transfer-Encoding": "chunked"}))
            start = form(file_field(b""))[: -len(form()) - 2]
            wire.send(b"%x\r\n%s\r\n" % (len(start), start))
            for _ in range(2 * LIMIT // 50_000):
                wire.send(b"%x\r\n%s\r\n" % (50_000, b"x" * 50_000))
            answer = wire.response(timeout=5)
        assert (answer.status, answer.detail()) == (413, self.message()), (
            f"when the stream passes the limit, got {answer}"
        )
        assert account.credits() == 3.0 and account.jobs() == [], "nothing is charged"
        until(lambda: small.files() <= before, "a refused upload leaves no file", 60)


class TestEarlyAnswers:
    """Refusals that need no body come before the body, and reach clients that send it all the same."""

    def early(self, wire):
        answer = wire.response(timeout=5)
        assert answer.status != 100, "a refusal comes instead of 100 Continue"
        return answer

    def test_no_credentials_no_continue(self, server):
        with RawConnection(server) as wire:
            wire.send(
                raw.request(
                    "POST", "/upload", {"Content-Type": FORM, "Content-Length": "10000000", "Expect": "100-continue"}
                )
            )
            answer = self.early(wire)
        assert (answer.status, answer.detail()) == (401, "Not authenticated"), f"from the headers alone, got {answer}"
        assert answer.header("WWW-Authenticate") == "Bearer", f"got {answer.headers}"

    def test_no_credits_no_continue(self, poor):
        with RawConnection(poor.server) as wire:
            wire.send(head(poor, 10_000_000, Expect="100-continue"))
            answer = self.early(wire)
        assert (answer.status, answer.detail()) == (402, no_credits()), f"before the body, got {answer}"

    def test_too_large_no_continue(self, small):
        with RawConnection(small) as wire:
            wire.send(head(small.account(), 10 << 30, Expect="100-continue"))
            answer = self.early(wire)
        assert answer.status == 413, f"from Content-Length at once, got {answer}"

    def test_an_acceptable_upload_is_asked_to_continue(self, account):
        body = form(file_field(audio.song()))
        with RawConnection(account.server) as wire:
            wire.send(head(account, len(body), Expect="100-continue"))
            assert wire.response(timeout=5).status == 100, "100 Continue before the body"
            wire.send(body)
            assert wire.response().status == 200, "then the answer"

    def test_a_body_that_is_not_asked_for_is_not_waited_for(self, server):
        with RawConnection(server) as wire:
            wire.send(raw.request("POST", "/upload", {"Content-Type": FORM, "Content-Length": "10000000"}))
            assert wire.response(timeout=5).status == 401, "identity is checked before any body byte is read"

    def test_requests_sees_the_refusal_of_a_large_body(self, server):
        answer = server.client().upload("song.wav", bytes(12 << 20))
        refused(answer, 401, "Not authenticated", "the server discards up to 16 MiB before it closes")

    def test_curl_sees_the_refusal_of_a_large_body(self, server, tmp_path):
        (tmp_path / "large.wav").write_bytes(bytes(12 << 20))
        for expect in ([], ["-H", "Expect:"]):
            ran = subprocess.run(
                ["curl", "-s", *expect, "-F", "file=@large.wav", f"{server.url}/upload"],
                cwd=tmp_path,
                capture_output=True,
                text=True,
                timeout=30,
            )
            assert ran.returncode == 0 and json.loads(ran.stdout) == {"detail": "Not authenticated"}, (
                f"curl {expect}: {ran.stdout} {ran.stderr}"
            )

    def test_discarding_has_an_end(self, server):
        with RawConnection(server) as wire:
            wire.send(raw.request("POST", "/upload", {"Content-Type": FORM, "Content-Length": str(1 << 30)}))
            assert wire.response(timeout=5).status == 401, "the answer comes first"
            sent, piece = 0, bytes(1 << 20)
            try:
                while sent < 200 << 20:
                    wire.send(piece)
                    sent += len(piece)
            except OSError:
                pass
            assert sent < 200 << 20, "after 16 MiB or 5 s of discarded input the connection is closed"

    def test_discarded_input_is_not_stored(self, server, poor):
        before = server.files()
        marker = b"these bytes must never be stored " * 100
        server.client().upload("song.wav", marker)
        poor.session.upload("song.wav", marker)
        until(lambda: server.files() <= before, "discarded input is not stored", 30)


def test_a_refused_upload_leaves_no_file(start_server):
    server = start_server()
    account = server.account()
    before = server.files()
    account.session.upload("notes.txt", b"text" * 10_000)
    account.session.upload("song.wav", audio.song(), {"model": "nope"})
    send(account.session, form(file_field(audio.song()))[:-10])
    until(lambda: server.files() <= before, f"refused uploads leave no file, found {server.files() - before}", 30)


def test_a_large_upload_goes_through(account):
    """3 MiB: above what curl sends without asking and above every buffer."""
    content = audio.as_wav(bytes(3 << 20), channels=2, rate=44100)
    job = account.upload("large.wav", content)
    assert account.wait(job["id"])["status"] == "completed", "silence is a song too"


@pytest.mark.fault
def test_an_upload_of_gigabytes_stays_in_little_memory(server, account):
    """At most 1 MiB of buffers an upload: the server's resident memory must not follow the body."""

    def resident():
        return int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{server.pid}/status").read())[1])

    before, peak, size = resident(), 0, 1 << 30
    tail = b"\r\n" + form()
    start = form(file_field(b"", "big.wav"))[: -len(tail)]
    with RawConnection(server, timeout=120) as wire:
        wire.send(head(account, len(start) + size + len(tail)) + start)
        for sent in range(0, size, 1 << 20):
            wire.send(bytes(1 << 20))
            if sent % (64 << 20) == 0:
                peak = max(peak, resident())
        wire.send(tail)
        answer = wire.response(timeout=120)
    assert answer.status == 200, f"a gigabyte is accepted, got {answer}"
    assert peak - before < 32 * 1024, f"memory grew by {peak - before} KiB during an upload"
    account.session.delete(f"/jobs/{answer.json()['id']}")
