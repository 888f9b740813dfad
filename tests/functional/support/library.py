"""What the tests of tracks, playlists and search share: keys with scopes, makers, and the shape of an answer."""

import re
import uuid

from support.accounts import Client
from support.checks import show

TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
TRACK_KEYS = [
    "id",
    "type",
    "name",
    "artists",
    "album",
    "duration_ms",
    "explicit",
    "genres",
    "external_ids",
    "track_number",
    "disc_number",
    "popularity",
    "metadata",
    "audio",
    "audio_features_status",
    "created_at",
    "updated_at",
]
PLAYLIST_KEYS = [
    "id",
    "type",
    "name",
    "description",
    "public",
    "images",
    "snapshot_id",
    "tracks",
    "metadata",
    "created_at",
    "updated_at",
]
PAGE_KEYS = ["href", "items", "limit", "next", "cursors", "total"]


def key(account, *scopes):
    """A client that speaks with a fresh tunes key."""
    answer = account.session.post("/api-keys", json={"name": f"test {uuid.uuid4()}", "scopes": list(scopes)})
    assert answer.status_code == 201, f"a key is made: {show(answer)}"
    return Client(account.server, answer.json()["api_key"])


def track(account, name="Song", **fields):
    answer = account.session.post("/tracks", json={"name": name, **fields})
    assert answer.status_code == 201, f"a track is made: {show(answer)}"
    return answer.json()


def tracks(account, count, name="Song"):
    """Ids of many tracks, oldest first."""
    ids = []
    for start in range(0, count, 100):
        operations = [
            {"op": "create", "track": {"name": f"{name} {n}"}} for n in range(start, min(count, start + 100))
        ]
        answer = account.session.post("/tracks/batch", json={"operations": operations})
        assert answer.status_code == 200, show(answer)
        ids += [result["id"] for result in answer.json()["results"]]
    return ids


def playlist(account, name="List", track_ids=(), **fields):
    answer = account.session.post("/playlists", json={"name": name, "track_ids": list(track_ids), **fields})
    assert answer.status_code == 201, f"a playlist is made: {show(answer)}"
    return answer.json()


def walk(client, path, between=None, **query):
    """Every item of a list, page by page through `next`; between() is called after each page but the last."""
    items, answer = [], client.get(path, params=query)
    for _ in range(1000):
        assert answer.status_code == 200, f"a page answers 200: {show(answer)}"
        page = answer.json()
        assert list(page) == PAGE_KEYS, f"a page has these members in this order: {list(page)}"
        items += page["items"]
        if page["next"] is None:
            assert page["cursors"] == {"after": None} and "Link" not in answer.headers, "the last page goes nowhere"
            return items
        assert answer.headers["Link"] == f'<{page["next"]}>; rel="next"', "Link says what next says"
        assert page["next"].startswith(client.server.url), f"next is an address of this server: {page['next']}"
        assert page["cursors"]["after"] in page["next"], "next carries the cursor"
        if between:
            between(page)
        answer = client.get(page["next"][len(client.server.url) :])
    raise AssertionError("the list has no end")


def refused(answer, status, error=None, detail=None):
    """An error in the envelope of this surface; answers its body."""
    assert answer.status_code == status, f"the contract demands {status}: {show(answer)}"
    body = answer.json()
    assert list(body)[:2] == ["error", "detail"], f"an error has error and detail first: {body}"
    if error:
        assert body["error"] == error, body
    if detail:
        assert body["detail"] == detail, body
    return body


def bad_fields(answer):
    """Where the problems of a 422 are."""
    body = refused(answer, 422, "Validation failed")
    return [tuple(problem["loc"]) for problem in body["errors"]]
