"""`tollhouse models import htdemucs FILE`: what is no such model is refused in one line, leaves nothing, and runs nothing; what is one can
be imported again, replaced and gone back from."""

import gzip
import io
import json
import os
import pickle
import resource
import signal
import struct
import subprocess
import time
import zipfile
from pathlib import Path

import pytest

from support.checkpoint import FOUR, archive, checkpoint, published_name, safetensors
from support.server import BINARY

pytestmark = pytest.mark.skipif(
    not (BINARY.parent / "libonnxruntime.so.1").exists(), reason="skipped: built without ONNX Runtime"
)

WHOLE = checkpoint()


def text(value):
    return b"X" + struct.pack("<I", len(value)) + value


@pytest.fixture
def refuses(house, tmp_path):
    """refuses("x.th", content) gives what was said about a file, in one line and what to do; nothing is stored."""

    def check(name, content, *arguments, empty=True):
        path = tmp_path / name
        path.write_bytes(content)
        before = time.monotonic()
        told = house.refuses("import", "htdemucs", path, *arguments)
        assert time.monotonic() - before < 30, "a refusal is quick"
        lines = told.splitlines()
        assert lines[0].startswith("error: ") and len(lines) == 2 and lines[1].startswith("Nothing was stored."), told
        assert not empty or house.is_empty()
        return lines[0]

    return check


class TestArchives:
    def test_a_file_that_is_cut_short_anywhere_is_refused(self, house, tmp_path):
        path = tmp_path / "cut.th"
        step = len(WHOLE) // 24
        for size in [*range(0, len(WHOLE), step), 1, 3, 4, 15, 16, 30, len(WHOLE) - 22, len(WHOLE) - 21, len(WHOLE) - 1]:
            path.write_bytes(WHOLE[:size])
            told = house.refuses("import", "htdemucs", path)
            assert told.startswith("error: The model cannot be run: ") and "Nothing was stored." in told, f"{size}: {told}"
        assert house.is_empty()

    def test_a_file_whose_name_promises_other_bytes_is_refused(self, refuses):
        assert "another SHA-256" in refuses("955717e8-00000000.th", WHOLE)
        assert "another SHA-256" in refuses("955717e8-00000000.safetensors", safetensors())

    def test_a_compressed_archive_is_refused_before_it_is_unpacked(self, refuses):
        assert "compressed" in refuses("deflated.th", checkpoint(compression=zipfile.ZIP_DEFLATED))
        bomb = archive(b"\x80\x02" + bytes(300 << 20), compression=zipfile.ZIP_DEFLATED)
        assert len(bomb) < 1 << 20
        assert "compressed" in refuses("bomb.th", bomb)

    def test_entries_that_overlap_are_refused(self, refuses):
        content = bytearray(archive(b"\x80\x02}.", [("archive/data/0", bytes(1000)), ("archive/data/1", bytes(1000))]))
        first, second = (content.rfind(b"PK\x01\x02", 0, end) for end in (content.rfind(b"PK\x01\x02"), len(content)))
        content[second + 42 : second + 46] = content[first + 42 : first + 46]
        assert "overlap" in refuses("quilt.th", bytes(content))

    @pytest.mark.parametrize(("claim", "word"), [(0xFFFFFFFF, "4 GiB"), (0xFFFFFFFE, "cut short"), (0x7FFFFFFF, "cut short")])
    def test_entries_that_claim_gigabytes_are_refused(self, refuses, claim, word):
        content = bytearray(WHOLE)
        at = content.rfind(b"PK\x01\x02")
        content[at + 20 : at + 28] = struct.pack("<II", claim, claim)
        assert word in refuses("claims.th", bytes(content))

    def test_an_encrypted_archive_is_refused(self, refuses):
        content = bytearray(WHOLE)
        at = content.find(b"PK\x01\x02")
        content[at + 8] |= 1
        assert "encrypted" in refuses("secret.th", bytes(content))


class Attack:
    """What pickles as the call of a function."""

    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


class TestPickles:
    @pytest.mark.parametrize("protocol", range(6))
    def test_a_call_is_named_and_never_made(self, refuses, tmp_path, protocol):
        marker = tmp_path / "was here"
        for attack in (Attack(os.system, f"touch '{marker}'"), Attack(eval, f"open({str(marker)!r}, 'w')")):
            refuses("evil.th", archive(pickle.dumps({"klass": attack, "kwargs": {}, "state": {}}, protocol)))
            refuses("evil.th", checkpoint(extra=text(b"x") + pickle.dumps(attack, 2)[2:-1]))
        assert not marker.exists()

    def test_the_call_is_in_the_refusal(self, refuses):
        assert "posix.system" in refuses("evil.th", checkpoint(extra=text(b"x") + pickle.dumps(Attack(os.system, "true"), 2)[2:-1]))

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("nested lists", b"](" * 200_000 + b"e" * 200_000),
            ("nested tuples", b")" + b"\x85" * 900_000),
            ("millions of operations", b"N0" * 3_000_000),
            ("marks", b"(" * 900_000),
            ("a text of 4 GiB", b"X\xff\xff\xff\xff"),
            ("a memo that is not there", b"h\x07"),
            ("a frame of another protocol", b"\x95" + b"\xff" * 8),
            ("a list that holds itself", b"]q\x01h\x01a"),
            ("forty megabytes", text(bytes(40 << 20))),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_shapes_that_no_checkpoint_has_are_refused(self, refuses, name, content):
        refuses("strange.th", archive(b"\x80\x02" + content + b"."))

    def test_a_list_that_means_itself_a_thousand_times_over_is_refused(self, refuses):
        bomb = b"](]q\x01" + b"".join(b"](" + b"h%c" % level * 1000 + b"eq%c" % (level + 1) for level in range(1, 8)) + b"e"
        package = b"\x80\x02}(" + text(b"klass") + b"cdemucs.htdemucs\nHTDemucs\n" + text(b"kwargs") + b"}(" + text(b"sources") + bomb
        assert "too large" in refuses("memo.th", archive(package + b"u" + text(b"state") + b"}u."))


class TestWeights:
    @pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
    def test_numbers_that_are_none_are_refused(self, refuses, value):
        assert "not all numbers" in refuses("nan.th", checkpoint(value=value))

    def test_another_shape_is_refused_by_name(self, refuses):
        told = refuses("shape.th", checkpoint(other={"freq_emb.embedding.weight": (64, 8)}))
        assert "freq_emb.embedding.weight" in told and "another shape" in told

    def test_weights_that_are_missing_or_too_many_are_refused_by_name(self, refuses):
        assert "crosstransformer.norm_in.bias are missing" in refuses("less.th", checkpoint(other={"crosstransformer.norm_in.bias": None}))
        assert "extra.weight belong to no layer" in refuses("more.th", checkpoint(other={"extra.weight": (2, 2)}))

    @pytest.mark.parametrize("numbers", [{"channels": 512, "depth": 6}, {"bottom_channels": 4096, "t_layers": 32}, {"nfft": 16384, "channels": 256}])
    def test_a_small_file_that_describes_a_large_network_is_refused_in_little_memory(self, house, tmp_path, numbers):
        (tmp_path / "large.th").write_bytes(checkpoint(numbers=numbers))
        told = house.refuses("import", "htdemucs", tmp_path / "large.th", limits=[(resource.RLIMIT_DATA, (1 << 30, 1 << 30))])
        assert "cannot be run" in told and house.is_empty()

    @pytest.mark.parametrize("numbers", [{"depth": 0}, {"channels": -4}, {"nfft": 511}, {"t_heads": 3}, {"dconv_comp": 0}])
    def test_sizes_that_make_no_network_are_refused(self, refuses, numbers):
        refuses("sizes.th", checkpoint(numbers=numbers))


class TestOtherFiles:
    @pytest.mark.parametrize(
        ("name", "content", "word"),
        [
            ("hdemucs.th", lambda: checkpoint(module="demucs.hdemucs"), "demucs.hdemucs.HTDemucs, not of HTDemucs"),
            ("demucs-v2.th", lambda: b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19." + bytes(5000), "older Demucs"),
            ("demucs-v2.th.gz", lambda: gzip.compress(bytes(5000) + os.urandom(5000)), "gzip"),
            ("state.th", lambda: archive(b"\x80\x02}(" + text(b"encoder.0.weight") + b"Nu."), "no description of its network"),
            ("spleeter.tar.gz", lambda: gzip.compress(b"2stems/model.data-00000-of-00001" + os.urandom(5000)), "gzip"),
            ("saved_model.pb", lambda: b"\x08\x01\x12\xff\x01\n\x03Add" + os.urandom(5000), "not a checkpoint"),
            ("weights.h5", lambda: b"\x89HDF\r\n\x1a\n" + bytes(5000), "not a checkpoint"),
            ("song.wav", lambda: b"RIFF" + struct.pack("<I", 36) + b"WAVEfmt " + bytes(5000), "not a checkpoint"),
            ("page.html", lambda: b"<!doctype html><title>Sign in</title>" + b" " * 5000, "not a checkpoint"),
            ("documents.zip", lambda: _zip_of_text(), "not a checkpoint"),
            ("empty.th", lambda: b"", "empty"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_another_file_is_refused_with_what_it_is(self, refuses, name, content, word):
        assert word in refuses(name, content())

    def test_what_is_no_file_is_refused(self, house, tmp_path):
        pipe = tmp_path / "pipe.th"
        os.mkfifo(pipe)
        assert "no regular file" in house.refuses("import", "htdemucs", pipe), "and nobody waits for who would write to it"
        assert house.run("import", "htdemucs", tmp_path)[0] == 2, "a folder"
        assert house.run("import", "htdemucs", tmp_path / "nowhere.th")[0] == 2
        assert house.run("import", "htdemucs")[0] == 2
        assert house.is_empty()


def _zip_of_text():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("letter.txt", "Dear reader, ")
    return out.getvalue()


def shifted(header):
    first, second = [name for name in header if name != "__metadata__"][:2]
    header[second]["data_offsets"] = [offset - 4 for offset in header[second]["data_offsets"]]


def doubled(header):
    line = json.dumps({"freq_emb.embedding.weight": header["freq_emb.embedding.weight"]})[1:-1]
    return "{" + line + "," + json.dumps(header)[1:]


def altered(**change):
    def alter(header):
        header["freq_emb.embedding.weight"].update(change)

    return alter


class TestSafetensors:
    def test_a_checkpoint_of_this_format_serves(self, house, tmp_path):
        (tmp_path / "mine.safetensors").write_bytes(safetensors())
        done = house("import", "htdemucs", tmp_path / "mine.safetensors", "--license", "CC-BY-4.0")
        assert (done["repo_id"], done["serves"], done["license"]) == ("tollhouse/htdemucs", True, "CC-BY-4.0")
        assert house("verify")["broken"] == []

    @pytest.mark.parametrize(
        ("name", "content", "word"),
        [
            ("a header of 2^63 bytes", lambda: struct.pack("<Q", 1 << 63) + b"{" + bytes(100), "header"),
            ("a header of 100 MB", lambda: struct.pack("<Q", 100 << 20) + b"{" + b" " * (100 << 20) + b"}", "header"),
            ("a header that is cut short", lambda: safetensors()[:200], "header"),
            ("deep brackets", lambda: struct.pack("<Q", 200_001) + b'{"a":' + b"[" * 199_996, "header"),
            ("weights that are cut short", lambda: safetensors(data=lambda data: data[:-4]), "not in the file"),
            ("bytes of nobody", lambda: safetensors(data=lambda data: data + bytes(4)), "gaps"),
            ("weights that overlap", lambda: safetensors(change=shifted), "overlap"),
            ("one name twice", lambda: safetensors(change=doubled), "header"),
            ("offsets that run back", lambda: safetensors(change=altered(data_offsets=[256, 0])), "not in the file"),
            ("negative offsets", lambda: safetensors(change=altered(data_offsets=[-4, 252])), "not in the file"),
            ("a shape beyond all bounds", lambda: safetensors(change=altered(shape=[1 << 62, 4])), "header"),
            ("a negative shape", lambda: safetensors(change=altered(shape=[-64, -4])), "header"),
            ("a type that is none", lambda: safetensors(change=altered(dtype="F4")), "type"),
            ("numbers that are none", lambda: safetensors(data=lambda data: struct.pack("<f", float("nan")) + data[4:]), "not all numbers"),
            ("infinite numbers", lambda: safetensors(data=lambda data: data[:-4] + struct.pack("<f", float("-inf"))), "not all numbers"),
            ("an infinite argument", lambda: safetensors(change=lambda header: header["__metadata__"].update(kwargs='{"sources": ["a"], "segment": 1e999}')), "cannot be run"),
            ("no description", lambda: safetensors(change=lambda header: header.pop("__metadata__") and None), "not a checkpoint"),
            ("another architecture", lambda: safetensors(module="demucs.hdemucs"), "demucs.hdemucs"),
            ("text that is not UTF-8", lambda: safetensors().replace(b"freq_emb", b"freq\xff\xfe\xffb"), "header"),
        ],
        ids=lambda value: value if isinstance(value, str) and " " in value else "",
    )
    def test_what_contradicts_itself_is_refused(self, refuses, name, content, word):
        assert word in refuses("mine.safetensors", content())


class TestBags:
    @pytest.fixture
    def bag(self, tmp_path):
        """bag(yaml) beside two checkpoints, abcdef00 and abcdef01."""
        for number in range(2):
            content = checkpoint(seed=number)
            (tmp_path / published_name(f"abcdef0{number}", content)).write_bytes(content)

        def path(yaml):
            (tmp_path / "bag.yaml").write_text(yaml)
            return tmp_path / "bag.yaml"

        return path

    def test_a_bag_serves(self, house, bag):
        done = house("import", "htdemucs", bag("models: ['abcdef00', 'abcdef01']\nweights: [[1., 0., 1., 0.], [0., 1., 0., 1.]]\nsegment: 44\n"))
        assert done["repo_id"] == "tollhouse/htdemucs_ft" and len(done["sources"]) == 2

    @pytest.mark.parametrize(
        ("yaml", "word"),
        [
            ("models: ['abcdef00', 'ffffffff']", "ffffffff is not beside it"),
            ("models: ['../abcdef00']", "bag"),
            ("models: ['/etc/passwd']", "bag"),
            ("models: ['abcdef00', 'abcdef01']\nweights: [[1., 1., 1., 1.]]", "bag"),
            ("models: ['abcdef00', 'abcdef01']\nweights: [[1., 1.], [1., 1.]]", "2 weights a checkpoint, for 4 stems"),
            ("models: ['abcdef00', 'abcdef01']\nweights: [[1., 1., 1., 0.], [1., 1., 1., 0.]]", "no checkpoint a weight for"),
            ("models: ['abcdef00', 'abcdef01']\nweights: [[1., 1., 1., .nan], [1., 1., 1., 0.]]", "bag"),
            ("models: ['abcdef00', 'abcdef01']\nweights: [[1., 1., 1., -1], [1., 1., 1., 2]]", "bag"),
            ("models: ['abcdef00', 'abcdef01']\nsegment: 0.01", "too short"),
            ("models: ['abcdef00'" + ", 'abcdef00'" * 16 + "]", "bag"),
            ("a: &a ['x', 'x']\nb: &b [*a, *a]\nmodels: [*b, *b]", "bag"),
            ("models: !!python/object/apply:os.system ['true']", "bag"),
            ("models: " + "[" * 5000, "bag"),
            ("models: []", "bag"),
            ("", "bag"),
            ("#" * 70_000, "bag"),
            ("x: 1\nmodels: ['abcdef00']", "not read"),
            ("models: ['abcdef00']\x00", "bag"),
        ],
        ids=range(18),
    )
    def test_a_bag_that_is_none_is_refused(self, house, bag, yaml, word):
        told = house.refuses("import", "htdemucs", bag(yaml))
        assert word in told.splitlines()[0] and "Nothing was stored." in told
        assert house.is_empty()

    def test_a_member_that_is_there_twice_is_refused(self, house, bag, tmp_path):
        (tmp_path / "abcdef00.th").write_bytes(WHOLE)
        assert "may be abcdef00-" in house.refuses("import", "htdemucs", bag("models: ['abcdef00']"))

    def test_members_of_other_stems_are_refused(self, house, bag, tmp_path):
        (tmp_path / "abcdef02.th").write_bytes(checkpoint(sources=list(reversed(FOUR))))
        assert "do not fit together" in house.refuses("import", "htdemucs", bag("models: ['abcdef00', 'abcdef02']"))

    def test_one_bad_member_spoils_all(self, house, bag, tmp_path):
        (tmp_path / "abcdef02.th").write_bytes(WHOLE[:5000])
        assert "abcdef02.th" in house.refuses("import", "htdemucs", bag("models: ['abcdef00', 'abcdef02']"))
        assert house.is_empty()


@pytest.fixture
def mine(tmp_path):
    path = tmp_path / "mine.th"
    path.write_bytes(WHOLE)
    return path


def as_anybody(*command):
    """Runs a command without the privilege to read and write everything, which root has."""
    drop = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.getuid() == 0 else []
    return subprocess.run([*drop, *command], capture_output=True, text=True, timeout=60)


class TestTheMachine:
    @pytest.mark.parametrize("room", [0, 4096, 65536])
    def test_a_full_disk_is_said_and_leaves_nothing(self, house, mine, room):
        house("list")
        told = house.refuses("import", "htdemucs", mine, limits=[(resource.RLIMIT_FSIZE, (room, room))])
        assert told.startswith("error: ") and len(told.splitlines()) <= 2
        assert house.is_empty()
        assert house("import", "htdemucs", mine)["serves"] is True, "and with room it goes"

    def test_a_data_folder_that_cannot_be_written_is_said(self, house, mine, tmp_path):
        house("list")
        folder = tmp_path / "data"
        places = [folder, *(path for path in folder.rglob("*"))]
        modes = {path: path.stat().st_mode for path in places}
        for path in places:
            path.chmod(0o555 if path.is_dir() else 0o444)
        done = as_anybody(str(BINARY), "models", "import", "htdemucs", str(mine), "--data", str(folder), *house.database)
        for path, mode in modes.items():
            path.chmod(mode)
        assert done.returncode == 1 and done.stderr.startswith("error: ") and str(folder) in done.stderr, done.stderr
        assert len(done.stderr.splitlines()) <= 2
        assert house.is_empty()

    def test_a_data_folder_that_is_a_file_is_said(self, house, mine, tmp_path):
        (tmp_path / "data").write_text("not a folder")
        status, _, told = house.run("import", "htdemucs", mine)
        assert status == 1 and told.startswith("error: ") and str(tmp_path / "data") in told

    def test_a_file_that_may_not_be_read_is_said(self, house, mine):
        house("list")
        mine.chmod(0)
        done = as_anybody(str(BINARY), "models", "import", "htdemucs", str(mine), "--data", str(house.data), *house.database)
        assert done.returncode == 1 and f"cannot read {mine}" in done.stderr, done.stderr
        assert house.is_empty()

    def test_an_interrupted_import_is_whole_or_not_there(self, house, mine):
        house("list")
        ended = set()
        for step in range(16):
            process = house.start("import", "htdemucs", mine)
            time.sleep(0.01 * step)
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=30)
            ended.add(process.returncode)
            versions = house("versions", "tollhouse/htdemucs") if house("list") else []
            assert all(version["completed"] and version["aliases"] == ["production"] for version in versions)
            assert house("verify")["broken"] == []
            assert bool(house.blobs()) == bool(versions), "no bytes of nobody"
        assert -signal.SIGINT in ended, "some were stopped before their end"
        assert house("import", "htdemucs", mine)["serves"] is True

    def test_imports_at_the_same_time_do_not_disturb_each_other(self, house, mine, tmp_path):
        house("list")
        other = tmp_path / "other.th"
        other.write_bytes(checkpoint(seed=7))
        started = [house.start("import", "htdemucs", path, "--format", "json") for path in (mine, other, mine, other, mine)]
        results = []
        for process in started:
            out, err = process.communicate(timeout=60)
            assert process.returncode == 0, err
            results.append(json.loads(out))
        assert len({done["version"] for done in results}) == 2
        assert sum(done["made"] for done in results) == 2, "each was made once"
        versions = house("versions", "tollhouse/htdemucs")
        assert [version["aliases"] for version in versions].count(["production"]) == 1 and len(versions) == 2
        assert house("verify")["broken"] == []


class TestAgain:
    @pytest.fixture
    def imported(self, house, tmp_path):
        def run(seed, *arguments):
            path = tmp_path / f"mine{seed}.th"
            path.write_bytes(checkpoint(seed=seed))
            return house("import", "htdemucs", path, *arguments)

        return run

    def test_other_weights_become_a_version_that_says_what_it_is_and_serves(self, house, imported):
        first = imported(1, "--license", "MIT")
        second = imported(2, "--license", "CC-BY-NC-4.0")
        assert second["replaced"] == first["version"] == first["production"] and second["production"] == second["version"]
        (model,) = house("list")
        assert (model["production"], model["license"], model["commit"]) == (second["version"], "CC-BY-NC-4.0", second["weights_sha256"])
        newest, oldest = house("versions", "tollhouse/htdemucs")
        assert (newest["version"], newest["aliases"], oldest["aliases"]) == (second["version"], ["production"], [])
        assert second["weights_sha256"] in newest["notes"] and "CC-BY-NC-4.0" in newest["notes"]
        assert first["weights_sha256"] in oldest["notes"] and "MIT" in oldest["notes"]

    def test_weights_of_unknown_licence_do_not_keep_the_one_of_others(self, house, imported):
        imported(1, "--license", "MIT")
        imported(2)
        assert house("list")[0]["license"] is None

    def test_the_same_weights_change_nothing(self, house, imported):
        first = imported(1)
        before = house("list"), house("versions", "tollhouse/htdemucs")
        again = imported(1)
        assert (again["made"], again["version"], again["serves"]) == (False, first["version"], True)
        assert (house("list"), house("versions", "tollhouse/htdemucs")) == before

    def test_one_goes_back_with_one_command_and_a_repetition_does_not_overrule_it(self, house, imported, tmp_path):
        first, second = imported(1), imported(2)
        status, out, _ = house.run("import", "htdemucs", tmp_path / "mine2.th")
        assert status == 0 and "and serves" in out
        moved = house("alias", "tollhouse/htdemucs", "production", first["version"])
        assert moved == {"repo_id": "tollhouse/htdemucs", "alias": "production", "version": first["version"], "previous": second["version"]}
        assert house("list")[0]["production"] == first["version"]
        status, out, _ = house.run("import", "htdemucs", tmp_path / "mine2.th")
        assert status == 0 and f"{first['version']} serves" in out
        assert f"tollhouse models alias tollhouse/htdemucs production {second['version']}" in out, "says how to"
        assert house("list")[0]["production"] == first["version"]

    def test_an_alias_that_cannot_be_is_refused(self, house, imported):
        first = imported(1)
        assert "versions" in house.refuses("alias", "tollhouse/htdemucs", "production", "v9")
        assert "models list" in house.refuses("alias", "tollhouse/nothing", "production", "v9")
        assert "no name" in house.refuses("alias", "tollhouse/htdemucs", "a b", first["version"])
        house.refuses("alias", "tollhouse/htdemucs", "production")
        house.refuses("alias", "tollhouse/htdemucs", "production", first["version"], "--remove")
        assert house("list")[0]["production"] == first["version"]
        house("alias", "tollhouse/htdemucs", "beta", first["version"])
        house("alias", "tollhouse/htdemucs", "beta", "--remove")
        assert house("versions", "tollhouse/htdemucs")[0]["aliases"] == ["production"]


def reference():
    """The Python of a virtual environment with the reference implementation, if there is one."""
    venv = os.environ.get("TOLL_PARITY_VENV", "")
    python = Path(venv) / "bin" / "python"
    if not venv or not python.exists():
        pytest.skip("skipped: no reference (TOLL_PARITY_VENV)")
    return python


MAKE = """
import sys, torch
from fractions import Fraction
from demucs.hdemucs import HDemucs
from demucs.htdemucs import HTDemucs
from demucs.states import get_state, save_with_checksum
folder, torch.manual_seed = sys.argv[1], torch.manual_seed(1) and torch.manual_seed
small = dict(channels=4, nfft=512, depth=2, dconv_comp=2, bottom_channels=8, t_layers=2, t_heads=2, segment=Fraction(1, 10))
sources = ["drums", "bass", "other", "vocals"]
model = HTDemucs(sources, **small).eval()
package = lambda model, args, kwargs: {"klass": type(model), "args": args, "kwargs": kwargs, "state": get_state(model, None, half=True), "training_args": {"epochs": 1}}
from pathlib import Path
torch.save(package(model, (sources,), small), folder + "/right.th")
torch.save(model.state_dict(), folder + "/state.th")
torch.save(model, folder + "/module.th")
torch.save(package(model, (sources,), small), folder + "/legacy.th", _use_new_zipfile_serialization=False)
torch.save(package(HDemucs(sources, channels=4), (sources,), dict(channels=4)), folder + "/hdemucs.th")
torch.save({"klass": HTDemucs, "args": (), "kwargs": {}, "state": {"__quantized": True}}, folder + "/quantised.th")
"""


def test_files_of_the_reference_are_taken_or_refused_for_what_they_are(house, tmp_path):
    subprocess.run([reference(), "-c", MAKE, str(tmp_path)], check=True, timeout=300, capture_output=True)
    for name, word in [
        ("state.th", "no description of its network"),
        ("module.th", "cannot be run"),
        ("legacy.th", "older Demucs"),
        ("hdemucs.th", "demucs.hdemucs.HDemucs, not of HTDemucs"),
        ("quantised.th", "cannot be run"),
    ]:
        assert word in house.refuses("import", "htdemucs", tmp_path / name), name
    assert house.is_empty()
    assert house("import", "htdemucs", tmp_path / "right.th")["serves"] is True
