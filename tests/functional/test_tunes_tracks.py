"""Tracks: their fields and aliases, lists that go on, batches, audio in every format, ranges, signed addresses, tenants, scopes."""

import hashlib
import json
import uuid

import pytest
import requests

from support import audio
from support.checks import show
from support.library import PAGE_KEYS, TIME, TRACK_KEYS, bad_fields, key, refused, track, tracks, walk
from support.polling import until

FULL = {
    "name": "One More Time",
    "artists": ["Daft Punk", {"name": "Romanthony"}],
    "album": {"name": "Discovery", "release_date": "2001-03-12", "images": [{"url": "https://img.test/1.png"}]},
    "duration_ms": 320357,
    "explicit": True,
    "genres": ["house", "french touch"],
    "external_ids": {"isrc": "gb-duw-00-00053", "ean": "4006381333931", "upc": "036000291452"},
    "track_number": 1,
    "disc_number": 2,
    "metadata": {"mood": "up", "list": [1, 2.5, None]},
}
FORMATS = [
    (".wav", (), "audio/wav", 44100),
    (".aiff", (), "audio/aiff", 44100),
    (".flac", (), "audio/flac", 44100),
    (".mp3", (), "audio/mpeg", 44100),
    (".ogg", ("-c:a", "libvorbis"), "audio/ogg", 44100),
    (".opus", ("-c:a", "libopus"), "audio/ogg; codecs=opus", 48000),
    (".m4a", ("-c:a", "aac"), "audio/mp4", 44100),
    (".aac", ("-c:a", "aac"), "audio/aac", 44100),
]


@pytest.fixture(scope="module")
def settings():
    return {"accounts": {"plan": "enterprise"}, "tunes": {"max_audio_bytes": 4_000_000}}


def put_audio(account, track_id, content, **options):
    return account.session.put(f"/tracks/{track_id}/audio", data=content, **options)


# ---- fields


def test_a_track_keeps_what_is_said_of_it(account):
    answer = account.session.post("/tracks", json=FULL)
    assert answer.status_code == 201, show(answer)
    made = answer.json()
    assert list(made) == TRACK_KEYS, "all members, in the order of the contract"
    assert answer.headers["Location"] == f"/tracks/{made['id']}"
    assert str(uuid.UUID(made["id"])) == made["id"]
    assert made["type"] == "track" and made["name"] == "One More Time"
    assert [artist["name"] for artist in made["artists"]] == ["Daft Punk", "Romanthony"]
    assert all(list(artist) == ["id", "name"] for artist in made["artists"])
    assert made["album"] == FULL["album"] and list(made["album"]) == ["name", "release_date", "images"]
    assert made["external_ids"] == {"isrc": "GBDUW0000053", "ean": "4006381333931", "upc": "036000291452"}
    for name in ("duration_ms", "explicit", "genres", "track_number", "disc_number", "metadata"):
        assert made[name] == FULL[name], name
    assert made["popularity"] == 0 and made["audio"] is None and made["audio_features_status"] == "none"
    assert TIME.match(made["created_at"]) and TIME.match(made["updated_at"])
    assert account.session.get(f"/tracks/{made['id']}").json() == made
    assert account.session.get(f"/tracks/{made['id'].upper()}").json() == made, "ids are taken in upper case too"


def test_a_track_of_which_little_is_said_has_nulls(account):
    made = track(account, "x")
    assert list(made) == TRACK_KEYS
    assert made["artists"] == [] and made["genres"] == [] and made["metadata"] == {}
    assert made["external_ids"] == {"isrc": None, "ean": None, "upc": None}
    for name in ("album", "duration_ms", "track_number", "disc_number", "audio"):
        assert made[name] is None, name
    assert made["explicit"] is False


def test_older_names_of_fields_are_taken(account):
    body = {
        "title": "Jóga",
        "artist": "Björk",
        "album": "Homogenic",
        "genre": "art pop",
        "duration_seconds": 305.25,
        "release_year": 1997,
        "cover_url": "https://img.test/h.jpg",
        "extra_metadata": {"a": 1},
    }
    made = account.session.post("/api/v1/tracks/", json=body).json()
    assert made["name"] == "Jóga" and made["artists"][0]["name"] == "Björk"
    assert made["album"] == {"name": "Homogenic", "release_date": "1997", "images": [{"url": "https://img.test/h.jpg"}]}
    assert made["genres"] == ["art pop"] and made["duration_ms"] == 305250 and made["metadata"] == {"a": 1}


@pytest.mark.parametrize(
    "change, where",
    [
        ({"name": ""}, ("body", "name")),
        ({"name": "  "}, ("body", "name")),
        ({"name": "x" * 501}, ("body", "name")),
        ({"name": 5}, ("body", "name")),
        ({"name": None}, ("body", "name")),
        ({"name": "a\u0007b"}, ("body", "name")),
        ({"title": "twice"}, ("body", "title")),
        ({"artists": ["a"] * 21}, ("body", "artists")),
        ({"artists": ["x" * 201]}, ("body", "artists", 0)),
        ({"artists": [{"nam": "x"}]}, ("body", "artists", 0, "name")),
        ({"artists": "x"}, ("body", "artists")),
        ({"album": {"name": "x" * 501}}, ("body", "album", "name")),
        ({"album": {"release_date": "1899"}}, ("body", "album", "release_date")),
        ({"album": {"release_date": "2023-02-30"}}, ("body", "album", "release_date")),
        ({"album": {"images": [{"url": "javascript:x"}]}}, ("body", "album", "images", 0, "url")),
        ({"duration_ms": 0}, ("body", "duration_ms")),
        ({"duration_ms": "90"}, ("body", "duration_ms")),
        ({"explicit": "yes"}, ("body", "explicit")),
        ({"genres": ["g"] * 11}, ("body", "genres")),
        ({"genres": ["x" * 101]}, ("body", "genres", 0)),
        ({"external_ids": {"isrc": "nope"}}, ("body", "external_ids", "isrc")),
        ({"external_ids": {"ean": "4006381333932"}}, ("body", "external_ids", "ean")),
        ({"external_ids": {"ipi": "1"}}, ("body", "external_ids", "ipi")),
        ({"track_number": 0}, ("body", "track_number")),
        ({"metadata": []}, ("body", "metadata")),
        ({"metadata": {"x": "y" * 17000}}, ("body", "metadata")),
        ({"release_year": 2101}, ("body", "release_year")),
        ({"popularity": 100}, ("body", "popularity")),
    ],
)
def test_a_field_that_breaks_its_rule_is_named_and_nothing_is_made(account, change, where):
    answer = account.session.post("/tracks", json={"name": "good", **change})
    assert where in bad_fields(answer), show(answer)
    assert account.session.get("/tracks").json()["total"] == 0


def test_every_problem_is_named_at_once(account):
    answer = account.session.post("/tracks", json={"genres": [""], "explicit": 1, "nope": 2})
    assert set(bad_fields(answer)) >= {
        ("body", "genres", 0),
        ("body", "explicit"),
        ("body", "nope"),
        ("body", "name"),
    }, show(answer)
    refused(account.session.post("/tracks", data=b'{"name":', headers={"Content-Type": "application/json"}), 400)
    refused(account.session.post("/tracks", data=b'{"name":"a","name":"b"}'), 400)
    refused(account.session.post("/tracks", data=b"name=a", headers={"Content-Type": "text/plain"}), 415)
    assert bad_fields(account.session.post("/tracks")), "no body at all"


def test_a_change_leaves_what_is_absent(account):
    made = account.session.post("/tracks", json=FULL).json()
    path = f"/tracks/{made['id']}"
    after = account.session.patch(path, json={"name": "Aerodynamic", "album": {"name": "D"}, "genres": []}).json()
    assert after["name"] == "Aerodynamic" and after["genres"] == []
    assert after["album"] == {**FULL["album"], "name": "D"}
    for name in ("artists", "duration_ms", "external_ids", "metadata", "created_at"):
        assert after[name] == made[name], name
    after = account.session.patch(path, json={"album": None, "duration_ms": None, "external_ids": {"isrc": None}}).json()
    assert after["album"] is None and after["duration_ms"] is None
    assert after["external_ids"] == {"isrc": None, "ean": "4006381333931", "upc": "036000291452"}
    for body in ({"name": None}, {"explicit": None}, {"artists": None}, {"metadata": None}, {"id": made["id"]}):
        assert bad_fields(account.session.patch(path, json=body)), body
    assert account.session.get(path).json() == after, "a refused change changes nothing"


def test_ids_that_are_none_are_refused_and_unknown_ones_not_found(account):
    for method in ("GET", "DELETE"):
        assert bad_fields(account.session.request(method, "/tracks/x")) == [("path", "track_id")]
        refused(account.session.request(method, f"/tracks/{uuid.uuid4()}"), 404, "Not Found", "Track not found")


def test_a_created_track_is_made_once_for_one_idempotency_key(account):
    headers = {"Idempotency-Key": "once"}
    first = account.session.post("/tracks", json={"name": "a"}, headers=headers)
    again = account.session.post("/tracks", json={"name": "a"}, headers=headers)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["Idempotency-Replayed"] == "true"
    refused(account.session.post("/tracks", json={"name": "b"}, headers=headers), 422)
    assert account.session.get("/tracks").json()["total"] == 1


# ---- lists


def test_a_walk_meets_every_surviving_track_once(account):
    ids = tracks(account, 250)
    removed = set()

    def between(page):
        track(account, "newcomer")
        last, coming = page["items"][-1]["id"], ids[len(removed)]
        for gone in (last, coming):
            if gone in ids and account.session.delete(f"/tracks/{gone}").status_code == 204:
                removed.add(coming)

    met = [item["id"] for item in walk(account.session, "/tracks", between, limit=20)]
    assert met == [i for i in reversed(ids) if i not in removed], "newest first, each once, and nothing that came meanwhile"


def test_a_page_says_where_it_stands(account):
    tracks(account, 3)
    page = account.session.get("/tracks", params={"limit": 2}).json()
    assert list(page) == PAGE_KEYS and page["limit"] == 2 and page["total"] == 3 and len(page["items"]) == 2
    assert page["href"] == f"{account.server.url}/tracks?limit=2"
    assert account.session.get("/api/v1/tracks/?limit=2").json()["next"].startswith(f"{account.server.url}/api/v1/tracks")
    assert account.session.get("/tracks").json()["limit"] == 100
    for query in ({"limit": 0}, {"limit": 1001}, {"limit": "x"}, {"after": "junk"}, {"isrc": "x"}, {"ids": "a,b"}):
        assert bad_fields(account.session.get("/tracks", params=query)) == [("query", *query)], query
    assert account.session.get("/tracks?unknown=1").status_code == 200, "unknown parameters are ignored"


def test_filters_of_the_list(account):
    account.session.post("/tracks", json=FULL)
    other = track(account, "other", artist="Sigur Rós", genre="House")
    put_audio(account, other["id"], audio.song())

    def names(**query):
        page = account.session.get("/tracks", params=query).json()
        assert page["total"] == len(page["items"])
        return [item["name"] for item in page["items"]]

    assert names(artist="aft p") == ["One More Time"]
    assert names(artist="RÓS") == ["other"]
    assert names(artist="%") == []
    assert names(genre="house") == ["One More Time"]
    assert names(isrc="GBDUW0000053") == ["One More Time"]
    assert names(has_audio="true") == ["other"] and names(has_audio="false") == ["One More Time"]
    assert names(genre="house", has_audio="true") == []


def test_several_tracks_come_in_the_order_of_their_ids(account, other):
    mine, foreign = track(account, "mine"), track(other, "foreign")
    ids = [str(uuid.uuid4()), mine["id"], foreign["id"], mine["id"].upper()]
    answer = account.session.get("/tracks", params={"ids": ",".join(ids)}).json()
    assert answer == {"tracks": [None, mine, None, mine]}
    many = ",".join(str(uuid.uuid4()) for _ in range(101))
    assert bad_fields(account.session.get("/tracks", params={"ids": many})) == [("query", "ids")]


def test_the_summary_counts_each_artist_and_genre_once(account):
    empty = account.session.get("/tracks/stats/summary").json()
    assert empty == {"total_tracks": 0, "unique_artists": 0, "unique_genres": 0}
    track(account, "a", artists=["X", "Y"], genres=["g"])
    track(account, "b", artists=["x"], genres=["g", "h"])
    assert account.session.get("/tracks/stats/summary").json() == {
        "total_tracks": 2,
        "unique_artists": 2,
        "unique_genres": 2,
    }


# ---- batches


def test_each_operation_of_a_batch_stands_alone(account, other):
    mine, gone, foreign = track(account, "mine"), track(account, "gone"), track(other, "foreign")
    answer = account.session.post(
        "/tracks/batch",
        json={
            "operations": [
                {"op": "create", "track": {"name": "new"}},
                {"op": "create", "track": {"genres": 5}},
                {"op": "update", "id": mine["id"], "track": {"name": "changed"}},
                {"op": "update", "id": foreign["id"], "track": {"name": "stolen"}},
                {"op": "delete", "id": gone["id"]},
                {"op": "delete", "id": str(uuid.uuid4())},
                {"op": "explode"},
                7,
            ]
        },
    )
    assert answer.status_code == 200, show(answer)
    results = answer.json()["results"]
    assert [list(result) for result in results] == [["index", "status", "id", "error"]] * 8
    assert [result["index"] for result in results] == list(range(8))
    assert [result["status"] for result in results] == [201, 422, 200, 404, 204, 404, 422, 422]
    assert results[3]["error"] == {"error": "Not Found", "detail": "Track not found"} == results[5]["error"]
    assert {tuple(e["loc"]) for e in results[1]["error"]["errors"]} == {
        ("body", "operations", 1, "track", "genres"),
        ("body", "operations", 1, "track", "name"),
    }
    assert results[0]["error"] is None and results[1]["id"] is None
    names = {item["name"] for item in account.session.get("/tracks").json()["items"]}
    assert names == {"new", "changed"}
    assert other.session.get(f"/tracks/{foreign['id']}").json()["name"] == "foreign"
    for bad in ([], [{"op": "create", "track": {"name": "x"}}] * 101):
        assert bad_fields(account.session.post("/tracks/batch", json={"operations": bad})) == [("body", "operations")]


def test_a_batch_that_deletes_needs_the_scope_for_it(account):
    mine = track(account)
    writer = key(account, "write:tracks")
    body = {"operations": [{"op": "create", "track": {"name": "n"}}, {"op": "delete", "id": mine["id"]}]}
    answer = refused(writer.post("/tracks/batch", json=body), 403, "Insufficient permissions")
    assert answer["required_scope"] == "delete:tracks"
    assert account.session.get("/tracks").json()["total"] == 1, "not one operation was done"
    assert writer.post("/tracks/batch", json={"operations": body["operations"][:1]}).status_code == 200
    assert key(account, "write:tracks", "delete:tracks").post("/tracks/batch", json=body).status_code == 200


# ---- audio


@pytest.mark.parametrize("suffix, options, content_type, rate", FORMATS)
def test_audio_of_every_format_is_told_by_its_content(account, suffix, options, content_type, rate):
    content = audio.encoded(suffix, 1.5, options)
    made = track(account)
    answer = put_audio(account, made["id"], content, headers={"Content-Type": "text/html"})
    assert answer.status_code == 200, show(answer)
    after = answer.json()
    assert list(after["audio"]) == ["content_type", "size", "sha256", "sample_rate", "channels", "uploaded_at"]
    assert after["audio"]["content_type"] == content_type
    assert after["audio"]["size"] == len(content)
    assert after["audio"]["sha256"] == hashlib.sha256(content).hexdigest()
    assert after["audio"]["sample_rate"] == rate and after["audio"]["channels"] == 2
    assert abs(after["duration_ms"] - 1500) < 110, after["duration_ms"]
    assert after["audio_features_status"] == "none"
    fetched = account.session.get(f"/tracks/{made['id']}/audio")
    assert fetched.content == content and fetched.headers["Content-Type"] == content_type
    assert fetched.headers["Content-Disposition"].startswith("attachment") and suffix in fetched.headers["Content-Disposition"]


def test_audio_is_read_in_ranges(account):
    content = audio.song()
    made = track(account)
    put_audio(account, made["id"], content)
    path = f"/tracks/{made['id']}/audio"
    whole = account.session.get(path)
    assert whole.headers["Accept-Ranges"] == "bytes"
    etag = whole.headers["ETag"]
    for sent, expected in (("bytes=0-9", content[:10]), ("bytes=100-", content[100:]), ("bytes=-7", content[-7:])):
        part = account.session.get(path, headers={"Range": sent})
        assert part.status_code == 206 and part.content == expected, sent
        assert part.headers["Content-Range"].endswith(f"/{len(content)}")
    assert account.session.get(path, headers={"Range": f"bytes={len(content)}-"}).status_code == 416
    assert account.session.get(path, headers={"If-None-Match": etag}).status_code == 304
    head = account.session.head(path)
    assert head.headers["Content-Length"] == str(len(content)) and head.content == b""


def test_a_track_can_be_made_from_a_file(account):
    titled = audio.encoded(".flac", 1.0, ("-metadata", "title=Étude"))
    made = account.session.post("/tracks", files={"file": ("x.flac", titled)})
    assert made.status_code == 201, show(made)
    assert made.json()["name"] == "Étude" and made.json()["audio"]["content_type"] == "audio/flac"
    made = account.session.post("/tracks", files={"file": ("a/b\\My Song.wav", audio.song())})
    assert made.json()["name"] == "My Song"
    fields = {"metadata": json.dumps({"name": "Named", "genres": ["g"], "duration_ms": 5})}
    made = account.session.post("/tracks", files={"file": ("x.wav", audio.song())}, data=fields).json()
    assert made["name"] == "Named" and made["genres"] == ["g"] and made["duration_ms"] == 1000, "measured beats said"
    bad = {"metadata": json.dumps({"name": 5})}
    answer = account.session.post("/tracks", files={"file": ("x.wav", audio.song())}, data=bad)
    assert bad_fields(answer) == [("body", "metadata", "name")]
    assert account.session.get("/tracks").json()["total"] == 3


def test_audio_from_a_form_is_made_once_for_one_idempotency_key(account):
    send = lambda: account.session.post(  # noqa: E731
        "/tracks", files={"file": ("x.wav", audio.song())}, headers={"Idempotency-Key": "upload"}
    )
    first, again = send(), send()
    assert (first.status_code, first.content) == (201, again.content)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert account.session.get("/tracks").json()["total"] == 1


def test_bad_audio_is_refused_and_leaves_what_was_there(account, server):
    made = track(account)
    put_audio(account, made["id"], audio.song())
    before = account.session.get(f"/tracks/{made['id']}").json()
    flac = audio.encoded(".flac", 2.0)
    for content, status in (
        (b"this is a text and no music at all", 415),
        (b"\x89PNG\r\n\x1a\n" + bytes(1000), 415),
        (audio.silent_film(), 415),
        (audio.encoded(".mka", 1.0, ("-c:a", "flac")), 415),
        (b"", 422),
        (b"RIFF\x24\0\0\0WAVE" + b"x" * 400, 422),
        (flac[: len(flac) // 2], 422),
        (audio.as_wav(b""), 422),
        (bytes(4_000_001), 413),
    ):
        answer = put_audio(account, made["id"], content)
        refused(answer, status)
        form = account.session.post("/tracks", files={"file": ("x.mp3", content)})
        refused(form, status)
    assert account.session.get(f"/tracks/{made['id']}").json() == before
    assert account.session.get(f"/tracks/{made['id']}/audio").content == audio.song()
    assert account.session.get("/tracks").json()["total"] == 1


def test_audio_longer_than_two_hours_is_refused(account):
    made = track(account)
    long = audio.ffmpeg(
        ("-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono", "-t", "7300", "-c:a", "flac"), ".flac"
    )
    assert len(long) < 4_000_000
    answer = refused(put_audio(account, made["id"], long), 422)
    assert "7200" in answer["detail"], answer


def test_new_audio_replaces_the_old_and_the_duration_is_measured(account):
    made = track(account, duration_ms=99)
    put_audio(account, made["id"], audio.song())
    after = put_audio(account, made["id"], audio.encoded(".flac", 2.0)).json()
    assert after["duration_ms"] == 2000
    assert account.session.patch(f"/tracks/{made['id']}", json={"duration_ms": 5}).json()["duration_ms"] == 2000


def test_analysis_that_nothing_can_do_is_refused_in_words(account):
    made = track(account)
    answer = refused(put_audio(account, made["id"], audio.song(), params={"analyze": "true"}), 503, "Service Unavailable")
    assert "analysis" in answer["detail"]
    assert account.session.get(f"/tracks/{made['id']}").json()["audio"] is None
    assert put_audio(account, made["id"], audio.song(), params={"analyze": "false"}).status_code == 200


def test_a_deleted_track_takes_its_audio_along(account, server):
    made = track(account)
    put_audio(account, made["id"], audio.song())
    gone = account.session.delete(f"/tracks/{made['id']}")
    assert gone.status_code == 204 and gone.content == b""
    for path in (f"/tracks/{made['id']}", f"/tracks/{made['id']}/audio", f"/tracks/{made['id']}/audio/url"):
        refused(account.session.get(path), 404, detail="Track not found")


def test_audio_leaves_the_disk_with_its_track_and_with_its_account(server):
    """Whoever deletes an account expects its music to be gone."""
    account = server.account()
    contents = [audio.as_wav(bytes([n, 2 * n]) * 4000) for n in (11, 12)]
    made = [track(account) for _ in contents]
    for one, content in zip(made, contents):
        assert put_audio(account, one["id"], content).status_code == 200
    digests = [hashlib.sha256(content).hexdigest() for content in contents]
    stored = lambda digest: any(digest in name.replace("/", "") for name in server.files())  # noqa: E731
    assert all(map(stored, digests)), server.files()
    account.session.delete(f"/tracks/{made[0]['id']}")
    until(lambda: not stored(digests[0]), "the bytes of a deleted track leave the disk", 30)
    assert stored(digests[1])
    gone = account.session.delete("/auth/account", json={"password": account.password})
    assert gone.status_code == 200, show(gone)
    until(lambda: not stored(digests[1]), "the bytes of a deleted account leave the disk", 30)


def test_a_track_without_audio_has_none_to_give(account):
    made = track(account)
    refused(account.session.get(f"/tracks/{made['id']}/audio"), 404)
    refused(account.session.get(f"/tracks/{made['id']}/audio/url"), 404)


# ---- signed addresses


def test_a_signed_address_gives_the_audio_to_whoever_has_it(account):
    made = track(account)
    put_audio(account, made["id"], audio.song())
    answer = account.session.get(f"/tracks/{made['id']}/audio/url", params={"expires": 60}).json()
    assert list(answer) == ["url", "expires_at"] and TIME.match(answer["expires_at"])
    assert "X-Amz-Signature=" in answer["url"] and "X-Amz-Expires=60" in answer["url"]
    fetched = requests.get(answer["url"], timeout=10)
    assert fetched.status_code == 200 and fetched.content == audio.song()
    assert requests.get(answer["url"], headers={"Range": "bytes=0-3"}, timeout=10).content == audio.song()[:4]
    assert requests.get(answer["url"].replace("Signature=", "Signature=0"), timeout=10).status_code == 403
    for expires in (59, 86401):
        query = {"expires": expires}
        assert bad_fields(account.session.get(f"/tracks/{made['id']}/audio/url", params=query)) == [("query", "expires")]
    account.session.delete(f"/tracks/{made['id']}")
    assert requests.get(answer["url"], timeout=10).status_code == 404, "the address dies with the track"


def test_audio_can_go_past_the_api(account):
    made, content = track(account), audio.encoded(".flac", 1.0)
    path = f"/tracks/{made['id']}/audio/uploads"
    body = {"content_type": "audio/flac", "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    opened = account.session.post(path, json=body)
    assert opened.status_code == 201, show(opened)
    upload = opened.json()
    assert list(upload) == ["upload_id", "url", "method", "headers", "expires_at"] and upload["method"] == "PUT"
    complete = f"{path}/{upload['upload_id']}/complete"
    refused(account.session.post(complete), 409)
    wrong = requests.put(upload["url"], data=bytes(len(content)), headers=upload["headers"], timeout=10)
    assert wrong.status_code >= 400, "other bytes than announced are refused"
    sent = requests.put(upload["url"], data=content, headers=upload["headers"], timeout=10)
    assert sent.status_code == 200, sent.text
    assert account.session.get(f"/tracks/{made['id']}").json()["audio"] is None, "not before it is completed"
    done = account.session.post(complete)
    assert done.status_code == 200, show(done)
    assert done.json()["audio"]["sha256"] == body["sha256"] and done.json()["duration_ms"] == 1000
    assert account.session.get(f"/tracks/{made['id']}/audio").content == content
    refused(account.session.post(complete), 404)
    assert requests.put(upload["url"], data=content, headers=upload["headers"], timeout=10).status_code >= 400


def test_bytes_that_are_no_audio_do_not_become_one(account):
    made = track(account)
    path = f"/tracks/{made['id']}/audio/uploads"
    upload = account.session.post(path, json={"content_type": "audio/flac", "size": 10}).json()
    assert requests.put(upload["url"], data=b"no music..", headers=upload["headers"], timeout=10).status_code == 200
    refused(account.session.post(f"{path}/{upload['upload_id']}/complete"), 415)
    assert account.session.get(f"/tracks/{made['id']}").json()["audio"] is None
    refused(account.session.post(path, json={"content_type": "audio/flac", "size": 4_000_001}), 413)
    assert bad_fields(account.session.post(path, json={"content_type": "x", "size": 0, "sha256": "zz"}))


# ---- who may


def test_another_accounts_track_answers_like_an_absent_one(account, other):
    mine = track(account)
    put_audio(account, mine["id"], audio.song())
    before = account.session.get(f"/tracks/{mine['id']}").json()
    upload = {"content_type": "audio/wav", "size": 5}
    calls = [
        ("GET", "", {}),
        ("PATCH", "", {"json": {"name": "x"}}),
        ("DELETE", "", {}),
        ("PUT", "/audio", {"data": audio.song()}),
        ("GET", "/audio", {}),
        ("GET", "/audio/url", {}),
        ("POST", "/audio/uploads", {"json": upload}),
        ("POST", f"/audio/uploads/{uuid.uuid4()}/complete", {}),
    ]
    for method, rest, options in calls:
        absent = str(uuid.uuid4())
        answers = [other.session.request(method, f"/tracks/{i}{rest}", **options) for i in (mine["id"], absent)]
        assert answers[0].status_code == answers[1].status_code == 404, f"{method} {rest}: {show(answers[0])}"
        assert answers[0].content == answers[1].content, f"{method} {rest}"
    assert other.session.get("/tracks").json()["items"] == []
    assert account.session.get(f"/tracks/{mine['id']}").json() == before


def test_every_call_needs_its_scope(account):
    mine = track(account)
    path = f"/tracks/{mine['id']}"
    wanted = [
        ("GET", "/tracks", "read:tracks", {}),
        ("GET", path, "read:tracks", {}),
        ("GET", "/tracks/stats/summary", "read:tracks", {}),
        ("GET", path + "/audio", "read:tracks", {}),
        ("GET", path + "/audio/url", "read:tracks", {}),
        ("GET", "/search?q=x", "read:tracks", {}),
        ("POST", "/tracks", "write:tracks", {"json": {"name": "x"}}),
        ("PATCH", path, "write:tracks", {"json": {}}),
        ("PUT", path + "/audio", "write:tracks", {"data": b"x"}),
        ("POST", path + "/audio/uploads", "write:tracks", {"json": {"content_type": "x", "size": 1}}),
        ("POST", "/tracks/batch", "write:tracks", {"json": {"operations": [{"op": "x"}]}}),
        ("DELETE", path, "delete:tracks", {}),
    ]
    clients = {scope: key(account, scope) for scope in ("read:tracks", "write:tracks", "delete:tracks")}
    for method, where, scope, options in wanted:
        for held, client in clients.items():
            answer = client.request(method, where, **options)
            if held == scope:
                assert answer.status_code not in (401, 403), f"{method} {where} with {held}: {show(answer)}"
            else:
                body = refused(answer, 403, "Insufficient permissions")
                assert body["required_scope"] == scope, f"{method} {where} with {held}"
