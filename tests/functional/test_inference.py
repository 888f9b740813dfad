"""Models of the registry run by their users: the Open Inference Protocol V2, and the money."""

import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import threading
import time

import pytest

from support import onnx_file
from support.inference import PRICE, Market, infer, publish, says, tensor
from support.polling import until
from support.registry_users import SETTINGS, User, admin
from support.server import BINARY

pytestmark = pytest.mark.skipif(
    not (BINARY.parent / "libonnxruntime.so.1").exists(), reason="skipped: built without ONNX Runtime"
)

ONE = [tensor("x", "FP32", [1, 3], [1, 2, 3])]
TWICE_PLUS_ONE = [tensor("y", "FP32", [1, 3], [3, 5, 7])]
INFERENCE = {"timeout": 3, "workers": 2, "queue": 6, "memory_bytes": 512 << 20, "max_body_bytes": 4 << 20}


@pytest.fixture(scope="module")
def settings():
    return {**SETTINGS, "inference": INFERENCE}


@pytest.fixture(scope="module")
def market(server):
    return Market(server)


@pytest.fixture(scope="module")
def seller(market):
    return market.seller


@pytest.fixture
def buyer(server):
    return server.account(credits=1)


@contextlib.contextmanager
def costs(buyer, calls):
    before = buyer.credits()
    yield
    assert buyer.credits() == pytest.approx(before - calls * PRICE, abs=1e-9), f"{calls} calls are paid"


# ---- the protocol


def test_the_server_says_what_it_is_without_credentials(server):
    anybody = server.client()
    assert anybody.get("/v2").json()["extensions"] == ["binary_tensor_data", "parameters"]
    assert anybody.get("/v2/health/live").json() == {"live": True}
    assert anybody.get("/v2/health/ready").json() == {"ready": True}
    assert anybody.get("/v2/models/a/b").status_code == 401


def test_a_model_is_described_by_what_is_in_its_file(seller, market):
    found = seller.get(f"/v2/models/{market['affine']}")
    assert (found["platform"], found["versions"], found["credits"]) == ("onnxruntime_onnx", ["v1"], PRICE)
    assert found["inputs"] == [{"name": "x", "datatype": "FP32", "shape": [-1, 3]}]
    assert found["outputs"] == [{"name": "y", "datatype": "FP32", "shape": [-1, 3]}]
    assert seller.get(f"/v2/models/{market['affine'].replace('/', '%2F')}/versions/v1") == found
    assert seller.get(f"/v2/models/{market['affine']}/ready") == {"name": market["affine"], "ready": True}
    assert seller.get(f"/v2/models/{market['affine']}/versions/v1/ready")["ready"] is True
    says(seller.get(f"/v2/models/{market['affine']}/versions/v9", 404), "version not found")


def test_a_call_is_answered_and_paid_and_named_in_the_history(buyer, market):
    with costs(buyer, 1):
        answer = infer(buyer, market["affine"], [tensor("x", "FP32", [2, 3], [[1, 2, 3], [4, 5, 6.5]])], body={"id": "seven"})
    assert answer["outputs"] == [tensor("y", "FP32", [2, 3], [3, 5, 7, 9, 11, 14])]
    assert (answer["model_name"], answer["model_version"], answer["id"]) == (market["affine"], "v1", "seven")
    assert answer["parameters"]["credits"] == PRICE and answer["parameters"]["file"] == "model.onnx"
    assert len(answer["parameters"]["digest"]) == len(answer["parameters"]["file_sha256"]) == 64
    assert market["affine"] in buyer.history()[0]["description"]


def test_every_kind_of_number_comes_back_as_it_went_in(buyer, seller):
    for kind, datatype, values in [
        (onnx_file.BOOL, "BOOL", [True, False]),
        (onnx_file.UINT8, "UINT8", [0, 255]),
        (onnx_file.INT8, "INT8", [-128, 127]),
        (onnx_file.INT32, "INT32", [-(2**31), 2**31 - 1]),
        (onnx_file.INT64, "INT64", [-(2**63), 2**63 - 1]),
        (onnx_file.FLOAT16, "FP16", [1.5, -65504]),
        (onnx_file.FLOAT, "FP32", [0.1, -3.4028235e38]),
        (onnx_file.DOUBLE, "FP64", [0.1, 1.7976931348623157e308]),
    ]:
        repo = publish(seller, onnx_file.identity(kind))
        (found,) = infer(buyer, repo, [tensor("x", datatype, [2], values)])["outputs"]
        assert found == tensor("y", datatype, [2], values), datatype


def test_outputs_are_those_that_were_asked_for(buyer, market):
    inputs = [tensor("b", "INT64", [2, 2], [1, 1, 1, 1]), tensor("a", "INT64", [2, 2], [[1, 2], [3, 4]])]
    names = [one["name"] for one in infer(buyer, market["sum_and_difference"], inputs)["outputs"]]
    assert names == ["sum", "difference"]
    answer = infer(buyer, market["sum_and_difference"], inputs, body={"outputs": [{"name": "difference"}]})
    assert answer["outputs"] == [tensor("difference", "INT64", [2, 2], [0, 1, 2, 3])]


def test_binary_tensors_go_in_and_come_out_beside_json_ones(buyer, market):
    values = struct.pack("<3f", 1, float("nan"), float("inf"))
    head = {
        "inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 3], "parameters": {"binary_data_size": 12}}],
        "parameters": {"binary_data_output": True},
    }
    text = json.dumps(head).encode()
    answer = buyer.session.post(
        f"/v2/models/{market['affine']}/infer", data=text + values, headers={"Inference-Header-Content-Length": str(len(text))}
    )
    assert answer.status_code == 200, answer.text
    length = int(answer.headers["Inference-Header-Content-Length"])
    assert answer.headers["Content-Type"] == "application/octet-stream"
    (output,) = json.loads(answer.content[:length])["outputs"]
    assert output == {"name": "y", "shape": [1, 3], "datatype": "FP32", "parameters": {"binary_data_size": 12}}
    first, second, third = struct.unpack("<3f", answer.content[length:])
    assert (first, second != second, third) == (3, True, float("inf"))

    head["parameters"] = {}
    text = json.dumps(head).encode()
    as_json = buyer.session.post(
        f"/v2/models/{market['affine']}/infer", data=text + values, headers={"Inference-Header-Content-Length": str(len(text))}
    ).json()
    assert as_json["outputs"] == [{**tensor("y", "FP32", [1, 3], [3, None, None]), "parameters": {"non_finite": 2}}]


def test_the_index_lists_what_one_may_run(server, seller, market, buyer):
    secret = publish(seller, onnx_file.affine(3), visibility="private")
    other_engine = publish(seller, b"weights", "model.bin", engine="separation")
    empty = publish(seller, b"no network", "notes.txt")
    rows = {row["name"]: row for row in buyer.session.post("/v2/repository/index").json()}
    assert rows[market["affine"]]["state"] == "READY" and rows[empty]["state"] == "UNAVAILABLE"
    assert secret not in rows and other_engine not in rows
    ready = [row["name"] for row in buyer.session.post("/v2/repository/index", json={"ready": True}).json()]
    assert market["affine"] in ready and empty not in ready
    assert secret in [row["name"] for row in seller.ask("POST", "/v2/repository/index", json={})]


def test_a_version_an_alias_and_a_file_can_be_named(seller, buyer):
    repo = seller.model(engine="onnx", visibility="public", versions=("v1", "v2"))
    seller.upload(repo, onnx_file.affine(2), "v1", "model.onnx")
    seller.upload(repo, onnx_file.affine(10), "v1", "ten.onnx")
    seller.upload(repo, onnx_file.affine(3), "v2", "model.onnx")
    first = lambda path, **more: infer(buyer, repo, ONE, path=path, **more)["outputs"][0]["data"][0]
    assert first("") == 4, "the newest"
    assert first("/versions/v1") == 3
    assert first("/versions/v1", params={"file": "ten.onnx"}) == 11
    says(infer(buyer, repo, ONE, 404, params={"file": "ten.onnx"}), "no such ONNX file")
    seller.ask("PUT", f"/v1/dev/models/{repo}/aliases/production", json={"version": "v1"})
    assert first("") == 3 and first("/versions/production") == 3
    answer = infer(buyer, repo, ONE)
    assert answer["model_version"] == "v1" == seller.get(f"/v2/models/{repo}/versions/production")["versions"][0]


def test_what_is_not_offered_is_said(buyer, market):
    repo = market["affine"]
    for method, path in [
        ("GET", "/v2/systemsharedmemory/status"),
        ("POST", "/v2/repository/models/x/load"),
        ("GET", "/v2/trace/setting"),
    ]:
        answer = buyer.session.request(method, path)
        assert answer.status_code == 404
        says(answer.json(), "not offered here")
    for parameters, word in [({"sequence_id": 1}, "sequences"), ({"classification": 1}, "classification")]:
        says(infer(buyer, repo, ONE, 400, body={"parameters": parameters}), word, "not supported")
    says(infer(buyer, repo, [tensor("x", "BYTES", [1], ["a"])], 400), "BYTES is not supported")
    packed = buyer.session.post(f"/v2/models/{repo}/infer", data=b"x", headers={"Content-Encoding": "gzip"})
    assert packed.status_code == 415
    says(packed.json(), "compressed")


def test_clients_of_another_surface_and_strangers_are_refused(server, market, account):
    path = f"/v2/models/{market['affine']}/infer"
    for headers, status in [({}, 401), ({"x-api-key": "nope"}, 401), ({"Authorization": f"Bearer {account.key}"}, 401)]:
        answer = server.client(**headers).post(path, json={"inputs": ONE})
        assert answer.status_code == status and "error" in answer.json() and answer.headers["WWW-Authenticate"]


def test_a_call_is_in_the_usage_and_the_log(server, buyer, market):
    infer(buyer, market["affine"], ONE)
    routes = lambda: [row.get("route") for row in server.log_records() if row["event"] == "http.request"]
    until(lambda: "/v2/models/{repo...}/infer" in routes(), "the call is logged by its route", 10)


def test_a_file_becomes_a_metered_call_as_the_guide_says(server, tmp_path):
    (tmp_path / "tiny.onnx").write_bytes(onnx_file.affine())
    added = server.run("models", "add", "acme/tiny", "v1", tmp_path / "tiny.onnx", "--engine", "onnx")
    assert added.returncode == 0, added.stderr
    customer = User(server)
    assert customer.get("/v2/models/acme/tiny")["file"] == "tiny.onnx"
    body = '{"inputs":[{"name":"x","shape":[1,3],"datatype":"FP32","data":[1,2,3]}]}'
    command = ["curl", "-s", f"{server.url}/v2/models/acme/tiny/infer", "-H", f"x-api-key: {customer.key}", "-d", body]
    answer = json.loads(subprocess.run(command, capture_output=True, text=True, timeout=60).stdout)
    assert answer["outputs"] == TWICE_PLUS_ONE and answer["parameters"]["credits"] == PRICE


# ---- what does not fit


def test_every_problem_of_the_inputs_is_told_at_once_and_costs_nothing(buyer, market):
    with costs(buyer, 0):
        answer = infer(
            buyer,
            market["sum_and_difference"],
            [tensor("a", "FP32", [2, 2], [1, 2, 3, 4]), tensor("z", "INT64", [1], [1])],
            400,
            body={"outputs": [{"name": "product"}]},
        )
        says(answer, "a must be int64, not float32", "z is no input", "b is required", "product is no output")
        for shape, data, words in [
            ([3], [1, 2, 3], "rank 2"),
            ([1, 4], [1, 2, 3, 4], "[-1,3], not [1,4]"),
            ([1, 3], [1, 2], "3 elements for its shape, not 2"),
            ([0, 3], [1, 2, 3], "0 elements for its shape, not 3"),
            ([2**63 - 1, 3], [1], "cannot have the shape"),
            ([-1, 3], [1, 2, 3], "shape must be"),
        ]:
            says(infer(buyer, market["affine"], [tensor("x", "FP32", shape, data)], 400), words)
        says(infer(buyer, market["affine"], [], 400), "x is required")
        says(infer(buyer, market["affine"], ONE + ONE, 400), "x is given twice")


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'{"inputs":5}', b'{"inputs":[{"name":"x","shape":[1,3],"datatype":"FP32","data":[NaN,1,2]}]}', b"[" * 100_000,
     b'{"inputs":[],"inputs":[]}', b'\xff{"inputs":[]}', b'{"inputs":[{"name":"x","shape":[1,3],"datatype":"FP32","data":' + b"[" * 200],
)  # fmt: skip
def test_a_broken_body_is_refused(buyer, market, body):
    with costs(buyer, 0):
        answer = buyer.session.post(f"/v2/models/{market['affine']}/infer", data=body)
        assert answer.status_code == 400, answer.text
        assert list(answer.json()) == ["error"]


def test_bodies_are_taken_up_to_the_setting_and_no_further(server, buyer, market):
    rows = 20_000
    data = [float(i % 1000) for i in range(rows * 3)]
    with costs(buyer, 1):
        answer = infer(buyer, market["affine"], [tensor("x", "FP32", [rows, 3], data)])
    assert answer["outputs"][0]["data"] == [2 * v + 1 for v in data]
    large = b" " * (INFERENCE["max_body_bytes"] + 1)
    for body in (large, iter([large])):
        answer = buyer.session.post(f"/v2/models/{market['affine']}/infer", data=body)
        assert answer.status_code == 413, answer.text
        says(answer.json(), "larger than")


def test_only_models_that_name_the_engine_are_run(seller, buyer):
    says(infer(buyer, publish(seller, onnx_file.affine(), engine="separation"), ONE, 422), "does not name the engine onnx")
    says(infer(buyer, publish(seller, b"x", "model.bin"), ONE, 422), "no *.onnx file")


@pytest.mark.parametrize(
    "content", [b"this is no network", onnx_file.affine()[:-20], onnx_file.external(), bytes(4096)], ids=["text", "cut", "external", "zeros"]
)
def test_a_file_that_is_no_model_is_refused_and_costs_nothing(seller, buyer, market, content):
    repo = publish(seller, content)
    with costs(buyer, 0):
        says(infer(buyer, repo, ONE, 422), "the model cannot be run")
        assert buyer.session.get(f"/v2/models/{repo}").status_code == 422
    assert infer(buyer, market["affine"], ONE)["outputs"] == TWICE_PLUS_ONE


def test_a_model_that_asks_for_100_gigabytes_is_refused_and_costs_nothing(seller, buyer, market):
    repo = publish(seller, onnx_file.greedy([25, 1000, 1000, 1000]))
    with costs(buyer, 0):
        says(infer(buyer, repo, [tensor("x", "FP32", [1], [1])], 422), "the model cannot be run")
    assert infer(buyer, market["affine"], ONE)["outputs"] == TWICE_PLUS_ONE


def test_a_call_that_runs_a_worker_out_of_memory_fails_alone(buyer, market):
    ask = lambda rows, status=200: infer(buyer, market["filled"], [tensor("extents", "INT64", [2], [rows, 1])], status)
    with costs(buyer, 2):
        assert len(ask(10)["outputs"][0]["data"]) == 10
        says(ask(10**9, 422), "the model cannot be run")
        says(ask(2**40, 422), "the model cannot be run")
        says(ask(2_000_000, 422), "larger than")  # 8 MB, over the largest output
        assert ask(2)["outputs"][0]["data"] == [1, 1]


def test_a_run_without_end_is_ended_and_costs_nothing(server, buyer, market):
    with costs(buyer, 0):
        began = time.monotonic()
        says(infer(buyer, market["looping"], [tensor("times", "INT64", [], [2**60])], 504), "took too long")
        assert time.monotonic() - began < INFERENCE["timeout"] + 5
    with costs(buyer, 1):
        assert infer(buyer, market["looping"], [tensor("times", "INT64", [], [5])])["outputs"][0]["data"] == [5]


def test_a_file_with_another_digest_never_runs(start_server):
    server = start_server(**SETTINGS, inference=INFERENCE)
    market, buyer = Market(server), server.account(credits=1)
    repo = market["affine"]
    right = onnx_file.affine()
    (stored,) = [path for path in server.data.rglob("*") if path.is_file() and path.read_bytes() == right]
    stored.chmod(0o600)
    stored.write_bytes(onnx_file.affine(100))
    with costs(buyer, 0):
        says(infer(buyer, repo, ONE, 422), "not the one that was announced")


# ---- money


def test_without_credits_nothing_runs(server, market):
    poor = server.account(credits=2 * PRICE)
    with costs(poor, 2):
        infer(poor, market["affine"], ONE)
        infer(poor, market["affine"], ONE)
        says(infer(poor, market["affine"], ONE, 402), "costs 0.001 credits", "balance is 0.0")


def test_parallel_calls_never_spend_more_than_there_is(server, market):
    poor = server.account(credits=3 * PRICE)
    statuses = []

    def call():
        answer = poor.session.post(f"/v2/models/{market['affine']}/infer", json={"inputs": ONE})
        statuses.append(answer.status_code)

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 200, 200, 402] and poor.credits() == 0


def test_a_model_has_the_price_that_the_operator_gave_it(start_server):
    server = start_server(**SETTINGS, inference={**INFERENCE, "price": 0.0})
    market, buyer = Market(server), server.account(credits=1)
    repo = market["affine"]
    assert infer(buyer, repo, ONE)["parameters"]["credits"] == 0 and buyer.credits() == 1
    server.config["inference"]["prices"] = [{"repo": repo, "credits": 0.25}]
    server.restart()
    assert infer(buyer, repo, ONE)["parameters"]["credits"] == 0.25 and buyer.credits() == 0.75
    assert buyer.session.get(f"/v2/models/{repo}").json()["credits"] == 0.25
    assert infer(buyer, market["filled"], [tensor("extents", "INT64", [2], [1, 1])])["parameters"]["credits"] == 0


def test_a_tensor_may_have_no_elements(buyer, market):
    with costs(buyer, 1):
        answer = infer(buyer, market["affine"], [tensor("x", "FP32", [0, 3], [])])
    assert (answer["outputs"][0]["shape"], answer["outputs"][0]["data"]) == ([0, 3], [])


def test_a_kept_answer_is_as_binary_as_the_first(buyer, market):
    key = {"Idempotency-Key": "binary"}
    body = {"inputs": ONE, "outputs": [{"name": "y", "parameters": {"binary_data": True}}]}
    with costs(buyer, 1):
        first, again = (buyer.session.post(f"/v2/models/{market['affine']}/infer", json=body, headers=key) for _ in range(2))
    assert first.status_code == again.status_code == 200 and again.headers["Idempotency-Replayed"] == "true"
    assert again.content == first.content and b"\0" in again.content
    for name in ("Content-Type", "Inference-Header-Content-Length"):
        assert again.headers[name] == first.headers[name]


def test_the_same_call_is_charged_once(buyer, market):
    key = {"Idempotency-Key": "one"}
    with costs(buyer, 1):
        first = infer(buyer, market["affine"], ONE, headers=key)
        again = buyer.session.post(f"/v2/models/{market['affine']}/infer", json={"inputs": ONE}, headers=key)
        assert again.json() == first and again.headers["Idempotency-Replayed"] == "true"
        other = [tensor("x", "FP32", [1, 3], [9, 9, 9])]
        says(infer(buyer, market["affine"], other, 400, headers=key), "another request")


def test_an_answer_too_large_to_keep_is_still_charged_once(buyer, market):
    key = {"Idempotency-Key": "large"}
    rows = [tensor("extents", "INT64", [2], [300_000, 1])]
    with costs(buyer, 1):
        assert len(infer(buyer, market["filled"], rows, headers=key)["outputs"][0]["data"]) == 300_000
        says(infer(buyer, market["filled"], rows, 409, headers=key), "charged once", "too large")


def test_a_failed_call_frees_its_idempotency_key(buyer, market):
    key = {"Idempotency-Key": "fails"}
    with costs(buyer, 0):
        for _ in range(2):
            says(infer(buyer, market["filled"], [tensor("extents", "INT64", [2], [10**9, 1])], 422, headers=key), "cannot")


# ---- who may


@pytest.fixture(scope="module")
def operations(server):
    """Every operation that names a model, from the document that the server publishes."""
    document = server.client().get("/openapi.json").json()
    found = [
        (method.upper(), path)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if operation["tags"] == ["inference"] and "{repo}" in path
    ]
    assert len(found) == 6
    return found


@pytest.mark.parametrize("role", ["developer", "platform"])
@pytest.mark.parametrize("slash", ["/", "%2F"])
def test_an_invisible_model_answers_like_an_absent_one(server, seller, operations, role, slash):
    secret = publish(seller, onnx_file.affine(), visibility="private")
    stranger, boss = User(server, role), User(server, "admin")
    for method, path in operations:
        answers = []
        for repo in (secret, secret[:-1] + "xy"):
            url = path.replace("{repo}", repo.replace("/", slash)).replace("{version}", "v1")
            body = {"json": {"inputs": ONE}} if method == "POST" else {}
            answers.append(stranger.request(method, url, **body))
            if repo == secret:
                assert seller.request(method, url, **body).status_code == 200
                assert boss.request(method, url, **body).status_code in (200, 402)
        assert [answer.status_code for answer in answers] == [404, 404], f"{method} {path}"
        assert answers[0].content == answers[1].content


def test_a_call_stands_in_the_access_log(server, seller):
    secret = publish(seller, onnx_file.affine(), visibility="private")
    seller.ask("POST", f"/v2/models/{secret}/infer", json={"inputs": ONE})
    seller.ask("POST", f"/v2/models/{secret}/infer", 400, json={"inputs": []})
    query = {"repo_id": secret, "event_type": "model_run"}
    statuses = lambda: sorted(row["status"] for row in admin(server, "GET", "/v1/admin/access-logs", params=query))
    until(lambda: statuses() == ["error", "ok"], "both calls are logged", 10)


def test_a_grant_to_run_lets_run_what_may_not_be_fetched(server, seller):
    secret = publish(seller, onnx_file.affine(), visibility="private")
    platform = User(server, "platform")
    platform.ask("POST", f"/v2/models/{secret}/infer", 404, json={"inputs": ONE})
    grant = {"platform_user_id": platform.id, "repo_id": secret, "permitted_from_ts": 1, "permissions": ["download"]}
    admin(server, "POST", "/v1/admin/grants", json=grant)
    says(platform.ask("POST", f"/v2/models/{secret}/infer", 403, json={"inputs": ONE}), "not authorized")
    admin(server, "POST", "/v1/admin/grants", json={**grant, "permissions": ["run"]})
    assert platform.ask("POST", f"/v2/models/{secret}/infer", json={"inputs": ONE})["outputs"] == TWICE_PLUS_ONE


# ---- workers


def run_slowly(buyer, market):
    """A call that is running; its thread puts the answer into the list."""
    found = []

    def call():
        with contextlib.suppress(Exception):
            found.append(
                buyer.session.post(
                    f"/v2/models/{market['looping']}/infer", json={"inputs": [tensor("times", "INT64", [], [2**60])]}
                )
            )

    thread = threading.Thread(target=call)
    thread.start()
    return thread, found


def gauge(server, name):
    text = server.client().get("/metrics").text
    return next(float(line.split()[-1]) for line in text.splitlines() if line.startswith(f"tollhouse_inference_{name} "))


def test_a_killed_worker_fails_its_call_alone(server, buyer, market):
    infer(buyer, market["looping"], [tensor("times", "INT64", [], [1])])
    with costs(buyer, 0):
        thread, found = run_slowly(buyer, market)
        until(lambda: gauge(server, "running") == 1, "the call runs", 10)
        for pid in server.workers():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        thread.join(20)
        assert found[0].status_code == 500
        says(found[0].json(), "ended its worker")
    with costs(buyer, 1):
        infer(buyer, market["looping"], [tensor("times", "INT64", [], [1])])


def test_a_client_that_hangs_up_ends_its_run_and_pays_nothing(server, buyer, market):
    body = b'{"inputs":[{"name":"times","datatype":"INT64","shape":[],"data":[1000000000000]}]}'
    with costs(buyer, 0):
        before = gauge(server, "running")
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(
                f"POST /v2/models/{market['looping']}/infer HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {buyer.token}\r\n"
                f"Content-Length: {len(body)}\r\n\r\n".encode() + body
            )
            until(lambda: gauge(server, "running") == before + 1, "the call runs", 10)
            began = time.monotonic()
        until(lambda: gauge(server, "running") == before, "the run ends", 10)
        assert time.monotonic() - began < INFERENCE["timeout"] - 0.5, "before its time is up"
        until(lambda: buyer.credits() == 1, "the credits are back", 10)


def test_a_worker_stays_warm_and_holds_one_model(start_server):
    server = start_server(**SETTINGS, inference={**INFERENCE, "workers": 1})
    market, buyer = Market(server), server.account(credits=1)
    for _ in range(5):
        infer(buyer, market["affine"], ONE)
    (first,) = server.workers()
    assert gauge(server, "workers_started_total") == 1 and gauge(server, "warm_workers") == 1
    infer(buyer, market["looping"], [tensor("times", "INT64", [], [1])])
    (second,) = server.workers()
    assert second != first and gauge(server, "workers_started_total") == 2


def test_calls_beyond_the_room_are_told_to_try_again(start_server):
    server = start_server(**SETTINGS, inference={**INFERENCE, "workers": 1, "queue": 1})
    market, first, second = Market(server), server.account(credits=1), server.account(credits=1)
    infer(first, market["looping"], [tensor("times", "INT64", [], [1])])
    running, _ = run_slowly(first, market)
    until(lambda: gauge(server, "running") == 1, "the call runs", 10)
    says(infer(first, market["affine"], ONE, 429), "too many calls")
    waiting, _ = run_slowly(second, market)
    until(lambda: gauge(server, "waiting") == 1, "the next one waits", 10)
    third = server.account(credits=1)
    answer = third.session.post(f"/v2/models/{market['affine']}/infer", json={"inputs": ONE})
    assert answer.status_code == 503 and int(answer.headers["Retry-After"]) >= 1
    running.join(20)
    waiting.join(20)
    assert (first.credits(), second.credits(), third.credits()) == (1 - PRICE, 1, 1)


@pytest.mark.parametrize("kill", [True, False])
def test_a_server_that_ends_in_mid_run_keeps_nobodys_credits(start_server, kill):
    server = start_server(**SETTINGS, inference=INFERENCE)
    market, buyer = Market(server), server.account(credits=1)
    infer(buyer, market["looping"], [tensor("times", "INT64", [], [1])])
    thread, _ = run_slowly(buyer, market)
    until(lambda: gauge(server, "running") == 1, "the call runs", 10)
    assert buyer.credits() == pytest.approx(1 - PRICE), "a call costs nothing before its outputs are there"
    server.restart(kill=kill)
    thread.join(20)
    until(lambda: not server.followers(), "no worker outlives the server", 10)
    assert buyer.credits() == pytest.approx(1 - PRICE)


@pytest.mark.fault
def test_a_server_that_stops_does_not_wait_for_a_long_run(start_server):
    server = start_server(**SETTINGS, inference={**INFERENCE, "timeout": 600})
    market, buyer = Market(server), server.account(credits=1)
    thread, found = run_slowly(buyer, market)
    until(lambda: gauge(server, "running") == 1, "the call runs", 10)
    assert server.stop(25) == 0
    thread.join(20)
    assert found[0].status_code == 503


def test_calls_that_share_a_run_get_what_they_would_have_got_alone(start_server):
    server = start_server(**SETTINGS, inference={**INFERENCE, "workers": 1, "queue": 16, "batch": 8, "batch_delay": 200})
    market, buyers = Market(server), [server.account(credits=1) for _ in range(2)]
    repo = market["affine"]
    infer(buyers[0], repo, ONE)
    found = {}

    def call(i):
        rows = i // 2 + 1
        data = [float(i * 10 + j) for j in range(3 * rows)]
        found[i] = (data, infer(buyers[i % 2], repo, [tensor("x", "FP32", [rows, 3], data)])["outputs"][0])

    threads = [threading.Thread(target=call, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for data, output in found.values():
        assert output == tensor("y", "FP32", [len(data) // 3, 3], [2 * v + 1 for v in data])
    assert len(found) == 4 and gauge(server, "batched_total") >= 2
    assert [buyer.credits() for buyer in buyers] == [pytest.approx(1 - PRICE * 3), pytest.approx(1 - PRICE * 2)]
