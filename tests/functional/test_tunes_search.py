"""Search: beginnings of words without case and accents, filters, best first, pages, tenants, scopes."""

import pytest

from support.checks import show
from support.library import PAGE_KEYS, PLAYLIST_KEYS, TRACK_KEYS, bad_fields, key, playlist, refused, track, tracks


@pytest.fixture(scope="module")
def settings():
    return {"accounts": {"plan": "enterprise"}}


@pytest.fixture(scope="module")
def library(server):
    account = server.account()
    track(account, "Jóga", artist="Björk", album="Homogenic", release_year=1997, genre="art pop")
    track(account, "Da Funk", artist="Daft Punk", album="Homework", release_year=1997, genre="french house")
    track(account, "One More Time", artist="Daft Punk", album="Discovery", release_year=2001, genre="house",
          external_ids={"isrc": "GBDUW0000053"})
    track(account, "Homework", artist="Alice", release_year=2003)
    playlist(account, "Été à la plage", description="Björk and others")
    return account


def names(account, q, **query):
    answer = account.session.get("/search", params={"q": q, **query})
    assert answer.status_code == 200, show(answer)
    page = answer.json()["tracks"]
    assert page["total"] == len(page["items"])
    return [item["name"] for item in page["items"]]


@pytest.mark.parametrize(
    "q, expected",
    [
        ("joga", ["Jóga"]),
        ("JÓG", ["Jóga"]),
        ("bjork jo", ["Jóga"]),
        ("BJÖRK", ["Jóga"]),
        ("oga", []),
        ("homework", ["Homework", "Da Funk"]),
        ("daft time", ["One More Time"]),
        ("artist:daft", ["One More Time", "Da Funk"]),
        ('artist:"daft punk" funk', ["Da Funk"]),
        ("album:homework", ["Da Funk"]),
        ("genre:house", ["One More Time", "Da Funk"]),
        ("year:1997", ["Da Funk", "Jóga"]),
        ("year:1999-2003", ["Homework", "One More Time"]),
        ("home year:2002-2010", ["Homework"]),
        ("isrc:gb-duw-00-00053", ["One More Time"]),
        ("artist:alice album:homework", []),
        ("!!!", []),
        ("\" * ' OR 1=1 -- (", []),
    ],
)
def test_what_a_query_finds(library, q, expected):
    assert names(library, q) == expected


def test_the_answer_holds_the_lists_that_were_asked_for(library):
    answer = library.session.get("/search", params={"q": "bjork", "type": "track,playlist"}).json()
    assert list(answer) == ["tracks", "playlists"]
    assert list(answer["tracks"]) == PAGE_KEYS == list(answer["playlists"])
    assert list(answer["tracks"]["items"][0]) == TRACK_KEYS
    assert list(answer["playlists"]["items"][0]) == PLAYLIST_KEYS
    assert list(library.session.get("/search?q=ete&type=playlist").json()) == ["playlists"]
    assert library.session.get("/search?q=ete&type=playlist").json()["playlists"]["total"] == 1
    assert list(library.session.get("/search?q=ete").json()) == ["tracks"]


def test_pages_of_hits_go_on(account):
    ids = tracks(account, 25, "Needle")
    met, answer = [], account.session.get("/search", params={"q": "needle", "limit": 10})
    while True:
        page = answer.json()["tracks"]
        met += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        track(account, "Needle")
        answer = account.session.get(page["next"][len(account.server.url) :])
    assert sorted(met) == sorted(ids), "each once, whatever came meanwhile"


@pytest.mark.parametrize(
    "query, where",
    [
        ({}, "q"),
        ({"q": ""}, "q"),
        ({"q": "x" * 251}, "q"),
        ({"q": "year:soon"}, "q"),
        ({"q": "artist:"}, "q"),
        ({"q": "x", "type": "album"}, "type"),
        ({"q": "x", "limit": 0}, "limit"),
        ({"q": "x", "after": "junk"}, "after"),
    ],
)
def test_a_query_that_makes_no_sense_is_refused(library, query, where):
    assert bad_fields(library.session.get("/search", params=query)) == [("query", where)]


def test_nothing_of_another_account_is_found(library, other):
    assert names(other, "joga") == []
    answer = other.session.get("/search", params={"q": "ete", "type": "playlist"}).json()
    assert answer["playlists"]["items"] == []


def test_changes_are_found_at_once(account):
    made = track(account, "Before")
    account.session.patch(f"/tracks/{made['id']}", json={"name": "After"})
    assert names(account, "before") == [] and names(account, "after") == ["After"]
    account.session.delete(f"/tracks/{made['id']}")
    assert names(account, "after") == []


def test_playlists_need_their_own_scope(library):
    reader = key(library, "read:tracks")
    assert reader.get("/search?q=x").status_code == 200
    body = refused(reader.get("/search?q=x&type=playlist"), 403, "Insufficient permissions")
    assert body["required_scope"] == "read:playlists"
    assert key(library, "read:tracks", "read:playlists").get("/search?q=x&type=track,playlist").status_code == 200
    refused(key(library, "read:playlists").get("/search?q=x&type=playlist"), 403)
