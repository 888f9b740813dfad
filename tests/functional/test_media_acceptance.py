"""The numbered acceptance lines of the media contract, one test each."""

import datetime
import json
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from support import media_document as document
from support.media import MILLION, Sender, film, film_body, picture, picture_body, put

MID = re.compile("[0-9a-f]{24}")


@pytest.fixture(scope="module")
def sender(server):
    return Sender(server, credits=500)


@pytest.fixture(scope="module")
def key(sender):
    return sender.key()


@pytest.fixture(scope="module")
def stranger(server):
    return Sender(server)


@pytest.fixture(scope="module")
def analysed(key):
    """A picture's record that was processed. Leave it as it is."""
    return key.processed()


def anonymous(server, method="GET", path="/api/media", **options):
    return requests.request(method, server.url + path, timeout=30, **options)


def ours(example, server, key, mid=""):
    return (
        example.replace("https://platform.authenta.ai", server.url)
        .replace("YOUR_CLIENT_ID", key.id)
        .replace("YOUR_CLIENT_SECRET", key.secret)
        .replace("692f406f9f68d4b70080bb80", mid)
    )


def shell(text, folder):
    ran = subprocess.run(["bash", "-c", text], cwd=folder, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, f"the example runs: {ran.stderr}"
    return ran.stdout


def test_01_without_headers_there_is_one_answer(server):
    answer = anonymous(server)
    assert answer.status_code == 401 and answer.json() == document.IAM001
    assert list(answer.json()) == ["code", "type", "message"]
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="tollhouse"'


def test_02_half_wrong_and_unknown_pairs_are_told_apart_by_nothing(server, key, stranger):
    other = stranger.key()
    wrong = key.secret[:-1] + ("A" if key.secret[-1] != "A" else "B")
    shown = [
        {"x-client-id": key.id},
        {"x-client-secret": key.secret},
        {"x-client-id": key.id, "x-client-secret": wrong},
        {"x-client-id": key.id, "x-client-secret": other.secret},
        {"x-client-id": "0" * 24, "x-client-secret": key.secret},
    ]
    bodies = set()
    for headers in shown:
        answer = anonymous(server, headers=headers)
        assert answer.status_code == 401, headers
        bodies.add(answer.content)
    assert len(bodies) == 1 and json.loads(bodies.pop()) == document.IAM001


def test_03_header_names_come_in_any_case(server, key):
    answer = anonymous(server, headers={"X-Client-Id": key.id, "X-CLIENT-SECRET": key.secret})
    assert answer.status_code == 200


def test_04_identity_comes_before_everything_else(server):
    mid = "0" * 24
    for method, path, body in [
        ("GET", "/api/media", None),
        ("GET", f"/api/media/{mid}", None),
        ("DELETE", f"/api/media/{mid}", None),
        ("POST", "/api/media", b"{"),
        ("POST", "/api/media", b"x" * 100_000),
    ]:
        answer = anonymous(server, method, path, data=body)
        assert answer.status_code == 401 and answer.json() == document.IAM001, (method, path)


def test_05_the_documents_get_samples_work(server, key, tmp_path):
    assert json.loads(shell(ours(document.GET, server, key), tmp_path))["limit"] == 10
    ran = subprocess.run(
        [sys.executable, "-c", ours(document.PYTHON, server, key)], capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 0 and "'limit': 10" in ran.stdout, ran.stderr
    if node := shutil.which("node"):
        script = ours(document.FETCH, server, key).replace("platform.log", "console.log")
        ran = subprocess.run(
            [node, "--input-type=module", "-e", script],
            env={"CLIENT_ID": key.id, "CLIENT_SECRET": key.secret},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert ran.returncode == 0 and "limit: 10" in ran.stdout, ran.stderr


def test_06_a_new_account_has_an_empty_list(server):
    answer = Sender(server).key().get()
    assert answer.status_code == 200
    assert answer.json() == {"limit": 10, "offset": 0, "total": 0, "data": []}
    assert list(answer.json()) == ["limit", "offset", "total", "data"]


def test_07_the_documents_post_sample_works(server, key, tmp_path):
    made = json.loads(shell(ours(document.POST, server, key), tmp_path))
    assert made["name"] == "video_sample" and made["type"] == "Video" and made["status"] == "INITED"
    assert made["modelType"] == "DF-1" and made["expiresIn"] > 0
    assert list(made)[:8] == document.ITEM + ["uploadUrl", "expiresIn"]


def test_08_every_record_has_its_own_id_and_place(server, key):
    one, two = key.made(), key.made()
    assert one["mid"] != two["mid"]
    for made in (one, two):
        assert MID.fullmatch(made["mid"])
        path = made["uploadUrl"].split("?")[0]
        assert path.startswith("http://")
        assert re.search(f"/users/[0-9a-f]{{24}}/media/{made['mid']}/original.media$", path)


def test_09_creation_times_have_three_decimals(key):
    made = key.made()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", made["createdAt"])
    then = datetime.datetime.strptime(made["createdAt"], "%Y-%m-%dT%H:%M:%S.%fZ")
    assert abs((datetime.datetime.utcnow() - then).total_seconds()) < 60
    assert int(made["mid"][:8], 16) == int(then.replace(tzinfo=datetime.timezone.utc).timestamp())


def test_10_a_picture_is_an_image(key):
    made = key.made(contentType="image/png", modelType="AC-1")
    assert made["type"] == "Image" and made["modelType"] == "AC-1"


def test_11_a_record_is_what_was_answered_without_its_link(key):
    made = key.made()
    record = key.record(made["mid"])
    for field in document.ITEM:
        assert record[field] == made[field]
    assert record["status"] == "INITED" and "uploadUrl" not in record
    assert list(record) == document.ITEM + ["contentType", "size", "uploadExpiresAt"]


def test_12_a_list_item_has_six_fields(key):
    before = key.get().json()["total"]
    made = key.made()
    after = key.get().json()
    assert after["total"] == before + 1
    item = after["data"][0]
    assert item["mid"] == made["mid"] and list(item) == document.ITEM


def test_13_lists_are_pages(server):
    key = Sender(server).key()
    mids = [key.made()["mid"] for _ in range(3)]
    page = key.get("/api/media?limit=2&offset=1").json()
    assert (page["limit"], page["offset"], page["total"], len(page["data"])) == (2, 1, 3, 2)
    everything = key.get().json()["data"]
    assert {item["mid"] for item in everything} == set(mids)
    order = [(item["createdAt"], item["mid"]) for item in everything]
    assert order == sorted(order, reverse=True), "newest first, then by falling mid"
    past = key.get("/api/media?offset=3").json()
    assert past["data"] == [] and past["total"] == 3


def test_14_the_documents_put_sample_works(key, tmp_path):
    made = key.made(**film_body())
    (tmp_path / "path" / "to").mkdir(parents=True)
    (tmp_path / "path" / "to" / "video.mp4").write_bytes(film())
    example = document.PUT.replace("https://signed-s3-upload-url", made["uploadUrl"]).replace("curl ", "curl -w '%{http_code}' ")
    assert shell(example, tmp_path) == "200"


def test_15_what_was_sent_is_processed_by_itself(key):
    made = key.made(**film_body())
    assert put(made, film()).status_code == 200
    record, seen = key.ended(made["mid"])
    assert record["status"] == "PROCESSED", record
    assert seen in (["UPLOADED", "PROCESSED"], ["PROCESSED"]), "never backwards"


def test_16_another_type_is_refused(key):
    made = key.made(**film_body())
    assert put(made, film(), "image/png").status_code == 403
    assert key.record(made["mid"])["status"] == "INITED"


def test_17_another_length_is_refused_and_the_right_one_taken(key):
    made = key.made()
    for wrong in (picture()[:-1], picture() + b"x"):
        answer = put(made, wrong)
        assert answer.status_code == 403 and "<Code>SignatureDoesNotMatch</Code>" in answer.text
        assert key.record(made["mid"])["status"] == "INITED"
    assert put(made, picture()).status_code == 200


def test_18_an_altered_link_is_refused(key):
    made = key.made()
    url = made["uploadUrl"]
    flip = url[:-1] + ("0" if url[-1] != "0" else "1")
    moved = url.replace("original.media", "0riginal.media")
    for altered in (flip, moved):
        answer = requests.put(altered, data=picture(), headers={"Content-Type": "image/png"}, timeout=30)
        assert answer.status_code == 403 and answer.headers["Content-Type"] == "application/xml"
        for element in ("Code", "Message", "Resource", "RequestId"):
            assert f"<{element}>" in answer.text
    assert key.record(made["mid"])["status"] == "INITED"


def test_19_a_large_put_is_not_stalled(key, tmp_path):
    content = b"\0" * 5_000_000
    (tmp_path / "large").write_bytes(content)
    made = key.made(size=len(content))
    began = time.monotonic()
    command = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code} %{time_starttransfer}", "-X", "PUT", made["uploadUrl"]]
    command += ["-H", "Content-Type: image/png", "-H", "Expect: 100-continue", "--expect100-timeout", "30", "--data-binary", "@large"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert ran.stdout.startswith("200"), ran.stdout
    assert time.monotonic() - began < 20, "the server says 100 Continue; curl would wait 30 s for it"


def test_20_files_are_not_taken_by_the_api(key):
    before = key.get().json()["total"]
    for options in (
        {"data": film(), "headers": {"Content-Type": "video/mp4"}},
        {"files": {"file": ("film.mp4", film())}},
        {"data": {"name": "x"}},
    ):
        answer = key.request("POST", "/api/media", **options)
        assert answer.status_code == 415 and answer.json()["code"] == "VAL003"
    assert key.get().json()["total"] == before


def test_21_the_mutation_quota_is_exact(sender):
    key = sender.key(mutationQuota=3)
    assert [key.post(picture_body()).status_code for _ in range(3)] == [201] * 3
    answer = key.post(picture_body())
    assert answer.status_code == 429 and answer.json() == document.AA001
    assert "Retry-After" not in answer.headers
    assert key.get().status_code == 200


def test_22_the_query_quota_is_exact(sender, analysed):
    key = sender.key(queryQuota=4)
    for path in ("/api/media", f"/api/media/{analysed['mid']}") * 2:
        assert key.get(path).status_code == 200
    answer = key.get()
    assert answer.status_code == 429 and answer.json() == document.AA001
    assert key.post(picture_body()).status_code == 201


def test_23_post_and_delete_take_from_one_quota(sender):
    key = sender.key(mutationQuota=2)
    made = key.made()
    assert key.delete(made["mid"]).status_code == 204
    assert key.post(picture_body()).json() == document.AA001


def test_24_the_upload_takes_from_no_quota(sender):
    key = sender.key(mutationQuota=1, queryQuota=100)
    made = key.made()
    used = key.usage()["key"]
    assert put(made, picture()).status_code == 200
    assert key.usage()["key"] == used
    assert key.ended(made["mid"])[0]["status"] == "PROCESSED"


def test_25_the_upload_works_when_quotas_are_used_up(sender):
    key = sender.key(mutationQuota=1, queryQuota=1)
    made = key.made()
    assert key.get().status_code == 200
    assert key.get().status_code == 429 and key.post(picture_body()).status_code == 429
    assert put(made, picture()).status_code == 200


def test_26_deleting_needs_its_permission(sender, key):
    made = key.made()
    answer = sender.key(permissions=["read", "write"]).delete(made["mid"])
    assert answer.status_code == 403 and answer.json() == document.IAM002
    assert key.record(made["mid"])["status"] == "INITED"


def test_27_what_is_deleted_is_gone(key):
    made = key.made()
    total = key.get().json()["total"]
    answer = key.delete(made["mid"])
    assert answer.status_code == 204 and answer.content == b""
    assert key.get(f"/api/media/{made['mid']}").status_code == 404
    assert key.get(f"/api/media/{made['mid']}").json() == document.MED404
    assert key.delete(made["mid"]).json() == document.MED404
    assert key.get().json()["total"] == total - 1


def test_28_credits_fall_once_when_processing_starts(server):
    sender = Sender(server, credits=10)
    key = sender.key()
    before = sender.credits()
    made = key.made()
    assert sender.credits() == {**before, "held": MILLION, "available": before["available"] - MILLION}
    assert put(made, picture()).status_code == 200
    key.ended(made["mid"])
    spent = {"balance": before["balance"] - MILLION, "held": 0, "available": before["balance"] - MILLION}
    assert sender.credits() == spent
    key.get()
    key.delete(made["mid"])
    assert sender.credits() == spent


def test_29_without_credits_nothing_is_made(server):
    sender = Sender(server, credits=0)
    key = sender.key()
    answer = key.post(picture_body())
    assert answer.status_code == 402 and answer.json() == document.U007
    assert key.get().json()["total"] == 0


def test_30_the_quota_is_looked_at_before_the_credits(server):
    key = Sender(server, credits=0).key(mutationQuota=0)
    answer = key.post(picture_body())
    assert answer.status_code == 429 and answer.json() == document.AA001


def test_31_what_is_wrong_is_named_and_nothing_is_made(key):
    before = key.get().json()["total"]
    answer = key.post(data=b"{not json", headers={"Content-Type": "application/json"})
    assert answer.status_code == 422 and answer.json()["code"] == "VAL001"
    bad = [{name: value for name, value in picture_body().items() if name != left_out} for left_out in picture_body()]
    bad += [picture_body(size=size) for size in (0, -1, "x", 1.5, True, None)]
    bad += [picture_body(modelType="XX-9"), picture_body(modelType="DF-1"), film_body(modelType="AC-1"), [], "x"]
    for body in bad:
        answer = key.post(body)
        assert answer.status_code == 422, (body, answer.text)
        told = answer.json()
        assert told["code"] == "VAL001" and told["type"] and told["message"], body
    huge = json.dumps(picture_body()).replace(f'"size": {len(picture())}', '"size": 1e99')
    assert key.post(data=huge, headers={"Content-Type": "application/json"}).status_code == 422
    assert key.get().json()["total"] == before


def test_32_ids_that_are_none_are_not_found(key):
    for mid in ("f" * 24, "abc", "..%2f..%2fetc%2fpasswd", "%00", "F" * 24):
        for method in ("GET", "DELETE"):
            answer = key.request(method, f"/api/media/{mid}")
            assert answer.status_code == 404 and answer.json() == document.MED404, mid


def test_33_another_accounts_record_is_an_unknown_one(key, stranger):
    foreign = stranger.key()
    made = key.made()
    unknown = foreign.get(f"/api/media/{'0' * 24}").content
    assert foreign.get(f"/api/media/{made['mid']}").content == unknown
    assert foreign.delete(made["mid"]).content == unknown
    assert made["mid"] not in foreign.get().text
    assert key.record(made["mid"])["status"] == "INITED"


def test_34_every_refusal_is_json_with_three_texts(server, key):
    answers = [
        anonymous(server),
        key.get("/api/media/x/y"),
        key.request("PATCH", "/api/media"),
        key.request("PUT", "/api/media"),
        key.get("/api/keys"),
        key.post({}),
        key.post(data=b"x" * 70_000, headers={"Content-Type": "application/json"}),
        key.post(data=b"x", headers={"Content-Type": "text/plain"}),
        key.get("/api/media?limit=0"),
        key.post(picture_body(), headers={"Idempotency-Key": "ä".encode()}),
        key.request("POST", f"/api/media/{'0' * 24}/process"),
    ]
    assert [answer.status_code for answer in answers] == [401, 404, 405, 405, 403, 422, 413, 415, 422, 422, 404]
    for answer in answers:
        told = answer.json()
        assert [type(told[name]) for name in ("code", "type", "message")] == [str] * 3
        assert key.secret not in answer.text and answer.headers["X-Request-Id"]
        assert answer.headers["Cache-Control"] == "no-store"
    assert answers[2].headers["Allow"]


def test_35_a_revoked_key_is_dead_and_the_other_is_not(sender):
    one, two = sender.key(), sender.key()
    assert one.get().status_code == 200
    assert sender.session.delete(f"/api/keys/{one.id}").status_code == 204
    assert one.get().json() == document.IAM001
    assert two.get().status_code == 200


@pytest.mark.parametrize("kill", [False, True])
def test_36_a_restart_loses_nothing_and_charges_once(start_server, kill):
    server = start_server()
    sender = Sender(server, credits=10)
    key = sender.key()
    waiting, sent = key.made(), key.made(**film_body())
    server.restart(kill=kill)
    assert put(sent, film()).status_code == 200
    server.restart(kill=kill)
    assert put(waiting, picture()).status_code == 200
    for made in (sent, waiting):
        assert key.ended(made["mid"])[0]["status"] == "PROCESSED"
    assert sender.credits() == {"balance": 8 * MILLION, "held": 0, "available": 8 * MILLION}


def test_37_parallel_posts_never_go_beyond_the_quota(sender):
    key = sender.key(mutationQuota=10)
    headers = {"x-client-id": key.id, "x-client-secret": key.secret}

    def post(_):
        return requests.post(f"{key.server.url}/api/media", json=picture_body(), headers=headers, timeout=60)

    with ThreadPoolExecutor(25) as crowd:
        answers = list(crowd.map(post, range(50)))
    assert sorted(answer.status_code for answer in answers) == [201] * 10 + [429] * 40
    assert all(answer.json() == document.AA001 for answer in answers if answer.status_code == 429)


def test_38_a_content_type_without_a_body_is_fine(key):
    headers = {"Content-Type": "application/json"}
    made = key.made()
    assert key.get(headers=headers).status_code == 200
    assert key.get(f"/api/media/{made['mid']}", headers=headers).status_code == 200
    assert key.delete(made["mid"], headers=headers).status_code == 204
