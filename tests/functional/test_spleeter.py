"""Spleeter: from a package with its weights to two stems, with small networks of random weights in the published file formats."""

import hashlib

import pytest

from support import audio
from support.checks import answers
from support.server import BINARY
from support.spleeter import checkpoint, tar_gz, wheel
from test_trained_models import Registry, model

pytestmark = pytest.mark.skipif(
    not (BINARY.parent / "libonnxruntime.so.1").exists(), reason="skipped: built without ONNX Runtime"
)

DATA = "model.data-00000-of-00001"


@pytest.fixture
def house(start_server):
    return start_server()


@pytest.fixture
def registry(house):
    return Registry(house)


@pytest.fixture
def file(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


def served_by(files):
    return f"spleeter@{hashlib.sha256(files[DATA]).hexdigest()[:12]}"


def test_it_waits_for_its_weights_and_then_makes_two_stems(house, registry, file):
    account = house.account(credits=10)
    assert (model(house, "spleeter")["ready"], model(house, "spleeter")["served_by"]) == (False, None)
    answers(account.session.upload("song.wav", None, {"model": "spleeter"}), 503, "before its weights are here")

    files = checkpoint()
    done = registry("import", "spleeter", file("spleeter.whl", wheel(files)), "--license", "CC-BY-4.0")
    digest = hashlib.sha256(files[DATA]).hexdigest()
    assert (done["repo_id"], done["weights_sha256"], done["license"]) == ("tollhouse/spleeter", digest, "CC-BY-4.0")
    assert done["serves"] is True and done["sources"] == [{"file": DATA, "sha256": digest}]
    offered = model(house, "spleeter")
    assert (offered["ready"], offered["served_by"], offered["licence"]) == (True, served_by(files), "CC-BY-4.0")
    assert (offered["stems"], offered["stem_counts"]) == (["accompaniment", "vocals"], [2])

    job = account.finished(model="spleeter")
    assert (job["served_by"], job["stem_count"], job["two_stem_type"]) == (served_by(files), 2, "vocals")
    assert job["stems"] == ["no_vocals.wav", "vocals.wav"]
    assert job["demucs_command"] == "spleeter separate -p spleeter:2stems -o . song.wav"
    stems = [audio.Decoded(account.api.get(f"/download/{job['id']}/{name}").content).samples for name in job["stems"]]
    song = audio.Decoded(audio.song()).samples
    assert len(stems[0]) == len(song), "as long as the song"
    assert max(abs(a + b - c) for a, b, c in zip(*stems, song, strict=True)) <= 4, "they add up to it, but for 16 bits"
    answers(account.session.upload("song.wav", None, {"model": "spleeter", "stem_count": "4"}), 422, "it has two stems")
    assert registry("verify")["broken"] == []


def test_it_takes_the_voice_out_for_names_whose_own_weights_are_not_here(house, registry, file):
    account = house.account(credits=20)
    before = model(house, "htdemucs")["description"]
    files = checkpoint()
    registry("import", "spleeter", file("2stems.tar.gz", tar_gz(files)))
    offered = model(house, "htdemucs")
    assert offered["served_by"] == "builtin-spectral", "which makes the four stems"
    assert offered["description"].startswith(before) and served_by(files) in offered["description"], "it says what does better"
    voice = {"stem_count": "2", "two_stem_type": "vocals"}
    for name in ("htdemucs", "htdemucs_ft"):
        job = account.finished(model=name, **voice)
        assert (job["served_by"], job["stems"]) == (served_by(files), ["no_vocals.wav", "vocals.wav"])
    assert account.finished(model="htdemucs", stem_count="2", two_stem_type="drums")["served_by"] == "builtin-spectral"
    assert account.finished(model="htdemucs")["served_by"] == "builtin-spectral"
    answers(account.session.upload("song.wav", None, {"model": "htdemucs_6s", **voice}), 503, "of six stems nothing is here")


def test_it_stands_in_for_nobody_where_that_is_off(start_server, file):
    server = start_server(stems={"builtin_fallback": False})
    Registry(server)("import", "spleeter", file("spleeter.whl", wheel(checkpoint())))
    assert model(server, "spleeter")["ready"] is True
    assert model(server, "htdemucs")["ready"] is False
    answer = server.account(credits=10).session.upload("song.wav", None, {"model": "htdemucs", "stem_count": "2"})
    answers(answer, 503, "the operator wants the model or nothing")


def test_a_folder_an_archive_and_a_wheel_make_the_same_version(registry, file, tmp_path):
    files = checkpoint()
    folder = tmp_path / "2stems"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    versions = {registry("import", "spleeter", path)["version"] for path in (folder, file("a.whl", wheel(files)), file("a.tar.gz", tar_gz(files)))}
    assert len(versions) == 1


def test_the_newest_import_serves_and_the_way_back_is_an_alias(house, registry, file):
    weights = [checkpoint(seed=seed) for seed in (1, 2)]
    old = registry("import", "spleeter", file("a.whl", wheel(weights[0])), "--license", "CC-BY-4.0")
    registry("import", "spleeter", file("b.whl", wheel(weights[1])), "--license", "CC0-1.0")
    offered = model(house, "spleeter")
    assert (offered["served_by"], offered["licence"]) == (served_by(weights[1]), "CC0-1.0")
    registry("alias", "tollhouse/spleeter", "production", old["version"])
    assert model(house, "spleeter")["served_by"] == served_by(weights[0])
    again = registry("import", "spleeter", file("b.whl", wheel(weights[1])), "--license", "CC0-1.0")
    assert again["serves"] is False, "a repetition does not overrule who went back"
    assert model(house, "spleeter")["served_by"] == served_by(weights[0])


def damaged(files):
    return {**files, DATA: files[DATA][:-1] + bytes([files[DATA][-1] ^ 1])}


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("cut.whl", lambda: wheel(checkpoint())[:-500], "cut short"),
        ("cut.tar.gz", lambda: tar_gz(checkpoint())[:2000], "cut short"),
        ("noise.whl", lambda: b"no archive, but long enough to be read\n" * 100, "neither a zip"),
        ("empty.whl", lambda: b"", "cannot be run"),
        ("other.whl", lambda: wheel({"notes.txt": b"no checkpoint"}), "no TensorFlow checkpoint"),
        ("bomb.whl", lambda: wheel({**checkpoint(), "model.index": bytes(64 << 20)}), "too large"),
        ("bomb.tar.gz", lambda: tar_gz({**checkpoint(), "model.index": bytes(64 << 20)}), "too large"),
        ("damaged.whl", lambda: wheel(damaged(checkpoint())), "checksum"),
        ("nan.whl", lambda: wheel(checkpoint(value=float("nan"))), "not all numbers"),
        ("five.whl", lambda: wheel(checkpoint(sources=5)), "5 sources"),
    ],
)
def test_what_is_no_such_package_is_refused_with_the_reason(house, registry, file, name, content, why):
    told = registry.refuses("import", "spleeter", file(name, content()))
    assert why in told, f"says why: {told}"
    assert model(house, "spleeter")["ready"] is False


def test_a_model_that_has_been_damaged_fails_the_job_and_costs_nothing(house, registry, file):
    done = registry("import", "spleeter", file("spleeter.whl", wheel(checkpoint())))
    (digest,) = [f["sha256"] for f in done["files"]]
    (blob,) = [path for path in house.data.rglob("*") if path.is_file() and digest in str(path).replace("/", "")]
    whole = blob.read_bytes()
    blob.chmod(0o600)
    blob.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    account = house.account(credits=10)
    before = account.credits()
    job = account.wait(account.upload(model="spleeter")["id"])
    assert job["status"] == "failed" and job["error_message"], f"a model with other bytes does not run: {job}"
    assert account.credits() == before, "a failed job costs nothing"
