"""Trained separators: from a checkpoint to stems, with small networks of random weights in the published file format."""

import hashlib
import json
import subprocess
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from support import audio
from support.checkpoint import FOUR, SIX, checkpoint, published_name
from support.checks import answers
from support.polling import until
from support.server import BINARY

pytestmark = pytest.mark.skipif(
    not (BINARY.parent / "libonnxruntime.so.1").exists(), reason="skipped: built without ONNX Runtime"
)


class Registry:
    """`tollhouse models` beside a server."""

    def __init__(self, server):
        self.server = server

    def run(self, *arguments, folder=None):
        where = ["--data", str(self.server.data)]
        if self.server.database:
            where += ["--database", self.server.database]
        return subprocess.run(
            [str(BINARY), "models", *map(str, arguments), *where], capture_output=True, text=True, timeout=120, cwd=folder
        )

    def __call__(self, *arguments):
        done = self.run(*arguments, "--format", "json")
        assert done.returncode == 0, f"{arguments} succeeds: {done.stdout} {done.stderr}"
        return json.loads(done.stdout)

    def refuses(self, *arguments):
        before = self("list")
        done = self.run(*arguments)
        assert done.returncode == 1, f"{arguments} fails: {done.returncode} {done.stdout} {done.stderr}"
        assert self("list") == before, "nothing is stored"
        return done.stderr


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


def model(server, name):
    return server.client().get(f"/upload/models/{name}").json()


def served_by(name, weights_sha256):
    return f"{name}@{weights_sha256[:12]}"


def test_a_checkpoint_serves_the_jobs_that_are_accepted_after_its_import(house, registry, file):
    account = house.account(credits=10)
    before = account.finished(model="htdemucs")
    content = checkpoint()
    digest = hashlib.sha256(content).hexdigest()
    done = registry("import", "htdemucs", file("mine.th", content), "--license", "CC-BY-4.0")
    assert (done["repo_id"], done["weights_sha256"], done["license"]) == ("tollhouse/htdemucs", digest, "CC-BY-4.0")
    assert done["serves"] is True and done["sources"] == [{"file": "mine.th", "sha256": digest}]

    offered = model(house, "htdemucs")
    assert (offered["served_by"], offered["licence"], offered["ready"]) == (served_by("htdemucs", digest), "CC-BY-4.0", True)
    assert "not a trained model" not in offered["description"]
    assert model(house, "htdemucs_ft")["served_by"] == "builtin-spectral", "other models are served as before"

    job = account.finished(model="htdemucs")
    assert job["served_by"] == served_by("htdemucs", digest)
    assert job["stems"] == ["bass.wav", "drums.wav", "other.wav", "vocals.wav"]
    stem = audio.Decoded(account.api.get(f"/download/{job['id']}/vocals.wav").content)
    was = audio.Decoded(account.api.get(f"/download/{before['id']}/vocals.wav").content)
    assert len(stem.samples) == len(was.samples) and stem.samples != was.samples, "as long as the song, and another model's work"
    assert account.job(before["id"])["served_by"] == "builtin-spectral", "what served a job does not change"
    two = account.finished(model="htdemucs", stem_count="2", two_stem_type="drums")
    assert two["stems"] == ["drums.wav", "no_drums.wav"]
    assert registry("verify")["broken"] == []
    assert registry("import", "htdemucs", file("mine.th", content), "--license", "CC-BY-4.0")["version"] == done["version"], "again changes nothing"


def test_six_stems_become_ready_and_fold_into_four(house, registry, file):
    account = house.account(credits=10)
    before = account.session.upload("song.wav", None, {"model": "htdemucs_6s"})
    answers(before, 503, "before its weights are here")
    assert registry("import", "htdemucs", file("six.th", checkpoint(SIX)))["repo_id"] == "tollhouse/htdemucs_6s"
    assert model(house, "htdemucs_6s")["ready"] is True
    six = account.finished(model="htdemucs_6s")
    assert six["stems"] == [f"{stem}.wav" for stem in sorted(SIX)]
    four = account.finished(model="htdemucs_6s", stem_count="4")
    assert four["stems"] == [f"{stem}.wav" for stem in sorted(FOUR)]


def test_a_bag_is_imported_beside_its_files(house, registry, file):
    digests = []
    for number in range(2):
        content = checkpoint(seed=number)
        digests.append(hashlib.sha256(content).hexdigest())
        file(published_name(f"abcdef0{number}", content), content)
    bag = file("bag.yaml", b"models: ['abcdef00', 'abcdef01']\nweights: [[1., 0., 1., 0.], [0., 1., 0., 1.]]\nsegment: 44\n")
    done = json.loads(registry.run("import", "htdemucs", bag.name, "--format", "json", folder=bag.parent).stdout)
    assert done["repo_id"] == "tollhouse/htdemucs_ft" and [s["sha256"] for s in done["sources"]] == digests
    weights = hashlib.sha256("".join(f"{digest}\n" for digest in digests).encode()).hexdigest()
    job = house.account(credits=10).finished(model="htdemucs_ft")
    assert job["served_by"] == served_by("htdemucs_ft", weights)


def test_the_newest_import_serves(house, registry, file):
    old, new = (registry("import", "htdemucs", file("a.th", checkpoint(seed=seed))) for seed in (1, 2))
    assert old["version"] != new["version"]
    assert model(house, "htdemucs")["served_by"] == served_by("htdemucs", new["weights_sha256"])
    account = house.account(credits=10)
    assert account.finished(model="htdemucs")["served_by"] == served_by("htdemucs", new["weights_sha256"])


def test_a_running_server_follows_to_the_newest_weights_and_back(house, registry, file):
    old = registry("import", "htdemucs", file("a.th", checkpoint(seed=1)), "--license", "MIT")
    new = registry("import", "htdemucs", file("b.th", checkpoint(seed=2)), "--license", "CC-BY-NC-4.0")
    account = house.account(credits=10)
    for version, licence in ((new, "CC-BY-NC-4.0"), (old, "MIT"), (new, "CC-BY-NC-4.0")):
        registry("alias", "tollhouse/htdemucs", "production", version["version"])
        offered = model(house, "htdemucs")
        assert (offered["served_by"], offered["licence"]) == (served_by("htdemucs", version["weights_sha256"]), licence)
        assert account.finished(model="htdemucs")["served_by"] == served_by("htdemucs", version["weights_sha256"])
    assert registry("import", "htdemucs", file("a.th", checkpoint(seed=1)), "--license", "MIT")["made"] is False
    assert model(house, "htdemucs")["served_by"] == served_by("htdemucs", new["weights_sha256"]), "a repetition changes nothing"


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("short.th", lambda: checkpoint()[:20000], "cannot be run"),
        ("noise.th", lambda: b"no checkpoint, but long enough to be read\n" * 100, "cannot be run"),
        ("empty.th", lambda: b"", "cannot be run"),
        ("abcdef01-00000000.th", checkpoint, "another SHA-256"),
        ("hostile.th", lambda: checkpoint(extra=b"X\x01\x00\x00\x00xcos\nsystem\nX\x04\x00\x00\x00true\x85R"), "os.system"),
        ("older.th", lambda: checkpoint(module="demucs.demucs"), "cannot be run"),
        ("nan.th", lambda: checkpoint(value=float("nan")), "cannot be run"),
        ("stems.th", lambda: checkpoint(["drums", "bass"]), "other stems"),
        ("bag.yaml", lambda: b"models: ['ffffffff']\n", "not beside it"),
        ("list.yaml", lambda: b"- models\n", "bag"),
    ],
)
def test_what_is_no_such_checkpoint_is_refused_with_the_reason(house, registry, file, name, content, why):
    told = registry.refuses("import", "htdemucs", file(name, content()))
    assert why in told, f"says why: {told}"
    assert model(house, "htdemucs")["served_by"] == "builtin-spectral"


def test_a_checkpoint_serves_only_the_names_that_it_has_the_stems_of(registry, file):
    assert registry.run("import", "htdemucs", file("mine.th", checkpoint()), "--name", "whisper").returncode == 2
    assert "other stems" in registry.refuses("import", "htdemucs", file("mine.th", checkpoint()), "--name", "htdemucs_6s")


def blob_of(house, done, number=0):
    """The file that holds the bytes of an imported model."""
    digest = done["files"][number]["sha256"]
    (blob,) = [path for path in house.data.rglob("*") if path.is_file() and digest in str(path).replace("/", "")]
    return blob


def test_a_model_that_has_been_damaged_fails_the_job_and_costs_nothing(house, registry, file):
    done = registry("import", "htdemucs", file("mine.th", checkpoint()))
    blob = blob_of(house, done)
    whole = blob.read_bytes()
    blob.chmod(0o600)
    blob.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    account = house.account(credits=10)
    before = account.credits()
    job = account.wait(account.upload(model="htdemucs")["id"])
    assert job["status"] == "failed" and job["error_message"], f"a model with other bytes does not run: {job}"
    assert account.credits() == before, "a failed job costs nothing"
    assert account.finished(model="htdemucs_ft")["served_by"] == "builtin-spectral", "the server goes on"


def vanish(blob):
    blob.unlink()


def cut_short(blob):
    blob.chmod(0o600)
    blob.write_bytes(blob.read_bytes()[:-4096])


@pytest.mark.parametrize("harm", [vanish, cut_short])
def test_a_model_file_that_changes_while_its_job_waits_fails_the_job_and_costs_nothing(busy, file, harm):
    done = Registry(busy)("import", "htdemucs", file("mine.th", checkpoint()))
    account = busy.account(credits=10)
    job = account.upload(model="htdemucs")
    assert account.credits() == 9, "the credit is held"
    harm(blob_of(busy, done))
    busy.release()
    ended = account.wait(job["id"])
    assert ended["status"] == "failed" and ended["error_message"], f"it cannot be done without its model: {ended}"
    assert account.credits() == 10, "a failed job costs nothing"
    assert account.finished(model="htdemucs_ft")["served_by"] == "builtin-spectral", "the server goes on"


@pytest.mark.parametrize("mebibytes", [128, 256])
def test_a_model_that_needs_more_memory_than_a_worker_has_fails_the_job_and_costs_nothing(start_server, file, mebibytes):
    house = start_server(engine={"memory_bytes": mebibytes << 20}, stems={"max_concurrent_jobs": 1})
    Registry(house)("import", "htdemucs", file("long.th", checkpoint(segment=100 * 44100)))
    account = house.account(credits=10)
    job = account.wait(account.upload(model="htdemucs")["id"], seconds=120)
    assert job["status"] == "failed" and job["error_message"], f"it cannot be done in {mebibytes} MiB: {job}"
    assert account.credits() == 10, "a failed job costs nothing"
    assert model(house, "htdemucs")["ready"] is True, "the server is up"


@pytest.fixture
def long_job(start_server, file):
    """A bag of two at work on a long song, on the only worker."""
    house = start_server(stems={"max_concurrent_jobs": 1})
    for number in range(2):
        file(f"bag{number}.th", checkpoint(seed=number))
    Registry(house)("import", "htdemucs", file("bag.yaml", b"models: ['bag0', 'bag1']\nweights: [[1., 0., 1., 0.], [0., 1., 0., 1.]]\n"))
    account = house.account(credits=10)
    job = account.upload("long.wav", audio.long_noise(5), model="htdemucs_ft")["id"]
    account.wait(job, "processing")
    return house, account, job


def test_a_worker_that_is_killed_again_and_again_fails_the_job_and_costs_nothing(long_job):
    house, account, job = long_job
    killed = set()

    def kill():
        now = account.job(job)
        if now["status"] == "processing":
            fresh = [pid for pid in house.workers() if pid not in killed]
            if fresh:
                killed.update(house.kill_workers())
        return now if now["status"] == "failed" else None

    ended = until(kill, "the job fails after three lost runs", 120)
    assert ended["error_message"] and account.credits() == 10, f"it is paid back: {ended}"
    assert account.finished(model="htdemucs")["status"] == "completed", "the next job is done by a new worker"


def test_a_bag_tells_its_progress_as_it_goes_and_stops_when_it_is_told_to(long_job):
    house, account, job = long_job
    seen = []

    def advanced():
        seen.append(account.job(job)["progress"])
        return len(set(seen)) >= 5

    until(advanced, "the progress is told while the models take turns", 120)
    assert seen == sorted(seen) and max(seen) < 100, f"it never falls: {seen}"
    began = time.monotonic()
    account.session.post(f"/jobs/{job}/cancel")
    assert account.finished(model="htdemucs")["status"] == "completed", "the worker is free at once"
    assert time.monotonic() - began < 30 and account.credits() == 9, "the cancelled job costs nothing"


@pytest.fixture
def mirror(tmp_path):
    """A web server of the files below tmp_path/mirror."""
    folder = tmp_path / "mirror"
    (folder / "hybrid_transformer").mkdir(parents=True)
    handler = type("Quiet", (SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.folder, server.url = folder / "hybrid_transformer", f"http://127.0.0.1:{server.server_port}"
    yield server
    server.shutdown()
    server.server_close()


def test_pull_downloads_and_installs(house, registry, mirror):
    content = checkpoint()
    name = published_name("955717e8", content)
    (mirror.folder / name).write_bytes(content)
    done = registry("pull", "htdemucs", "--base-url", mirror.url + "/", "--file", name)
    assert done["sources"] == [{"file": name, "sha256": hashlib.sha256(content).hexdigest()}]
    job = house.account(credits=10).finished(model="htdemucs")
    assert job["served_by"] == served_by("htdemucs", done["weights_sha256"])
    assert not list((house.data / "mirror").iterdir()), "the download is not kept"


def test_pull_refuses_what_is_not_there_and_what_is_not_the_published_file(registry, mirror):
    assert "404" in registry.refuses("pull", "htdemucs", "--base-url", mirror.url)
    (mirror.folder / "955717e8-8726e21a.th").write_bytes(checkpoint())
    assert "another SHA-256" in registry.refuses("pull", "htdemucs", "--base-url", mirror.url)
    assert "--to" in registry.refuses("pull", "acme/bert")
