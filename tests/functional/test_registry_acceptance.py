"""The numbered acceptance lines of the registry's contract, one server, from the document alone."""

import json
import subprocess
import time
from pathlib import Path

import pytest
import requests

from support.polling import until
from support.registry_users import ADMIN_TOKEN, SETTINGS, User, admin, sha256

KEYS = (
    "repo_id canonical_url model_name author pipeline_tag license parameters parameters_readable downloads likes created_at "
    "last_modified languages tags last_update_ts file_count has_safetensors has_bin"
).split()
CONTENT = bytes(range(256)) * 4000


@pytest.fixture(scope="module")
def settings():
    return SETTINGS


@pytest.fixture(scope="module")
def dev(server):
    return User(server)


@pytest.fixture(scope="module")
def repo(dev):
    dev.model("acme/finetune-bert", (), model_name="Finetune BERT", visibility="private")
    for path, version in (("acme/finetune-bert", "v1"), ("acme%2Ffinetune-bert", "v2")):
        made = dev.ask("POST", f"/v1/dev/models/{path}/versions", json={"version": version})
        assert made == {"ok": True, "version": version}, "lines 11 and 12"
    dev.upload("acme/finetune-bert", CONTENT, filename="model.safetensors")
    return "acme/finetune-bert"


def test_1_health(server):
    health = requests.get(f"{server.url}/healthz", timeout=10).json()
    assert health["ok"] is True and abs(health["time"] - time.time()) <= 5


def test_2_documentation(server):
    for page in ("/docs", "/redoc"):
        assert requests.get(server.url + page, timeout=10).status_code == 200, page
    document = requests.get(f"{server.url}/openapi.json", timeout=10).json()
    assert "/v1/models/{repo}" in document["paths"]
    assert {"registryKey", "registryAdminToken"} <= set(document["components"]["securitySchemes"])
    assert any("Model Registry API" in tag["description"] for tag in document["tags"])


def test_3_4_7_registration(server):
    answer = requests.post(f"{server.url}/v1/users/register", json={"email": "you@example.com", "name": "You"}, timeout=10)
    made = answer.json()
    assert answer.status_code == 200 and isinstance(made["user_id"], int) and made["api_key"].startswith("sk_live_")
    headers = {"x-api-key": made["api_key"]}
    listed = requests.get(f"{server.url}/v1/models?limit=5", headers=headers, timeout=10).json()
    assert isinstance(listed, list) and len(listed) <= 5
    me = requests.get(f"{server.url}/v1/users/me", headers=headers, timeout=10).json()
    assert me == {"user_id": made["user_id"], "email": "you@example.com", "name": "You", "role": "developer"}


USER_ROUTES = [
    ("GET", "/v1/models"),
    ("GET", "/v1/models/a/b"),
    ("GET", "/v1/models/a/b/files"),
    ("GET", "/v1/files/a/b/c/download"),
    ("GET", "/v1/manifest/a/b"),
    ("GET", "/v1/platform/manifest"),
    ("GET", "/v1/changes?since=0"),
    ("GET", "/v1/users/me"),
    ("GET", "/v1/users/me/usage"),
    ("POST", "/v1/users/rotate-key"),
    ("POST", "/v1/dev/models"),
]


@pytest.mark.parametrize("method, path", USER_ROUTES)
def test_5_6_a_key_is_needed(server, method, path):
    for headers in ({}, {"x-api-key": ""}):
        missing = requests.request(method, server.url + path, headers=headers, timeout=10)
        assert (missing.status_code, missing.json()) == (401, {"detail": "missing x-api-key"})
    wrong = requests.request(method, server.url + path, headers={"x-api-key": "nope"}, timeout=10)
    assert (wrong.status_code, wrong.json()) == (401, {"detail": "invalid or revoked api key"})


def test_8_rotation(server):
    user = User(server)
    old = user.key
    made = user.ask("POST", "/v1/users/rotate-key")
    assert made["user_id"] == user.id and made["api_key"] != old
    user.get("/v1/users/me", 401)
    user.key = made["api_key"]
    user.get("/v1/users/me")


def test_9_admin_token(server, dev):
    assert admin(server, "GET", "/v1/admin/usage", 401, token="wrong") == {"detail": "invalid admin token"}
    assert dev.get("/v1/admin/usage", 401) == {"detail": "invalid admin token"}


def test_10_no_admin_token(start_server):
    bare = start_server(operator=False)
    for headers in ({}, {"x-admin-token": "any"}, {"x-api-key": "any"}):
        answer = requests.get(f"{bare.url}/v1/admin/usage", headers=headers, timeout=10)
        assert (answer.status_code, answer.json()) == (503, {"detail": "admin token not configured"})


def test_13_14_signed_put(dev, repo):
    made = dev.initiate(repo, "v2", "model.safetensors", expires=900)
    url = made["url"]
    assert url.startswith("http://") and "X-Amz-Expires=900" in url and "X-Amz-Signature=" in url
    assert made["expires_in"] == 900 and made["upload_id"]
    forged = url[:-1] + ("0" if url[-1] != "0" else "1")
    assert requests.put(forged, data=b"x", timeout=10).status_code == 403
    assert requests.put(url, data=CONTENT, timeout=30).status_code == 200
    done = dev.complete(repo, "v2", "model.safetensors", size=123456789, sha256="deadbeef...")
    assert done["status"] == "ready" and done["verified"] is False and done["warnings"], "line 15"
    assert done["size"] == len(CONTENT) and done["sha256"] == sha256(CONTENT)


def test_16_17_detail(dev, repo):
    plain = dev.get(f"/v1/models/{repo}")
    assert list(plain)[:18] == KEYS
    assert list(plain)[18:] == ["visibility", "engine", "aliases"]
    encoded = dev.get("/v1/models/acme%2Ffinetune-bert")
    assert {**encoded, "downloads": 0} == {**plain, "downloads": 0}
    assert dev.get("/v1/models/nobody/nothing", 404) == {"detail": "model not found"}


def test_18_19_20_files(dev, repo):
    row = dev.get(f"/v1/models/{repo}/files")[0]
    assert list(row)[:6] == ["rfilename", "size", "sha256", "updated_ts", "object_key", "presigned_url"]
    assert row["presigned_url"] is None and row["object_key"] == f"hf/{repo}/versions/v1/model.safetensors"
    row = dev.get(f"/v1/models/{repo}/files", presign="true", expires=900)[0]
    assert "X-Amz-Expires=900" in row["presigned_url"]
    assert sha256(requests.get(row["presigned_url"], timeout=30).content) == row["sha256"]
    for expires, status in ((59, 422), (86401, 422), (60, 200), (86400, 200)):
        answer = dev.get(f"/v1/models/{repo}/files", status, expires=expires)
        assert status == 200 or "detail" in answer


def test_21_22_download(dev, repo):
    path = f"/v1/files/{repo}/model.safetensors/download"
    got = dev.get(path, version="v1", expires=900)
    assert list(got)[:7] == ["repo_id", "rfilename", "size", "sha256", "object_key", "url", "expires_in"]
    assert got["expires_in"] == 900 and requests.get(got["url"], timeout=30).content == CONTENT
    assert dev.get(path, version="v1")["expires_in"] == 3600


def test_23_slashes_in_file_names(dev, repo):
    dev.ask("POST", f"/v1/dev/models/{repo}/versions", json={"version": "v3"})
    dev.upload(repo, b"graph", "v3", "onnx/model.onnx")
    got = [dev.get(f"/v1/files/{repo}/{name}/download", version="v3") for name in ("onnx/model.onnx", "onnx%2Fmodel.onnx")]
    assert got[0]["rfilename"] == got[1]["rfilename"] == "onnx/model.onnx"
    assert requests.get(got[1]["url"], timeout=10).content == b"graph"


def test_24_25_missing_files(server, dev):
    mine = dev.published(b"soon gone", "gone.bin")
    assert dev.get(f"/v1/files/{mine}/nothing/download", 404) == {"detail": "file not found"}
    digest = sha256(b"soon gone")
    stored = list(Path(server.data).rglob(digest[2:])) + list(Path(server.data).rglob(digest))
    assert stored, "the embedded store keeps files by digest"
    for path in stored:
        path.unlink()
    key = f"hf/{mine}/versions/v1/gone.bin"
    assert dev.get(f"/v1/files/{mine}/gone.bin/download", 404) == {"detail": f"object not accessible: {key}"}
    assert dev.get(f"/v1/models/{mine}/files", presign="1")[0]["presigned_url"] is None


def test_26_27_manifest(dev, repo):
    manifest = dev.get(f"/v1/manifest/{repo}", version="v1")
    assert list(manifest) == ["schema", "repo_id", "updated_ts", "files"] and isinstance(manifest["updated_ts"], int)
    assert manifest["schema"] == "hf-model-manifest/v1" and manifest["files"][0]["presigned_url"] is None
    signed = dev.get(f"/v1/manifest/{repo}", version="v1", presign="true", expires=600)
    assert all("X-Amz-Expires=600" in file["presigned_url"] for file in signed["files"])
    assert "detail" in dev.get("/v1/manifest/nobody/nothing", 404)


def test_28_search(dev, repo):
    for q in ("finetune-b", "Finetune BERT", "ACME/", "be"):
        assert repo in dev.repos(q=q), q
    for q in ("zzzqqq", "finetune_bert", "%", "finetune%bert"):
        assert dev.repos(q=q) == [], q


def test_29_30_31_paging(dev):
    dev.model(), dev.model()
    first, second = dev.repos(limit=1, offset=0), dev.repos(limit=1, offset=1)
    assert len(first) == len(second) == 1 and first != second
    walked = []
    while page := dev.repos(limit=2, offset=len(walked)):
        walked += page
    assert len(walked) == len(set(walked)) == len(dev.repos(limit=500))
    dev.get("/v1/models", 422, limit=501)
    dev.get("/v1/changes", 422, since=0, limit=2001)
    assert dev.repos(updated_since=int(time.time()) + 60) == []
    assert first[0] in dev.repos(updated_since=int(time.time()) - 3600)


def test_32_changes(dev):
    dev.get("/v1/changes", 422)
    since = int(time.time()) - 1
    mine = dev.model()
    rows = {row["repo_id"]: row for row in dev.changes(since)}
    assert list(rows[mine])[:2] == ["repo_id", "last_update_ts"] and all(r["last_update_ts"] > since for r in rows.values())


def test_33_34_usage(server):
    user = User(server)
    mine = user.published()
    before = user.get("/v1/users/me/usage")["totals"]
    user.get(f"/v1/models/{mine}/files"), user.get(f"/v1/models/{mine}/files")
    user.get(f"/v1/files/{mine}/model.bin/download"), user.get(f"/v1/manifest/{mine}")
    after = user.get("/v1/users/me/usage")
    grown = {name: after["totals"][name] - before[name] for name in ("files_list", "downloads", "manifests", "events")}
    assert grown == {"files_list": 2, "downloads": 1, "manifests": 1, "events": 4}
    assert after["top_models"][0]["repo_id"] == mine and after["distinct_models"] == 1
    assert after["timeseries_daily"][-1]["day"] == time.strftime("%Y-%m-%d", time.gmtime())
    assert after["window"]["until"] - after["window"]["since"] == 2592000
    nothing = user.get("/v1/users/me/usage", since=1, until=2)
    assert nothing["window"] == {"since": 1, "until": 2} and set(nothing["totals"].values()) == {0}


def test_35_admin_usage(server, dev, repo):
    dev.get(f"/v1/manifest/{repo}")
    mine = dev.get("/v1/users/me/usage")["totals"]
    everything = admin(server, "GET", "/v1/admin/usage")
    assert list(everything) == ["window", "totals", "last_seen_ts", "top_users", "top_models", "timeseries_daily"]
    for query in ({"filter_email": dev.email.upper()}, {"filter_user_id": dev.id}):
        filtered = admin(server, "GET", "/v1/admin/usage", params=query)
        assert filtered["totals"] == mine and filtered["filter"] == {"user_id": dev.id, "email": dev.email}
    unknown = admin(server, "GET", "/v1/admin/usage", params={"filter_email": "no@body"})
    assert set(unknown["totals"].values()) == {0} and unknown["top_users"] == [] and unknown["filter"]["user_id"] is None


def test_36_to_39_platform(server, dev, repo):
    platform = User(server, "platform")
    assert platform.get("/v1/users/me")["role"] == "platform"
    path = f"/v1/files/{repo}/model.safetensors/download"
    assert platform.get("/v1/platform/manifest")["items"] == [] and platform.repos() == []
    platform.get(path, 404, version="v1")
    now = int(time.time())
    grant = {"platform_user_id": platform.id, "repo_id": repo, "permitted_from_ts": now}
    assert admin(server, "POST", "/v1/admin/grants", json=grant) == {"ok": True}
    item = platform.get("/v1/platform/manifest", presign="true", expires=600)["items"][0]
    assert item["repo_id"] == repo and item["allowed_from_ts"] == now
    url = item["files"][0]["presigned_url"]
    assert requests.get(url, timeout=30).status_code == 200
    assert platform.get(path, version="v1")["repo_id"] == repo
    listed = admin(server, "GET", "/v1/admin/grants", params={"platform_user_id": platform.id})
    assert [(row["repo_id"], row["permissions"]) for row in listed] == [(repo, ["download"])]
    admin(server, "DELETE", "/v1/admin/grants", params={"platform_user_id": platform.id, "repo_id": repo})
    assert platform.get("/v1/platform/manifest")["items"] == []
    platform.get(path, 404, version="v1")
    dead = requests.get(url, timeout=30)
    assert dead.status_code == 403 and "AccessDenied" in dead.text, "the outstanding URL dies with the grant"


def test_40_private_models(server, dev, repo):
    other = User(server)
    assert repo not in other.repos(limit=500)
    assert other.get(f"/v1/models/{repo}", 404) == {"detail": "model not found"}
    taken = other.ask("POST", "/v1/dev/models", 409, json={"repo_id": repo, "model_name": "mine"})
    assert taken == {"detail": "repo_id already taken"}
    other.ask("POST", f"/v1/dev/models/{repo}/versions", 404, json={"version": "v9"})
    assert dev.get(f"/v1/models/{repo}")["model_name"] == "Finetune BERT"


QUICK_START = """
set -eu
BASE={url}
curl -sS -X POST $BASE/v1/users/register -H 'content-type: application/json'   -d '{{"email":"dev@you.com","name":"Dev"}}' | tee dev.json
DEV_KEY=$(jq -r .api_key dev.json)

curl -sS -X POST $BASE/v1/dev/models -H "x-api-key: $DEV_KEY" -H 'content-type: application/json'   -d '{{"repo_id":"quick/finetune-bert","model_name":"Finetune BERT","visibility":"private"}}'

curl -sS -X POST $BASE/v1/dev/models/quick/finetune-bert/versions   -H "x-api-key: $DEV_KEY" -H 'content-type: application/json'   -d '{{"version":"v1"}}'

curl -sS -X POST "$BASE/v1/dev/models/quick/finetune-bert/versions/v1/uploads/initiate?filename=model.safetensors&expires=900"   -H "x-api-key: $DEV_KEY" | tee up.json
PUT_URL=$(jq -r .url up.json)
curl -sS -X PUT --data-binary @model.safetensors "$PUT_URL"
curl -sS -X POST "$BASE/v1/dev/models/quick/finetune-bert/versions/v1/uploads/complete"   -H "x-api-key: $DEV_KEY" -H 'content-type: application/json'   -d '{{"rfilename":"model.safetensors","size":123456789,"sha256":"deadbeef..."}}'
ADMIN={token}
curl -sS -X POST $BASE/v1/admin/users -H "x-admin-token: $ADMIN"   -H 'content-type: application/json'   -d '{{"email":"plat@partner.com","name":"Plat","role":"platform"}}' | tee plat.json
PLAT_KEY=$(jq -r .api_key plat.json); PLAT_ID=$(jq -r .user_id plat.json)

NOW=$(date +%s)
curl -sS -X POST $BASE/v1/admin/grants -H "x-admin-token: $ADMIN"   -H 'content-type: application/json'   -d "{{"platform_user_id":$PLAT_ID,"repo_id":"quick/finetune-bert","permitted_from_ts":$NOW}}"
curl -sS "$BASE/v1/platform/manifest?presign=true&expires=600" -H "x-api-key: $PLAT_KEY" | jq .items[0] > item.json
curl -sS "$BASE/v1/files/quick/finetune-bert/model.safetensors/download?version=v1&expires=900" -H "x-api-key: $PLAT_KEY" > download.json
"""


def test_the_quick_starts(server, tmp_path):
    # Large enough for curl to ask with Expect: 100-continue. Files go where the test may write; the document's /tmp is everybody's.
    (tmp_path / "model.safetensors").write_bytes(CONTENT * 3)
    script = QUICK_START.format(url=server.url, token=ADMIN_TOKEN)
    ran = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    item = json.loads((tmp_path / "item.json").read_text())
    assert item["repo_id"] == "quick/finetune-bert"
    got = json.loads((tmp_path / "download.json").read_text())
    assert requests.get(got["url"], timeout=30).content == CONTENT * 3
    assert requests.get(item["files"][0]["presigned_url"], timeout=30).content == CONTENT * 3


def test_an_upload_is_counted_in_bytes_when_it_is_served(dev, repo):
    url = dev.get(f"/v1/files/{repo}/model.safetensors/download", version="v1")["url"]
    before = dev.get("/v1/users/me/usage")["totals"]
    part = requests.get(url, headers={"Range": "bytes=0-99"}, timeout=30)
    assert part.status_code == 206 and part.content == CONTENT[:100]

    def grown():
        return dev.get("/v1/users/me/usage")["totals"]["bytes_served"] == before["bytes_served"] + 100

    until(grown, "the bytes of a range are booked to the URL's user")
