"""Playlists: their fields, the order of their tracks, snapshots, walks, tenants, scopes."""

import uuid

import pytest

from support.checks import show
from support.library import PAGE_KEYS, PLAYLIST_KEYS, TIME, TRACK_KEYS, bad_fields, key, playlist, refused, track, tracks, walk


@pytest.fixture(scope="module")
def settings():
    return {"accounts": {"plan": "enterprise"}}


def order(account, playlist_id, ids):
    """The tracks of a playlist by their place in `ids`; positions must be 0 to n - 1."""
    items = walk(account.session, f"/playlists/{playlist_id}/tracks", limit=100)
    assert [item["position"] for item in items] == list(range(len(items)))
    return "".join("abcdefghijklmnopqrstuvwxyz"[ids.index(item["track"]["id"])] for item in items)


def test_a_playlist_keeps_what_is_said_of_it(account):
    ids = tracks(account, 2)
    body = {
        "name": "Morning",
        "description": "Slow.",
        "public": True,
        "images": [{"url": "https://img.test/a.png"}],
        "metadata": {"a": 1},
        "track_ids": [ids[1], ids[0], ids[1]],
    }
    answer = account.session.post("/playlists", json=body)
    assert answer.status_code == 201, show(answer)
    made = answer.json()
    assert list(made) == PLAYLIST_KEYS and made["type"] == "playlist"
    assert answer.headers["Location"] == f"/playlists/{made['id']}"
    for name in ("name", "description", "public", "images", "metadata"):
        assert made[name] == body[name], name
    assert list(made["tracks"]) == PAGE_KEYS and made["tracks"]["total"] == 2
    assert made["tracks"]["href"] == f"{account.server.url}/playlists/{made['id']}/tracks"
    first = made["tracks"]["items"][0]
    assert list(first) == ["position", "added_at", "track"] and list(first["track"]) == TRACK_KEYS
    assert first["position"] == 0 and first["track"]["id"] == ids[1] and TIME.match(first["added_at"])
    assert account.session.get(f"/playlists/{made['id']}").json() == made
    listed = account.session.get("/playlists").json()["items"][0]
    assert list(listed) == PLAYLIST_KEYS
    assert listed == {**made, "tracks": {"href": made["tracks"]["href"], "total": 2}}


def test_older_names_of_fields_are_taken(account):
    made = playlist(account, is_public=True, cover_url="https://img.test/c.png")
    assert made["public"] is True and made["images"] == [{"url": "https://img.test/c.png"}]
    assert made["description"] is None and made["metadata"] == {}


@pytest.mark.parametrize(
    "body, where",
    [
        ({}, ("body", "name")),
        ({"name": "x" * 256}, ("body", "name")),
        ({"name": "x", "description": "y" * 5001}, ("body", "description")),
        ({"name": "x", "public": "yes"}, ("body", "public")),
        ({"name": "x", "track_ids": ["no"]}, ("body", "track_ids", 0)),
        ({"name": "x", "track_ids": [str(uuid.uuid4())] * 101}, ("body", "track_ids")),
        ({"name": "x", "colour": 1}, ("body", "colour")),
    ],
)
def test_a_field_that_breaks_its_rule_is_named(account, body, where):
    assert where in bad_fields(account.session.post("/playlists", json=body))
    assert account.session.get("/playlists").json()["total"] == 0


def test_a_change_leaves_what_is_absent(account):
    made = playlist(account, "a", tracks(account, 2), description="d")
    path = f"/playlists/{made['id']}"
    after = account.session.patch(path, json={"name": "b"}).json()
    assert after["name"] == "b" and after["description"] == "d" and after["snapshot_id"] == made["snapshot_id"]
    assert account.session.patch(path, json={"description": None}).json()["description"] is None
    assert bad_fields(account.session.patch(path, json={"name": None})) == [("body", "name")]
    assert bad_fields(account.session.patch(path, json={"track_ids": []})) == [("body", "track_ids")]
    assert account.session.delete(path).status_code == 204
    refused(account.session.get(path), 404, "Not Found", "Playlist not found")
    assert account.session.get("/tracks").json()["total"] == 2, "its tracks stay"


def test_tracks_are_added_once_each(account):
    ids = tracks(account, 6)
    made = playlist(account, track_ids=ids[:2])
    path = f"/playlists/{made['id']}/tracks"
    answer = account.session.post(path, json={"track_ids": [ids[2], ids[0], ids[2]]})
    assert answer.status_code == 201, show(answer)
    assert list(answer.json()) == ["snapshot_id", "added", "skipped"]
    assert (answer.json()["added"], answer.json()["skipped"]) == (1, 2)
    assert answer.json()["snapshot_id"] != made["snapshot_id"]
    assert account.session.post(path, json={"track_ids": ids[4:6], "position": 1}).status_code == 201
    assert order(account, made["id"], ids) == "aefbc"
    assert bad_fields(account.session.post(path, json={"track_ids": [ids[3]], "position": 6})) == [("body", "position")]
    assert bad_fields(account.session.post(path, json={"track_ids": []})) == [("body", "track_ids")]
    unknown = account.session.post(path, json={"track_ids": [ids[3], str(uuid.uuid4())]})
    refused(unknown, 404, detail="Track not found")
    assert order(account, made["id"], ids) == "aefbc", "one unknown track and nothing is added"


def test_blocks_move_and_ranges_beyond_the_end_are_refused(account):
    ids = tracks(account, 5)
    made = playlist(account, track_ids=ids)
    path = f"/playlists/{made['id']}/tracks"

    def move(**body):
        return account.session.put(path, json=body)

    answer = move(range_start=0, insert_before=5, range_length=2, snapshot_id=made["snapshot_id"])
    assert answer.status_code == 200 and list(answer.json()) == ["snapshot_id"], show(answer)
    assert order(account, made["id"], ids) == "cdeab"
    assert move(range_start=4, insert_before=0).status_code == 200
    assert order(account, made["id"], ids) == "bcdea"
    refused(move(range_start=0, insert_before=2, snapshot_id=made["snapshot_id"]), 409, "Conflict")
    for body, where in (
        ({"range_start": 5, "insert_before": 0}, "range_start"),
        ({"range_start": 0, "insert_before": 6}, "insert_before"),
        ({"range_start": 3, "insert_before": 0, "range_length": 3}, "range_length"),
        ({"range_start": 0}, "insert_before"),
        ({"range_start": 0, "insert_before": 1, "track_ids": ids}, "track_ids"),
    ):
        assert bad_fields(move(**body)) == [("body", where)], body
    one = account.session.post(f"{path}/reorder", json={"track_id": ids[0], "new_position": 1})
    assert one.status_code == 200, show(one)
    assert order(account, made["id"], ids) == "bacde"
    assert bad_fields(account.session.post(f"{path}/reorder", json={"track_id": ids[0], "new_position": 5})) == [
        ("body", "new_position")
    ]
    refused(account.session.post(f"{path}/reorder", json={"track_id": str(uuid.uuid4()), "new_position": 0}), 404)


def test_all_tracks_are_replaced_at_once(account):
    ids = tracks(account, 4)
    made = playlist(account, track_ids=ids[:3])
    path = f"/playlists/{made['id']}/tracks"
    assert account.session.put(path, json={"track_ids": [ids[3], ids[1]]}).status_code == 200
    assert order(account, made["id"], ids) == "db"
    refused(account.session.put(path, json={"track_ids": [ids[0], str(uuid.uuid4())]}), 404)
    assert order(account, made["id"], ids) == "db"
    assert account.session.put(path, json={"track_ids": []}).status_code == 200
    assert order(account, made["id"], ids) == ""


def test_tracks_are_taken_out_without_gaps(account):
    ids = tracks(account, 5)
    made = playlist(account, track_ids=ids)
    path = f"/playlists/{made['id']}/tracks"
    refused(account.session.delete(path, json={"track_ids": [ids[0]], "snapshot_id": "old"}), 409)
    taken = account.session.delete(path, json={"track_ids": [ids[3], ids[0]], "snapshot_id": made["snapshot_id"]})
    assert taken.status_code == 200 and list(taken.json()) == ["snapshot_id"]
    assert order(account, made["id"], ids) == "bce"
    assert account.session.delete(f"{path}/{ids[2]}").status_code == 200
    assert order(account, made["id"], ids) == "be"
    refused(account.session.delete(f"{path}/{ids[2]}"), 404, detail="Track not found")
    assert account.session.delete(f"/tracks/{ids[1]}").status_code == 204
    assert order(account, made["id"], ids) == "e", "a deleted track leaves its playlists"
    assert account.session.get("/playlists").json()["items"][0]["tracks"]["total"] == 1


def test_a_walk_meets_every_surviving_track_once(account):
    ids = tracks(account, 60)
    made = playlist(account, track_ids=ids)
    path = f"/playlists/{made['id']}/tracks"
    removed = []

    def between(page):
        account.session.post(path, json={"track_ids": [track(account)["id"]], "position": 0})
        for gone in (ids[len(removed)], ids[50 - len(removed)]):
            if account.session.delete(f"{path}/{gone}").status_code == 200:
                removed.append(gone)

    met = [item["track"]["id"] for item in walk(account.session, path, between, limit=10)]
    assert len(met) == len(set(met)), "nothing twice"
    assert [i for i in met if i not in removed] == [i for i in ids if i not in removed], "nothing missed, in order"


def test_the_tracks_of_a_full_playlist_go_on(account):
    ids = tracks(account, 130)
    made = playlist(account, track_ids=ids[:100])
    account.session.post(f"/playlists/{made['id']}/tracks", json={"track_ids": ids[100:]})
    page = account.session.get(f"/playlists/{made['id']}").json()["tracks"]
    assert len(page["items"]) == 100 and page["total"] == 130
    rest = account.session.get(page["next"][len(account.server.url) :]).json()
    assert [item["track"]["id"] for item in page["items"] + rest["items"]] == ids


def test_lists_of_playlists(account):
    made = [playlist(account, f"P{n}", public=n % 2 == 0)["id"] for n in range(5)]
    assert [item["id"] for item in walk(account.session, "/playlists", limit=2)] == made[::-1]
    assert account.session.get("/playlists").json()["limit"] == 20
    assert account.session.get("/playlists", params={"public": "true"}).json()["total"] == 3
    assert bad_fields(account.session.get("/playlists", params={"limit": 101})) == [("query", "limit")]


def test_a_playlist_is_made_once_for_one_idempotency_key(account):
    send = lambda: account.session.post("/playlists", json={"name": "a"}, headers={"Idempotency-Key": "p"})  # noqa: E731
    first, again = send(), send()
    assert first.content == again.content and again.headers["Idempotency-Replayed"] == "true"
    assert account.session.get("/playlists").json()["total"] == 1


def test_another_accounts_playlist_answers_like_an_absent_one(account, other):
    mine = playlist(account, "mine", tracks(account, 2), public=True)
    theirs = track(other)
    before = account.session.get(f"/playlists/{mine['id']}").json()
    calls = [
        ("GET", "", {}),
        ("PATCH", "", {"json": {"name": "x"}}),
        ("DELETE", "", {}),
        ("GET", "/tracks", {}),
        ("POST", "/tracks", {"json": {"track_ids": [theirs["id"]]}}),
        ("PUT", "/tracks", {"json": {"track_ids": []}}),
        ("PUT", "/tracks", {"json": {"range_start": 0, "insert_before": 1}}),
        ("POST", "/tracks/reorder", {"json": {"track_id": theirs["id"], "new_position": 0}}),
        ("DELETE", "/tracks", {"json": {"track_ids": [theirs["id"]]}}),
        ("DELETE", f"/tracks/{theirs['id']}", {}),
    ]
    for method, rest, options in calls:
        absent = str(uuid.uuid4())
        answers = [other.session.request(method, f"/playlists/{i}{rest}", **options) for i in (mine["id"], absent)]
        assert answers[0].status_code == 404 and answers[0].content == answers[1].content, f"{method} {rest}: {show(answers[0])}"
    assert other.session.get("/playlists").json()["items"] == [], "public opens nothing to others"
    refused(other.session.post("/playlists", json={"name": "x", "track_ids": [before["tracks"]["items"][0]["track"]["id"]]}), 404)
    assert account.session.get(f"/playlists/{mine['id']}").json() == before


def test_every_call_needs_its_scope(account):
    mine = playlist(account)
    path = f"/playlists/{mine['id']}"
    someone = str(uuid.uuid4())
    wanted = [
        ("GET", "/playlists", "read:playlists", {}),
        ("GET", path, "read:playlists", {}),
        ("GET", path + "/tracks", "read:playlists", {}),
        ("POST", "/playlists", "write:playlists", {"json": {"name": "x"}}),
        ("PATCH", path, "write:playlists", {"json": {}}),
        ("POST", path + "/tracks", "write:playlists", {"json": {"track_ids": [someone]}}),
        ("PUT", path + "/tracks", "write:playlists", {"json": {"track_ids": []}}),
        ("POST", path + "/tracks/reorder", "write:playlists", {"json": {"track_id": someone, "new_position": 0}}),
        ("DELETE", path + "/tracks", "write:playlists", {"json": {"track_ids": [someone]}}),
        ("DELETE", path + f"/tracks/{someone}", "write:playlists", {}),
        ("DELETE", path, "delete:playlists", {}),
    ]
    clients = {scope: key(account, scope) for scope in ("read:playlists", "write:playlists", "delete:playlists")}
    for method, where, scope, options in wanted:
        for held, client in clients.items():
            answer = client.request(method, where, **options)
            if held == scope:
                assert answer.status_code not in (401, 403), f"{method} {where} with {held}: {show(answer)}"
            else:
                assert refused(answer, 403, "Insufficient permissions")["required_scope"] == scope
