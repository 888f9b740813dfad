"""Section 5: the models and what their stems sound like together."""

import array

import pytest

from support import audio
from support.audio import Decoded
from support.checks import answers, refused

KEYS = ["name", "description", "stems", "cost", "licence", "ready", "served_by", "stem_counts", "transcription_types"]
TABLE = {
    "htdemucs": ([2, 4], ["bass", "drums", "other", "vocals"]),
    "htdemucs_ft": ([2, 4], ["bass", "drums", "other", "vocals"]),
    "htdemucs_6s": ([2, 4, 6], ["bass", "drums", "guitar", "other", "piano", "vocals"]),
}


@pytest.fixture(scope="module")
def models(server):
    return {model["name"]: model for model in server.client().get("/upload/models").json()["models"]}


def stems_of(account, job):
    return {name: Decoded(account.api.get(f"/download/{job['id']}/{name}").content) for name in job["stems"]}


def distance(left, right):
    """Largest difference of two sequences of samples, as a share of full scale."""
    assert len(left) == len(right), f"the same length to the sample, got {len(left)} and {len(right)}"
    return max(abs(a - b) for a, b in zip(left, right)) / 32768


def test_the_list_needs_no_login_and_is_sorted(server):
    answer = answers(server.client().get("/upload/models"), 200, "GET /upload/models")
    assert list(answer.json()) == ["models"], f"one key, got {list(answer.json())}"
    names = [model["name"] for model in answer.json()["models"]]
    assert names == sorted(names) and "htdemucs" in names, f"by name, htdemucs always, got {names}"
    for model in answer.json()["models"]:
        assert list(model) == KEYS, f"the documented members in order, got {list(model)}"


def test_one_model_is_the_same_object(server, models):
    for name, model in models.items():
        assert answers(server.client().get(f"/upload/models/{name}"), 200, name).json() == model, (
            f"{name} alone is {name} of the list"
        )
    refused(server.client().get("/upload/models/nope"), 404, "Model not found", "an unknown model")
    refused(server.client().get("/upload/models/HTDEMUCS"), 404, "Model not found", "names have case")


def test_a_shipped_server_offers_htdemucs_ready(models):
    model = models["htdemucs"]
    assert model["ready"] is True and model["cost"] == 1.0, f"the document's example must work, got {model}"
    assert model["transcription_types"] == {}, "a separation model transcribes nothing"


def test_each_model_names_its_stems(models):
    for name, (counts, stems) in TABLE.items():
        if name in models:
            assert (models[name]["stem_counts"], models[name]["stems"]) == (counts, stems), (
                f"{name} as in the table, got {models[name]}"
            )


def test_the_builtin_says_what_it_is(models):
    model = models["htdemucs"]
    assert model["served_by"] == "builtin-spectral", f"no weights are installed here, got {model['served_by']}"
    assert "signal processing" in model["description"].lower(), (
        f"one sentence about the quality to expect, got {model['description']!r}"
    )


def test_every_ready_model_separates_into_its_stems(owner, models):
    for name, model in models.items():
        if model["ready"] and model["stems"]:
            job = owner.finished(model=name)
            assert job["stems"] == [f"{stem}.wav" for stem in model["stems"]], (
                f"{name} gives its stems, got {job['stems']}"
            )
            assert job["stem_count"] == len(model["stems"]), f"default stem_count of {name}, got {job['stem_count']}"
            assert job["served_by"] == model["served_by"], f"the job says what did the work, got {job['served_by']}"


def test_four_stems_add_up_to_the_song(owner):
    job = owner.finished()
    stems = stems_of(owner, job)
    assert job["stems"] == ["bass.wav", "drums.wav", "other.wav", "vocals.wav"], (
        f"four stems by name, got {job['stems']}"
    )
    total = [sum(values) for values in zip(*(stem.samples for stem in stems.values()))]
    error = distance(total, Decoded(audio.song()).samples)
    assert error <= 1e-4 + 5 * 0.5 / 32768, (
        f"the stems add up to the mix within 1e-4 (and 16-bit rounding), off by {error:.2e}"
    )


@pytest.mark.parametrize("kind", ["vocals", "drums", "bass", "other"])
def test_two_stems_are_x_and_all_the_rest(owner, kind):
    job = owner.finished(stem_count="2", two_stem_type=kind)
    assert job["stems"] == sorted([f"{kind}.wav", f"no_{kind}.wav"]), f"X and no_X, got {job['stems']}"
    assert (job["stem_count"], job["two_stem_type"]) == (2, kind), f"as resolved at upload, got {job}"
    stems = stems_of(owner, job)
    total = [sum(values) for values in zip(*(stem.samples for stem in stems.values()))]
    error = distance(total, Decoded(audio.song()).samples)
    assert error <= 1e-4 + 3 * 0.5 / 32768, f"no_X is the sum of all other stems, off by {error:.2e}"


def test_stems_carry_different_music(owner, done):
    contents = {name: owner.api.get(f"/download/{done['id']}/{name}").content for name in done["stems"]}
    assert len(set(contents.values())) == 4, "four different stems"
    assert any(any(Decoded(content).samples) for content in contents.values()), "not all of them silent"


def test_the_same_song_gives_the_same_stems(owner):
    first, second = owner.finished(), owner.finished()
    for name in first["stems"]:
        a, b = (owner.api.get(f"/download/{job['id']}/{name}").content for job in (first, second))
        assert a == b, f"{name} is the same for the same song"


def test_a_song_at_full_scale_does_not_clip(owner):
    samples = array.array("h", ((32767 if (n // 50) % 2 else -32768) for n in range(2 * 44100)))
    job = owner.finished(content=audio.as_wav(samples.tobytes()))
    for name, stem in stems_of(owner, job).items():
        run = longest = 0
        for value in stem.samples[::2]:
            run = run + 1 if abs(value) >= 32767 else 0
            longest = max(longest, run)
        assert longest < 60, (
            f"all stems are scaled by one factor instead of clipping; {name} sticks at full scale for {longest} samples"
        )


def test_stems_of_a_song_at_another_rate_have_the_models(owner):
    content = audio.ffmpeg(("-i", "pipe:0", "-ar", "22050"), ".wav", audio.song())
    job = owner.finished(content=content)
    for name, stem in stems_of(owner, job).items():
        assert stem.rate == 44100 and abs(stem.frames - 44100) <= 2, (
            f"{name} at the model's rate and as long as the song, got {stem.frames} at {stem.rate}"
        )
