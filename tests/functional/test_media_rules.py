"""Media records beyond the acceptance lines: uploads, waiting, keys and their slices, access, money, hostile files."""

import base64
import hashlib
import json
import socket
import threading
import time
from urllib.parse import urlsplit

import pytest
import requests

from support import media_document as document
from support.clock import later
from support.media import MILLION, Sender, film, film_body, picture, picture_body, put
from support.polling import until


@pytest.fixture(scope="module")
def sender(server):
    return Sender(server, credits=500)


@pytest.fixture(scope="module")
def key(sender):
    return sender.key()


@pytest.fixture(scope="module")
def analysed(key):
    return key.processed()


def code_of(answer):
    return answer.text.split("<Code>")[1].split("</Code>")[0] if "<Code>" in answer.text else answer.text


class TestUploads:
    def test_the_answer_is_the_md5_of_the_bytes_and_no_body(self, key):
        answer = put(key.made(), picture())
        assert answer.status_code == 200 and answer.content == b""
        assert answer.headers["ETag"] == f'"{hashlib.md5(picture()).hexdigest()}"'

    def test_a_second_upload_is_refused_and_changes_nothing(self, key):
        made = key.made()
        assert put(made, picture()).status_code == 200
        answer = put(made, bytes(len(picture())))
        assert answer.status_code == 403 and code_of(answer) == "AccessDenied"
        record, _ = key.ended(made["mid"])
        assert requests.get(record["srcURL"], timeout=30).content == picture()

    def test_of_two_uploads_at_once_one_wins(self, key):
        made = key.made()
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(put(made, picture()).status_code)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answers) == [200, 403, 403, 403]

    def test_after_the_record_is_deleted_its_link_is_dead(self, key):
        made = key.made()
        assert key.delete(made["mid"]).status_code == 204
        answer = put(made, picture())
        assert answer.status_code == 403 and code_of(answer) == "AccessDenied"

    def test_a_body_without_a_length_is_refused(self, key):
        made = key.made()
        answer = requests.put(
            made["uploadUrl"], data=iter([picture()]), headers={"Content-Type": "image/png"}, timeout=30
        )
        assert answer.status_code == 411 and code_of(answer) == "MissingContentLength"
        assert key.record(made["mid"])["status"] == "INITED"

    def test_a_wrong_md5_is_refused(self, key):
        made = key.made()
        wrong = base64.b64encode(hashlib.md5(b"other").digest()).decode()
        answer = put(made, picture(), **{"Content-MD5": wrong})
        assert answer.status_code == 400 and code_of(answer) == "BadDigest"
        right = base64.b64encode(hashlib.md5(picture()).digest()).decode()
        assert put(made, picture(), **{"Content-MD5": right}).status_code == 200

    def test_a_broken_connection_leaves_nothing_and_the_link_good(self, key):
        made = key.made()
        url = urlsplit(made["uploadUrl"])
        with socket.create_connection((url.hostname, url.port)) as raw:
            head = f"PUT {url.path}?{url.query} HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Type: image/png\r\n"
            raw.sendall(head.encode() + f"Content-Length: {len(picture())}\r\n\r\n".encode() + picture()[:50])
        assert key.record(made["mid"])["status"] == "INITED"
        assert put(made, picture()).status_code == 200

    def test_pages_of_any_origin_may_send(self, key):
        made = key.made()
        asked = {"Origin": "https://example.org", "Access-Control-Request-Method": "PUT"}
        answer = requests.options(made["uploadUrl"], headers=asked, timeout=30)
        assert answer.status_code in (200, 204)
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "PUT" in answer.headers["Access-Control-Allow-Methods"]
        assert answer.headers["Access-Control-Allow-Headers"] == "content-type"
        assert put(made, picture(), Origin="https://example.org").headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Origin" not in key.get(headers={"Origin": "https://example.org"}).headers

    def test_parameters_of_the_type_are_signed_as_sent(self, key):
        made = key.made(**film_body(contentType="video/mp4; codecs=avc1"))
        assert put(made, film(), "video/mp4").status_code == 403
        assert put(made, film(), "video/mp4; codecs=avc1").status_code == 200


class TestLinks:
    def test_they_give_the_declared_type_ranges_and_a_sandbox(self, analysed):
        answer = requests.get(analysed["srcURL"], timeout=30)
        assert answer.content == picture() and answer.headers["Content-Type"] == "image/png"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        part = requests.get(analysed["srcURL"], headers={"Range": "bytes=1-3"}, timeout=30)
        assert part.status_code == 206 and part.content == picture()[1:4]
        result = requests.get(analysed["resultURL"], timeout=30)
        assert result.headers["Content-Type"] == "application/json" and result.json()["resultType"] == "image"

    def test_they_die_with_the_record(self, key):
        record = key.processed()
        assert key.delete(record["mid"]).status_code == 204
        for link in ("srcURL", "resultURL"):
            answer = requests.get(record[link], timeout=30)
            assert answer.status_code == 404 and code_of(answer) == "NoSuchKey"

    def test_altered_ones_are_refused(self, analysed):
        url = analysed["srcURL"]
        answer = requests.get(url[:-1] + ("0" if url[-1] != "0" else "1"), timeout=30)
        assert answer.status_code == 403 and answer.headers["Content-Type"] == "application/xml"
        assert requests.get(url.split("?")[0], timeout=30).status_code == 403


class TestRecords:
    def test_a_processed_picture_has_a_verdict_with_its_evidence(self, key, analysed):
        assert analysed["status"] == "PROCESSED" and isinstance(analysed["fake"], bool)
        assert 0 <= analysed["confidence"] <= 1
        analysis = analysed["analysis"]
        assert analysis["method"] == "builtin-forensic" and analysis["calibrated"] is False
        assert analysis["disclaimer"] and analysis["signals"]
        item = next(item for item in key.get("/api/media?limit=100").json()["data"] if item["mid"] == analysed["mid"])
        assert {"srcURL", "fake", "confidence"} <= set(item) and "analysis" not in item

    def test_filters_are_exact(self, server):
        key = Sender(server).key()
        made = [key.made(), key.made(**film_body())]
        assert put(made[0], picture()).status_code == 200
        key.ended(made[0]["mid"])
        assert [item["mid"] for item in key.get("/api/media?status=PROCESSED").json()["data"]] == [made[0]["mid"]]
        assert [item["mid"] for item in key.get("/api/media?modelType=DF-1").json()["data"]] == [made[1]["mid"]]
        both = key.get("/api/media?status=INITED&modelType=AC-1&page=7&pageSize=3").json()
        assert both["total"] == 0 and both["limit"] == 10, "parameters of other clients are ignored"
        for bad in ("status=inited", "status=PROCESSING", "modelType=df-1", "limit=101", "offset=-1", "limit=x"):
            assert key.get(f"/api/media?{bad}").status_code == 422, bad

    def test_models_are_named_in_any_case_and_octet_streams_taken_where_the_kind_is_clear(self, key):
        made = key.made(modelType="ac-1", contentType="application/octet-stream")
        assert made["modelType"] == "AC-1" and made["type"] == "Image"
        assert key.post(picture_body(modelType="FI-1", contentType="application/octet-stream")).status_code == 422
        assert key.post(picture_body(contentType="image/svg+xml")).status_code == 422

    def test_face_checks_come_in_every_spelling(self, key):
        similar = [
            {"metadata": {"faceSimilarityCheck": True}},
            {"faceSimilarityCheck": True},
            {"metadata": {"faceSimilarityCheck": True, "isSingleFace": None}, "faceSimilarityCheck": False},
        ]
        for fields in similar:
            made = key.made(modelType="FI-1", **fields)
            assert "referenceUploadUrl" in made and made["referenceUploadUrl"].split("?")[0].endswith("/reference.media")
        for fields in ({}, {"metadata": {}}, {"metadata": None}, {"metadata": {"livenessCheck": True}}):
            assert "referenceUploadUrl" not in key.made(modelType="FI-1", **fields)
        for wrong in ({"metadata": {"livenessCheck": "yes"}}, {"metadata": 7}, {"metadata": {"faceSwapCheck": True}}):
            assert key.post(picture_body(modelType="FI-1", **wrong)).status_code == 422, wrong
        assert key.post(picture_body(metadata={"livenessCheck": "yes"})).status_code == 201, "ignored on other models"

    def test_names_are_labels(self, key):
        for name in ("../../etc/passwd", "ü😀.mp4", "a" * 255, "'; DROP TABLE media_records; --"):
            assert key.record(key.made(name=name)["mid"])["name"] == name
        for name in ("", "a" * 256, "a\nb", "a\x00b", 7, None):
            assert key.post(picture_body(name=name)).status_code == 422, name

    def test_sizes_end_at_the_operators_limit(self, key):
        assert key.post(picture_body(size=100 << 20)).status_code == 201
        assert key.post(picture_body(size=(100 << 20) + 1)).status_code == 422
        assert key.post(film_body(size=2 << 30)).status_code == 201
        assert key.post(film_body(size=(2 << 30) + 1)).status_code == 422


class TestWaiting:
    def test_a_call_that_waits_hears_of_the_change(self, key):
        made = key.made()
        answers = []
        waiting = threading.Thread(target=lambda: answers.append(key_copy(key).record(made["mid"], wait=30)))
        waiting.start()
        assert put(made, picture()).status_code == 200
        waiting.join(60)
        assert answers and answers[0]["status"] != "INITED"

    def test_time_runs_out_with_the_record_as_it_is(self, key):
        made = key.made()
        began = time.monotonic()
        assert key.record(made["mid"], wait=1)["status"] == "INITED"
        assert time.monotonic() - began >= 0.9
        for bad in ("61", "-1", "x", "1.5"):
            assert key.get(f"/api/media/{made['mid']}?wait={bad}").status_code == 422, bad

    def test_an_etag_is_not_modified_until_the_record_is(self, key):
        made = key.made()
        path = f"/api/media/{made['mid']}"
        first = key.get(path)
        etag = {"If-None-Match": first.headers["ETag"]}
        again = key.get(path, headers=etag)
        assert again.status_code == 304 and again.content == b""
        assert key.get(path + "?wait=1", headers=etag).status_code == 304
        assert put(made, picture()).status_code == 200
        changed = key.get(path + "?wait=30", headers=etag)
        assert changed.status_code == 200 and changed.headers["ETag"] != first.headers["ETag"]

    def test_a_hundred_that_wait_leave_the_server_free(self, sender):
        key = sender.key()
        mids = [key.made()["mid"] for _ in range(2)]
        headers = {"x-client-id": key.id, "x-client-secret": key.secret}
        url = f"{key.server.url}/api/media/{mids[0]}?wait=60"
        crowd = [threading.Thread(target=lambda: requests.get(url, headers=headers, timeout=90)) for _ in range(100)]
        for one in crowd:
            one.start()
        until(lambda: key.usage()["query"]["used"] >= 100, "all of them have come in", 30)
        for _ in range(5):
            assert key.record(mids[1])["status"] == "INITED"
        assert key.made()["status"] == "INITED"
        assert key.delete(mids[0]).status_code == 204
        for one in crowd:
            one.join(30)
            assert not one.is_alive(), "the deletion woke them"

    def test_each_waiting_call_counts_once(self, sender):
        key = sender.key(queryQuota=10)
        made = key.made()
        key.record(made["mid"], wait=2)
        assert key.usage()["key"]["query"] == {"limit": 10, "used": 1, "remaining": 9}

    def test_a_stopping_server_answers_at_once(self, start_server):
        server = start_server()
        key = Sender(server).key()
        made = key.made()
        answers = []
        waiting = threading.Thread(target=lambda: answers.append(key_copy(key).record(made["mid"], wait=60)))
        waiting.start()
        until(lambda: key.usage()["query"]["used"] >= 1, "the call has come in", 10)
        began = time.monotonic()
        server.stop()
        waiting.join(20)
        assert answers and answers[0]["status"] == "INITED"
        assert time.monotonic() - began < 15


def key_copy(key):
    """The same pair over a connection of its own."""
    from support.media import Pair

    return Pair(key.server, {"clientId": key.id, "clientSecret": key.secret})


class TestIdempotency:
    def test_a_replay_is_the_same_answer_and_counts_as_nothing(self, server):
        sender = Sender(server, credits=10)
        key = sender.key(mutationQuota=1)
        headers = {"Idempotency-Key": "one"}
        first = key.post(picture_body(), headers=headers)
        again = key.post(picture_body(), headers=headers)
        assert first.status_code == again.status_code == 201 and first.json() == again.json()
        assert again.headers["Idempotency-Replayed"] == "true"
        assert sender.credits()["held"] == MILLION and key.get().json()["total"] == 1
        other = key.post(picture_body(name="other"), headers=headers)
        assert other.status_code == 422 and other.json()["code"] == "VAL004"
        assert key.post(picture_body(), headers={"Idempotency-Key": "two"}).json() == document.AA001

    def test_a_refused_post_frees_its_key(self, server):
        sender = Sender(server, credits=0)
        key = sender.key()
        headers = {"Idempotency-Key": "one"}
        assert key.post(picture_body(), headers=headers).status_code == 402
        assert key.post(picture_body(), headers=headers).status_code == 402, "looked at anew, not replayed"

    def test_a_replayed_key_has_no_secret(self, sender):
        headers = {"Idempotency-Key": "a key"}
        made = sender.session.post("/api/keys", json={"name": "once"}, headers=headers)
        again = sender.session.post("/api/keys", json={"name": "once"}, headers=headers)
        assert made.status_code == again.status_code == 201
        assert again.json() == {**made.json(), "clientSecret": None}


class TestQuotas:
    def test_headers_tell_what_remains_whatever_the_answer(self, sender):
        key = sender.key(queryQuota=5, mutationQuota=2, permissions=["read", "write"])
        left = lambda answer: (answer.headers["X-Quota-Query-Remaining"], answer.headers["X-Quota-Mutation-Remaining"])
        assert left(key.get()) == ("4", "2")
        assert left(key.post(picture_body())) == ("4", "1")
        assert left(key.post({})) == ("4", "0"), "a refused body counts"
        assert left(key.get(f"/api/media/{'0' * 24}")) == ("3", "0")
        assert left(key.delete("0" * 24)) == ("3", "0"), "a 403 counts as nothing and tells all the same"
        answer = key.post(picture_body())
        assert answer.status_code == 429 and left(answer) == ("3", "0")
        assert "X-Quota-Query-Remaining" not in key.get("/api/usage").headers

    def test_head_counts_as_get(self, sender):
        key = sender.key(queryQuota=1)
        answer = key.request("HEAD", "/api/media")
        assert answer.status_code == 200 and answer.content == b""
        assert key.get().status_code == 429

    def test_sessions_are_not_counted(self, server):
        sender = Sender(server)
        for _ in range(3):
            assert sender.session.get("/api/media").status_code == 200
        answer = sender.session.post("/api/media", json=picture_body())
        assert answer.status_code == 201 and "X-Quota-Query-Remaining" not in answer.headers
        assert sender.usage()["query"]["used"] == 0 and sender.usage()["mutation"]["used"] == 0

    def test_keys_share_what_slices_leave(self, start_server):
        server = start_server(media={"query_quota": 10, "mutation_quota": 10})
        sender = Sender(server)
        sliced, one, two = sender.key(queryQuota=4), sender.key(), sender.key()
        assert [one.get().status_code for _ in range(3)] == [200] * 3
        assert [two.get().status_code for _ in range(4)] == [200] * 3 + [429]
        assert [sliced.get().status_code for _ in range(5)] == [200] * 4 + [429]
        assert sender.usage()["query"] == {"limit": 10, "used": 10, "remaining": 0}
        refused = sender.session.post("/api/keys", json={"name": "x", "mutationQuota": 11})
        assert refused.status_code == 422 and refused.json()["details"][0]["path"] == "mutationQuota"

    def test_revoking_returns_what_is_unused(self, start_server):
        server = start_server(media={"query_quota": 10})
        sender = Sender(server)
        sliced, free = sender.key(queryQuota=8), sender.key()
        assert [sliced.get().status_code for _ in range(3)] == [200] * 3
        assert [free.get().status_code for _ in range(3)] == [200, 200, 429]
        assert sender.session.delete(f"/api/keys/{sliced.id}").status_code == 204
        until(lambda: free.get().status_code == 200, "the slice is free again", 10)
        passed = 1
        while free.get().status_code == 200:
            passed += 1
        assert passed == 10 - 3 - 2, "what the revoked key used stays used"

    def test_nothing_is_overspent_over_a_crash(self, start_server):
        server = start_server(media={"mutation_quota": 20})
        key = Sender(server).key()
        before = [key.post(picture_body(size=1)).status_code for _ in range(5)].count(201)
        server.restart(kill=True)
        after = 0
        while key.post(picture_body(size=1)).status_code == 201:
            after += 1
        assert 20 - 4 <= before + after <= 20, "a crash loses a small block at most, and gives nothing away"

    def test_a_quota_without_limit_is_left_out(self, start_server):
        server = start_server(media={"query_quota": -1})
        sender = Sender(server)
        answer = sender.key().get()
        assert "X-Quota-Query-Remaining" not in answer.headers and "X-Quota-Mutation-Remaining" in answer.headers
        assert sender.usage()["query"] == {"used": 1}


class TestKeys:
    def test_the_secret_is_shown_once_and_is_in_no_list(self, sender):
        made = sender.session.post("/api/keys", json={"name": "shown"})
        assert made.headers["Cache-Control"] == "no-store"
        fields = ["clientId", "name", "permissions", "status", "queryUsed", "mutationUsed", "createdAt", "clientSecret"]
        assert list(made.json()) == fields and made.json()["permissions"] == ["read", "write", "delete"]
        secret, client = made.json()["clientSecret"], made.json()["clientId"]
        assert len(secret) == 43 and len(client) == 24
        for path in ("/api/keys", f"/api/keys/{client}"):
            assert secret not in sender.session.get(path).text

    def test_bad_keys_are_refused(self, sender):
        for body in (
            {},
            {"name": ""},
            {"name": "x" * 101},
            {"name": "x", "permissions": []},
            {"name": "x", "permissions": ["admin"]},
            {"name": "x", "permissions": "read"},
            {"name": "x", "queryQuota": -1},
            {"name": "x", "queryQuota": 1.5},
            {"name": "x", "expiresAt": "2020-01-01T00:00:00Z"},
            {"name": "x", "expiresAt": "tomorrow"},
        ):
            answer = sender.session.post("/api/keys", json=body)
            assert answer.status_code == 422 and answer.json()["code"] == "VAL001", body

    def test_two_keys_may_have_one_name(self, sender):
        assert sender.key(name="twin").id != sender.key(name="twin").id

    def test_permissions_hold_at_once_when_they_change(self, sender):
        key = sender.key(permissions=["read"])
        assert key.post(picture_body()).json() == document.IAM002
        changed = sender.session.patch(f"/api/keys/{key.id}", json={"permissions": ["write"], "name": "new"})
        assert changed.status_code == 200 and changed.json()["name"] == "new"
        assert key.post(picture_body()).status_code == 201
        assert key.get().json() == document.IAM002

    def test_a_regenerated_secret_leaves_its_grace(self, sender):
        key = sender.key()
        fresh = sender.session.post(f"/api/keys/{key.id}/regenerate", json={"graceSeconds": 60}).json()
        assert fresh["clientId"] == key.id and fresh["clientSecret"] != key.secret
        assert key.get().status_code == 200
        from support.media import Pair

        assert Pair(sender.server, fresh).get().status_code == 200
        last = sender.session.post(f"/api/keys/{key.id}/regenerate").json()
        assert Pair(sender.server, fresh).get().json() == document.IAM001
        assert key.get().json() == document.IAM001
        assert Pair(sender.server, last).get().status_code == 200

    def test_a_key_manages_no_keys(self, key):
        for method, path in [("GET", "/api/keys"), ("POST", "/api/keys"), ("DELETE", f"/api/keys/{key.id}"), ("POST", "/api/access")]:
            answer = key.request(method, path, json={"name": "x"} if method == "POST" else None)
            assert answer.status_code == 403 and answer.json() == document.IAM002, (method, path)
        bad = requests.get(f"{key.server.url}/api/keys", headers={"x-client-id": key.id, "x-client-secret": "x"}, timeout=30)
        assert bad.status_code == 401 and bad.json() == document.IAM001

    def test_another_accounts_key_is_no_key(self, server, key):
        other = Sender(server).session
        for method, path in [
            ("GET", f"/api/keys/{key.id}"),
            ("PATCH", f"/api/keys/{key.id}"),
            ("POST", f"/api/keys/{key.id}/regenerate"),
            ("DELETE", f"/api/keys/{key.id}"),
        ]:
            answer = other.request(method, path, json={} if method != "GET" else None)
            assert answer.status_code == 404 and answer.json()["code"] == "KEY404", (method, path)
        assert key.get().status_code == 200

    def test_a_revoked_key_stays_listed(self, sender):
        key = sender.key()
        key.get()
        for _ in range(2):
            assert sender.session.delete(f"/api/keys/{key.id}").status_code == 204
        assert sender.session.get(f"/api/keys/{key.id}").json()["status"] == "REVOKED"
        answer = sender.session.post(f"/api/keys/{key.id}/regenerate")
        assert answer.status_code == 409

    def test_an_expired_key_is_dead(self, start_server):
        environment = later(hours=2)
        server = start_server()
        sender = Sender(server)
        soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
        key = sender.key(expiresAt=soon)
        assert key.get().status_code == 200
        server.restart(**environment)
        assert key.get().json() == document.IAM001
        assert sender.session.get(f"/api/keys/{key.id}").json()["status"] == "EXPIRED"

    def test_a_suspended_owner_is_a_bad_key(self, server):
        sender = Sender(server)
        key = sender.key()
        assert key.get().status_code == 200
        answer = server.operator.session.post(f"/admin/users/{sender.account.id}/toggle-active")
        assert answer.status_code == 200, answer.text
        assert key.get().json() == document.IAM001


class TestAccess:
    @pytest.fixture(scope="class")
    def guarded(self, start_module_server):
        return start_module_server(media={"access_approval": True})

    def test_no_key_before_approval(self, guarded):
        sender = Sender(guarded)
        assert sender.usage()["access"] == "NONE"
        answer = sender.session.post("/api/keys", json={"name": "x"})
        assert answer.status_code == 403 and answer.json()["code"] == "ACC001"
        asked = sender.session.post("/api/access", json={"mutationQuota": 20, "queryQuota": 30})
        assert asked.status_code == 201 and asked.json()["status"] == "PENDING"
        assert sender.session.post("/api/access", json={"mutationQuota": 20, "queryQuota": 30}).json()["code"] == "ACC002"
        admin = guarded.operator.session
        approve = f"/api/access/requests/{asked.json()['id']}/approve"
        assert sender.session.post(approve).json() == document.IAM002
        assert sender.session.get("/api/access/requests").json() == document.IAM002
        listed = admin.get("/api/access/requests?status=PENDING").json()
        assert asked.json()["id"] in [one["id"] for one in listed["data"]]
        assert admin.post(approve, json={}).json()["status"] == "APPROVED"
        assert admin.post(approve, json={}).json()["code"] == "ACC003"
        usage = sender.usage()
        assert usage["access"] == "APPROVED" and usage["query"]["limit"] == 30 and usage["mutation"]["limit"] == 20
        assert sender.key().get().status_code == 200
        more = sender.session.post("/api/access", json={"mutationQuota": 100, "queryQuota": 150}).json()
        assert sender.usage()["query"]["limit"] == 30, "the old quotas stay in force"
        admin.post(f"/api/access/requests/{more['id']}/approve", json={})
        assert sender.usage()["query"]["limit"] == 150

    def test_a_rejected_account_may_ask_again(self, guarded):
        sender = Sender(guarded)
        asked = sender.session.post("/api/access", json={"mutationQuota": 40, "queryQuota": 60}).json()
        said = guarded.operator.session.post(f"/api/access/requests/{asked['id']}/reject", json={"reason": "Not yet."})
        assert said.json()["reason"] == "Not yet." and sender.session.get("/api/access").json()["status"] == "REJECTED"
        assert sender.usage()["access"] == "REJECTED"
        assert sender.session.post("/api/access", json={"mutationQuota": 40, "queryQuota": 60}).status_code == 201

    def test_queries_are_one_and_a_half_times_mutations(self, guarded):
        sender = Sender(guarded)
        for mutation, query in ((40, 59), (0, 10), (1, 1), ("40", 60)):
            answer = sender.session.post("/api/access", json={"mutationQuota": mutation, "queryQuota": query})
            assert answer.status_code == 422, (mutation, query)

    def test_without_approval_everybody_has_access(self, server):
        sender = Sender(server)
        usage = sender.usage()
        assert list(usage) == ["access", "query", "mutation", "credits", "prices"]
        assert usage["access"] == "APPROVED" and usage["query"]["limit"] == 15_000
        assert usage["prices"] == {name: MILLION for name in ("DF-1", "AC-1", "FD-1", "FE-1", "FI-1")}
        assert sender.session.get("/api/access").status_code == 404


class TestMoney:
    def test_a_file_of_another_kind_costs_nothing(self, server):
        sender = Sender(server, credits=5)
        key = sender.key()
        for body, content in ((film_body(size=len(picture())), picture()), (picture_body(size=64), b"no picture " * 5 + b"at all!!!")):
            made = key.made(**body)
            assert put(made, content).status_code == 200
            record, _ = key.ended(made["mid"])
            assert record["status"] == "FAILED" and record["failureMessage"]
            assert record["failureReason"] in ("MEDIA_TYPE_MISMATCH", "UNDECODABLE_MEDIA")
            assert "resultURL" not in record and "srcURL" in record
        assert sender.credits() == {"balance": 5 * MILLION, "held": 0, "available": 5 * MILLION}

    def test_deleting_before_processing_gives_the_hold_back(self, server):
        sender = Sender(server, credits=1)
        key = sender.key()
        made = key.made()
        assert key.post(picture_body()).json() == document.U007
        assert key.delete(made["mid"]).status_code == 204
        assert key.post(picture_body()).status_code == 201

    def test_the_price_is_that_of_the_post(self, start_server):
        server = start_server(media={"price_ac1": "2.5"})
        sender = Sender(server, credits=10)
        key = sender.key()
        made = key.made()
        assert sender.credits()["held"] == 2_500_000
        server.config["media"]["price_ac1"] = "1"
        server.restart()
        assert put(made, picture()).status_code == 200
        key.ended(made["mid"])
        assert sender.credits()["balance"] == 7_500_000

    def test_a_link_that_has_ended_gives_the_hold_back_and_takes_nothing(self, start_server):
        environment = later(hours=2)
        server = start_server()
        sender = Sender(server, credits=1)
        key = sender.key()
        made = key.made()
        server.restart(**environment)
        answer = put(made, picture())
        assert answer.status_code == 403 and "expired" in answer.text
        if server.database is None:
            until(lambda: sender.credits()["held"] == 0, "the hold is released", 30)
            assert key.record(made["mid"])["status"] == "INITED"

    def test_an_account_takes_its_media_along(self, start_server):
        server = start_server()
        sender = Sender(server, credits=5)
        record = sender.key().processed()
        answer = sender.session.delete("/auth/account", json={"password": sender.account.password})
        assert answer.status_code in (200, 204), answer.text
        assert requests.get(record["srcURL"], timeout=30).status_code in (403, 404)


def test_secrets_reach_no_log(server, key):
    key.get()
    assert key.secret not in server.log()


def test_stems_lists_no_media(server):
    sender = Sender(server)
    made = sender.key().made()
    assert put(made, picture()).status_code == 200
    assert sender.session.get("/jobs").json()["jobs"] == []


def test_both_spellings_of_a_path_answer(key):
    made = key.made()
    assert key.get("/api/media/").status_code == 200
    assert key.get(f"/api/media/{made['mid']}/").status_code == 200
