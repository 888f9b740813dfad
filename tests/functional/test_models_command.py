"""`tollhouse models`: what comes in is verified and whole, or is not there; what is there can be listed, taken out and checked."""

import hashlib
import json
import random
import time

import pytest

from support.hub import Hub


@pytest.fixture
def hub():
    made = Hub()
    yield made
    made.close()


def noise(size, seed=1):
    return random.Random(seed).randbytes(size)


FILES = {
    "config.json": b'{"a": 1}\n',
    "empty.txt": b"",
    "onnx/model name+.bin": noise(300_000, 2),
    "model.safetensors": noise(1_500_000, 3),
    "README.md": b"# hello\n",
}


class TestSync:
    def test_a_mirror_has_every_file_and_nothing_else(self, house, hub):
        commit = hub.publish("acme/bert", {**FILES, ".cache/x": b"debris", "weights.bin.lock": b"debris"}, likes=3, pipeline_tag="fill-mask", cardData={"license": "apache-2.0"})
        done = house("sync", "acme/bert", "--endpoint", hub.url)
        assert done["commit"] == commit and done["fetched"] == len(FILES), f"all were fetched: {done}"
        assert {f["rfilename"]: f["sha256"] for f in done["files"]} == {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}
        assert house.files("acme/bert") == FILES
        (model,) = house("list")
        assert (model["repo_id"], model["commit"], model["license"], model["owner"]) == ("acme/bert", commit, "apache-2.0", None)
        assert house("verify")["broken"] == []
        assert not (house.data / "mirror" / "acme%2Fbert").exists(), "no halves are left"

    def test_only_what_changed_and_is_large_is_fetched_again(self, house, hub):
        hub.publish("acme/bert", FILES)
        house("sync", "acme/bert", "--endpoint", hub.url)
        changed = {**FILES, "config.json": b'{"a": 2}\n'}
        del changed["README.md"]
        hub.publish("acme/bert", changed)
        hub.requests.clear()
        house("sync", "acme/bert", "--endpoint", hub.url)
        assert house.files("acme/bert") == changed
        assert hub.fetched("model.safetensors") == [], "large files that are here are not fetched"

    def test_a_branch_a_commit_and_patterns_choose(self, house, hub):
        old = hub.publish("acme/bert", {"a.json": b"old", "b.bin": b"old"})
        hub.publish("acme/bert", {"a.json": b"new", "b.bin": b"new", "c.txt": b"new"})
        hub.publish("acme/bert", {"a.json": b"side"}, branch="refs/pr/1")
        house("sync", "acme/bert", "--endpoint", hub.url, "--revision", old)
        assert house.files("acme/bert") == {"a.json": b"old", "b.bin": b"old"}
        house("sync", "acme/bert", "--endpoint", hub.url, "--include", "*.json", "--include", "*.txt", "--exclude", "c*")
        assert house.files("acme/bert") == {"a.json": b"new"}
        house("sync", "acme/bert", "--endpoint", hub.url, "--revision", "refs/pr/1")
        assert house.files("acme/bert") == {"a.json": b"side"}

    def test_a_broken_transfer_goes_on_where_it_broke(self, house, hub):
        hub.publish("acme/bert", FILES)
        hub.break_after["model.safetensors"] = [1_000_000, 200_000]
        house("sync", "acme/bert", "--endpoint", hub.url)
        assert hub.fetched("model.safetensors") == [None, "bytes=1000000-", "bytes=1200000-"]
        assert house.files("acme/bert") == FILES

    def test_a_killed_sync_goes_on_where_it_was(self, house, hub):
        hub.publish("acme/bert", {"model.safetensors": noise(3_000_000)})
        hub.break_after["model.safetensors"] = [2_000_000] + [0] * 50
        process = house.start("sync", "acme/bert", "--endpoint", hub.url)
        deadline = time.monotonic() + 30
        while len(hub.fetched("model.safetensors")) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        process.kill()
        process.communicate()
        hub.break_after.clear()
        hub.requests.clear()
        house("sync", "acme/bert", "--endpoint", hub.url)
        assert hub.fetched("model.safetensors") == ["bytes=2000000-"]
        assert house.files("acme/bert") == {"model.safetensors": noise(3_000_000)}

    def test_a_half_that_is_wrong_is_thrown_away(self, house, hub):
        commit = hub.publish("acme/bert", {"model.safetensors": noise(3_000_000)})
        folder = house.data / "mirror" / "acme%2Fbert"
        folder.mkdir(parents=True)
        half = folder / (hashlib.sha256(f"{commit}/model.safetensors".encode()).hexdigest() + ".part")
        half.write_bytes(b"x" * 1_000_000)
        house("sync", "acme/bert", "--endpoint", hub.url)
        assert hub.fetched("model.safetensors") == ["bytes=1000000-", None]
        assert house.files("acme/bert") == {"model.safetensors": noise(3_000_000)}

    @pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
    def test_bytes_that_are_not_the_listed_ones_change_nothing(self, house, hub, name):
        hub.publish("acme/bert", {"config.json": b"before"})
        house("sync", "acme/bert", "--endpoint", hub.url)
        hub.publish("acme/bert", FILES)
        hub.lies[name] = bytes(len(FILES[name]))
        said = house.refuses("sync", "acme/bert", "--endpoint", hub.url)
        assert name in said, f"it says which file: {said}"
        assert house.files("acme/bert") == {"config.json": b"before"}, "the old snapshot stays"
        hub.lies.clear()
        house("sync", "acme/bert", "--endpoint", hub.url)
        assert house.files("acme/bert") == FILES

    def test_the_token_goes_to_the_hub_alone(self, house, hub):
        hub.token = "hf_secret"
        hub.publish("acme/bert", FILES)
        house("sync", "acme/bert", HF_ENDPOINT=hub.url, HF_TOKEN="hf_secret")
        sent = {(host, authorization) for host, _, _, authorization in hub.requests}
        assert sent == {("127.0.0.1", "Bearer hf_secret"), ("127.0.0.2", None)}
        assert "no" in house.refuses("sync", "acme/bert", HF_ENDPOINT=hub.url, HF_TOKEN="wrong").lower()

    def test_a_hub_that_stumbles_is_asked_again(self, house, hub):
        hub.publish("acme/bert", FILES)
        hub.fail_next = [503, 500]
        house("sync", "acme/bert", "--endpoint", hub.url)
        assert house.files("acme/bert") == FILES

    def test_what_is_not_there_is_said(self, house, hub):
        hub.publish("acme/bert", FILES)
        for arguments in (["acme/none"], ["acme/bert", "--revision", "none"], ["acme/bert", "--include", "nothing*"], ["../bert"]):
            house.refuses("sync", *arguments, "--endpoint", hub.url)
        assert house("list") == []

    def test_names_that_lead_out_of_the_model_are_refused(self, house, hub):
        hub.publish("acme/bert", {"../../etc/passwd": b"x"})
        house.refuses("sync", "acme/bert", "--endpoint", hub.url)
        assert house("list") == []

    def test_a_folder_is_mirrored_too(self, house, tmp_path):
        for name, content in {**FILES, ".git/config": b"x", "half.incomplete": b"x"}.items():
            (tmp_path / "model" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "model" / name).write_bytes(content)
        house("sync", "acme/bert", "--from", str(tmp_path / "model"))
        assert house.files("acme/bert") == FILES

    def test_bytes_that_move_between_changed_names_are_kept(self, house, hub):
        hub.publish("acme/bert", {"latest.bin": b"one", "previous.bin": b"zero"})
        house("sync", "acme/bert", "--endpoint", hub.url)
        hub.publish("acme/bert", {"latest.bin": b"two", "previous.bin": b"one"})
        house("sync", "acme/bert", "--endpoint", hub.url)
        assert house.files("acme/bert") == {"latest.bin": b"two", "previous.bin": b"one"}
        assert house("gc")["blobs"] == 1 and house("verify")["broken"] == []

    def test_a_sync_that_finds_nothing_new_does_not_stamp_the_model(self, house, hub):
        hub.publish("acme/bert", {"a.bin": b"a"})
        house("sync", "acme/bert", "--endpoint", hub.url)
        (before,) = house("list")
        time.sleep(1.1)
        house("sync", "acme/bert", "--endpoint", hub.url)
        assert house("list") == [before]


def many_files(folder, count=200):
    folder.mkdir()
    for i in range(count):
        (folder / f"{i}.txt").write_text(str(i))
    return str(folder)


class TestOpenFiles:
    @pytest.mark.parametrize("command", [["add", "acme/many", "v1"], ["sync", "acme/many", "--from"]], ids=["add", "sync"])
    def test_as_many_files_come_in_as_the_hard_limit_allows(self, house, tmp_path, command):
        house(*command, many_files(tmp_path / "many"), open_files=(100, 400))
        assert len(house.files("acme/many")) == 200

    @pytest.mark.parametrize("command", [["add", "acme/many", "v1"], ["sync", "acme/many", "--from"]], ids=["add", "sync"])
    def test_more_than_the_hard_limit_allows_is_said_plainly(self, house, tmp_path, command):
        said = house.refuses(*command, many_files(tmp_path / "many"), open_files=(100, 100))
        assert "200 files" in said and "may open 100" in said and "ulimit -Hn" in said, said
        assert house("list") == [] and house.blobs() == []

    def test_a_hub_is_mirrored_within_the_hard_limit_too(self, house, hub):
        files = {f"{i}.txt": b"%d" % i for i in range(150)}
        hub.page = 100
        hub.publish("acme/many", files)
        said = house.refuses("sync", "acme/many", "--endpoint", hub.url, open_files=(100, 100))
        assert "150 files" in said, said
        house("sync", "acme/many", "--endpoint", hub.url, open_files=(100, 400))
        assert house.files("acme/many") == files


class TestAdd:
    def test_a_file_becomes_a_version(self, house, tmp_path):
        (tmp_path / "gate.onnx").write_bytes(b"one")
        added = house("add", "acme/gate", "v1", str(tmp_path / "gate.onnx"), "--engine", "onnx", "--license", "mit")
        assert [f["rfilename"] for f in added["files"]] == ["gate.onnx"]
        (tmp_path / "gate.onnx").write_bytes(b"two")
        house("add", "acme/gate", "v2", str(tmp_path / "gate.onnx"))
        assert house.files("acme/gate") == {"gate.onnx": b"two"}, "the newest completed version is what a download means"
        house("pull", "acme/gate", "--version", "v1", "--to", str(tmp_path / "old"))
        assert (tmp_path / "old" / "gate.onnx").read_bytes() == b"one"

    def test_a_version_keeps_its_bytes(self, house, tmp_path):
        (tmp_path / "gate.onnx").write_bytes(b"one")
        house("add", "acme/gate", "v1", str(tmp_path / "gate.onnx"))
        house("add", "acme/gate", "v1", str(tmp_path / "gate.onnx"))
        (tmp_path / "gate.onnx").write_bytes(b"two")
        house.refuses("add", "acme/gate", "v1", str(tmp_path / "gate.onnx"))
        assert house.files("acme/gate") == {"gate.onnx": b"one"}

    @pytest.mark.parametrize(
        "arguments, word",
        [
            (["../gate", "v1"], "no name of a model"),
            (["models/gate", "v1"], "no name of a model"),
            (["acme/gate", "v/1"], "no name of a version"),
            (["acme/gate", "v1", "--engine", "toaster"], "no engine"),
        ],
    )
    def test_names_that_nobody_could_ask_for_are_refused(self, house, tmp_path, arguments, word):
        (tmp_path / "gate.onnx").write_bytes(b"one")
        assert word in house.refuses("add", *arguments[:2], str(tmp_path / "gate.onnx"), *arguments[2:])
        assert house("list") == [] and house.blobs() == []


class TestVerifyAndGc:
    def test_a_flipped_bit_is_found(self, house, tmp_path):
        (tmp_path / "gate.onnx").write_bytes(noise(100_000))
        house("add", "acme/gate", "v1", str(tmp_path / "gate.onnx"))
        assert house.run("verify", "acme/gate")[0] == 0
        (blob,) = house.blobs()
        blob.chmod(0o600)
        content = bytearray(blob.read_bytes())
        content[50_000] ^= 1
        blob.write_bytes(content)
        status, out, _ = house.run("verify", "--format", "json")
        assert status == 1 and json.loads(out)["broken"] == [{"repo_id": "acme/gate", "rfilename": "gate.onnx", "version": "v1", "problem": "has other bytes"}]
        assert "gate.onnx" in house.refuses("pull", "acme/gate", "--to", str(tmp_path / "out"))
        assert not list((tmp_path / "out").glob("*")), "nothing broken is handed out"
        blob.unlink()
        assert "is missing" in house.run("verify")[1]

    def test_gc_takes_what_nothing_refers_to_and_no_more(self, house, hub):
        hub.publish("acme/bert", {"a.bin": b"old", "b.bin": b"stays"})
        house("sync", "acme/bert", "--endpoint", hub.url)
        hub.publish("acme/bert", {"b.bin": b"stays", "c.bin": b"new"})
        house("sync", "acme/bert", "--endpoint", hub.url)
        assert house("gc")["blobs"] == 1
        assert house.files("acme/bert") == {"b.bin": b"stays", "c.bin": b"new"}
        assert len(house.blobs()) == 2
