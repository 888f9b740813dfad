"""The numbered acceptance lines of the deployments contract, written from its document alone."""

import json
import re
import socket
import sqlite3
import time

import pytest
import requests

from support.accounts import Client
from support.checks import show
from support.deployments import ECHO, ENDED, FIND_TOTAL, KEY, Organisation, attrs, errors, unused_id
from support.elsewhere import Elsewhere
from support.polling import until


@pytest.fixture(scope="module")
def elsewhere():
    server = Elsewhere()
    yield server
    server.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("root")


@pytest.fixture(scope="module")
def settings(elsewhere, folder):
    return {
        "egress": {"allow": [f"127.0.0.1:{elsewhere.port}"]},
        "folders": {"roots": [f"out={folder}"]},
        "workflows": {"workers": 8},
    }


@pytest.fixture(scope="module")
def org(server):
    return Organisation(server.account(credits=100))


@pytest.fixture(scope="module")
def inv(org):
    return org.deploy(api_name="inv", deployment_type="ETL")


@pytest.fixture(scope="module")
def slow(org, elsewhere):
    return org.deploy(org.workflow(elsewhere.steps("/slow/5")))


def items(answer):
    return answer.json()["message"]["result"]


def test_1_a_deployment_is_made_and_says_what_it_is(org):
    workflow = org.workflow()
    answer = org.try_deploy(api_name="first", workflow=workflow, deployment_type="ETL")
    assert answer.status_code == 201, show(answer)
    made = answer.json()
    assert (made["api_name"], made["workflow"], made["deployment_type"]) == ("first", workflow, "ETL")
    assert made["id"] and KEY.match(made["api_key"])
    assert answer.headers["Cache-Control"] == "no-store", "an answer with a secret is kept by nobody"


def test_2_keys_have_the_documented_form_and_are_different(org):
    keys = {org.deploy().key for _ in range(3)}
    assert len(keys) == 3 and all(KEY.match(key) for key in keys)


def test_3_task_is_a_type_in_any_case(org):
    for kind in ("TASK", "Task"):
        assert org.deploy(deployment_type=kind).made["deployment_type"] == "TASK"


def test_4_what_is_wrong_with_a_deployment_is_named(org):
    workflow = org.workflow()
    for fields, attr in (
        ({"workflow": workflow, "deployment_type": "FOO"}, "deployment_type"),
        ({}, "workflow"),
        ({"workflow": unused_id()}, "workflow"),
    ):
        answer = org.try_deploy(api_name="never", **fields)
        assert answer.status_code == 400 and answer.json()["type"] == "validation_error", show(answer)
        assert attrs(answer) == [attr], show(answer)
    assert errors(org.try_deploy(api_name="never", workflow=workflow, deployment_type="FOO"))[0]["detail"] == '"FOO" is not a valid choice.'


def test_5_the_list_shows_it_without_its_key(org, inv):
    answer = org.manage.get(org.deployments, params={"page_size": 1000})
    assert answer.status_code == 200
    assert "inv" in [one["api_name"] for one in answer.json()["results"]]
    assert inv.key not in answer.text


def test_6_strangers_see_nothing(server, org, inv):
    assert Client(server).get(org.deployments).status_code == 401
    answer = server.account().session.get(org.deployments)
    assert answer.status_code == 404 and "inv" not in answer.text, show(answer)


def test_7_a_change_is_seen_and_shows_no_key(org):
    deployment = org.deploy()
    answer = org.manage.put(deployment.path, json={"description": "new", "rate_limit_per_minute": 7})
    assert answer.status_code == 200, show(answer)
    read = org.manage.get(deployment.path)
    assert (read.json()["description"], read.json()["rate_limit_per_minute"]) == ("new", 7)
    assert deployment.key not in answer.text + read.text
    assert org.manage.put(deployment.path, json=read.json()).status_code == 200, "a body that was read can be put back"


def test_8_an_unknown_id_is_404(org):
    path = f"{org.deployments}{unused_id()}/"
    assert org.manage.put(path, json={}).status_code == 404
    assert org.manage.delete(path).status_code == 404


def test_9_execute_answers_with_an_execution_id(inv):
    answer = inv.client.post(inv.execute_path, json={"input_data": {"text": "Total: 42"}, "parameters": {}})
    assert 200 <= answer.status_code < 300 and answer.json()["execution_id"], show(answer)


def test_10_execute_answers_within_a_second_whatever_the_steps_take(slow):
    slow.started()  # warm
    began = time.monotonic()
    answer = slow.execute("Total: 42")
    assert answer.status_code == 202 and time.monotonic() - began < 1, show(answer)


def test_11_without_a_header_there_is_no_execution(server, inv):
    before = inv.executions()
    answer = inv.execute("Total: 42", client=Client(server))
    assert answer.status_code == 401 and inv.executions() == before
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_12_an_unknown_bearer_is_401(server, inv):
    answer = inv.execute("x", client=Client(server, "unst_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-2MUayO"))
    assert answer.status_code == 401, "the published vector is well formed and belongs to nobody"
    assert errors(answer) == [{"code": "error", "detail": "Unauthorized", "attr": None}]


def test_13_keys_of_two_deployments_do_not_mix(org, inv):
    other = org.deploy()
    assert inv.execute("x", client=other.client).status_code == 401


def test_14_a_changed_character_is_the_same_401_and_not_echoed(server, inv):
    changed = inv.key[:-1] + ("a" if inv.key[-1] != "a" else "b")
    answer = Client(server, changed).post(f"/deployment/{changed}/", json={})
    unknown = Client(server, "unst_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-2MUayO")
    same = unknown.post("/deployment/unst_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-2MUayO/", json={})
    assert answer.status_code == 401 and answer.content == same.content
    assert changed not in answer.text + str(answer.headers)


def test_15_the_status_is_there_at_once(inv):
    execution = inv.started()
    answer = inv.status(execution)
    assert answer.status_code == 200 and answer.json()["execution_id"] == execution and answer.json()["status"]


def test_16_a_terminal_status_never_changes(inv):
    execution = inv.started()
    order = ["PENDING", "EXECUTING", "COMPLETED"]
    seen = []

    def ended():
        seen.append(inv.status(execution).json()["status"])
        return seen[-1] in ENDED

    until(ended, "the execution ends")
    assert [order.index(one) for one in seen] == sorted(order.index(one) for one in seen), seen
    assert {inv.status(execution).json()["status"] for _ in range(3)} == {"COMPLETED"}


def test_17_the_result_is_what_the_input_says(org):
    echo = org.deploy(org.workflow(ECHO))
    for number in ("42", "43"):
        execution = echo.started(f"Total: {number}")
        echo.wait(execution)
        answer = echo.result(execution)
        assert answer.status_code == 200 and items(answer)[0]["result"]["output"] == f"Total: {number}", show(answer)


def test_18_a_result_can_be_read_again(inv):
    execution = inv.started()
    inv.wait(execution)
    assert inv.result(execution).json() == inv.result(execution).json()


def test_19_a_running_execution_has_a_status_and_no_result(slow):
    execution = slow.started()
    answer = slow.result(execution)
    assert answer.status_code == 202 and answer.json()["status"] in ("PENDING", "EXECUTING")
    assert answer.json()["message"]["result"] is None and answer.headers["Retry-After"] == "1"
    slow.cancel(execution)


def test_20_unknown_ids_are_404(inv):
    for execution in (unused_id(), "not-an-id"):
        assert inv.status(execution).status_code == 404
        assert inv.result(execution).status_code == 404


def test_21_another_deployments_key_sees_no_execution(org, inv):
    execution = inv.started()
    other = org.deploy()
    assert other.status(execution).status_code == 404
    assert other.result(execution).status_code == 404
    assert other.status(execution).content == other.status(unused_id()).content


def test_22_bad_input_of_a_step_is_a_reasoned_failure(org):
    steps = [
        {"id": "in", "uses": "source.request"},
        {"id": "check", "uses": "validate.schema", "with": {"schema": {"type": "object", "required": ["n"]}, "target": "{{input}}"}},
        {"id": "out", "uses": "sink.response"},
    ]
    steps[1]["with"]["target"] = "{{steps.in.text}}"
    deployment = org.deploy(org.workflow(steps))
    ended = deployment.finished("no object")
    assert ended["status"] == "ERROR" and ended["message"]["error"], ended
    assert ended["message"]["result"][0]["status"] == "Failed" and ended["message"]["result"][0]["error"].startswith("check: schema_invalid: ")


def test_23_broken_json_is_400_and_nothing_runs(inv):
    before = inv.executions()
    answer = inv.client.post(inv.execute_path, data="{bad json", headers={"Content-Type": "application/json"})
    assert answer.status_code == 400 and inv.executions() == before
    assert answer.json() == {
        "type": "client_error",
        "errors": [{"code": "parse_error", "detail": "JSON parse error", "attr": None}],
    }


def test_24_the_input_schema_is_held_to(org):
    schema = {"type": "object", "properties": {"invoice_no": {"type": "string"}}, "required": ["invoice_no"]}
    deployment = org.deploy(org.workflow(input_schema=schema))
    for data in ({}, {"invoice_no": 7}):
        answer = deployment.execute(input_data=data)
        assert answer.status_code == 400 and "invoice_no" in answer.text, show(answer)
        assert attrs(answer) == ["input_data.invoice_no"], show(answer)
    assert deployment.executions() == 0
    assert 200 <= deployment.execute(input_data={"invoice_no": "A-1"}).status_code < 300


def test_25_files_over_the_limit_are_413_and_the_next_call_works(org):
    deployment = org.deploy(org.workflow(limits={"max_file_mb": 1}))

    def send(size):
        return deployment.client.post(deployment.execute_path, files={"files": ("a.txt", b"x" * size)})

    answer = send((1 << 20) + 1)
    assert answer.status_code == 413 and "1 MB" in errors(answer)[0]["detail"], show(answer)
    assert 200 <= send(1 << 20).status_code < 300


def test_26_the_time_limit_ends_an_execution_and_no_other(org, elsewhere):
    deployment = org.deploy(org.workflow(elsewhere.steps("/slow/5")), limits={"timeout_s": 1})
    execution = deployment.started()
    until(lambda: deployment.status(execution).json()["status"] != "PENDING", "it starts")
    began = time.monotonic()
    ended = deployment.wait(execution, 5)
    assert time.monotonic() - began < 3
    assert ended["status"] == "ERROR" and ended["message"]["error"] == "execution timed out after 1 s", ended
    assert org.deploy().finished()["status"] == "COMPLETED", "later executions run"


def test_27_a_hundred_calls_a_minute_and_not_one_more(org):
    deployment = org.deploy()
    answers = [deployment.execute() for _ in range(100)]
    assert {answer.status_code for answer in answers} <= {200, 202}
    assert answers[0].headers["X-RateLimit-Limit"] == "100" and answers[99].headers["X-RateLimit-Remaining"] == "0"
    refused = deployment.execute()
    assert refused.status_code == 429 and 1 <= int(refused.headers["Retry-After"]) <= 60, show(refused)
    assert errors(refused)[0]["code"] == "throttled"


def test_28_limits_are_a_deployments_own(org):
    limited, free = org.deploy(rate_limit_per_minute=3), org.deploy()
    assert all(limited.execute().status_code < 300 for _ in range(3))
    assert limited.execute().status_code == 429
    assert free.execute().status_code < 300
    limited.patch(rate_limit_per_minute=4)
    assert limited.execute().status_code < 300, "a changed limit holds for the next call"


def test_29_the_page_loads_from_here_alone_and_links_the_document(server, inv):
    for path in (f"/deployment/{inv.key}/docs/", f"/deployment/{inv.key}/docs"):
        page = Client(server).get(path)
        assert page.status_code == 200 and page.headers["Content-Type"].startswith("text/html")
        assert page.headers["Content-Security-Policy"].startswith("default-src 'self'")
        for address in re.findall(r'(?:src|href)="([^"]+)"', page.text):
            assert not re.match(r"[a-z]+:|//", address), f"{address} is not of this server"
        link = re.search(r'href="([^"]*openapi\.json)"', page.text).group(1)
        document = requests.get(requests.compat.urljoin(server.url + path, link), timeout=30)
        assert document.status_code == 200, "the link resolves"
    spec = document.json()
    assert spec["openapi"].startswith("3.1") and spec["info"]["title"] == "inv"
    assert set(spec["paths"]) >= {
        "/deployment/{api_key}/",
        "/deployment/{api_key}/status/{execution_id}/",
        "/deployment/{api_key}/result/{execution_id}/",
    }
    assert spec["components"]["securitySchemes"]["bearerAuth"] == {"type": "http", "scheme": "bearer"}
    assert inv.key not in document.text
    asked = Client(server).get(f"/deployment/{inv.key}/docs/", headers={"Accept": "application/json"})
    assert asked.json() == spec


def test_29_the_document_is_valid(server, inv):
    validator = pytest.importorskip("openapi_spec_validator", reason="openapi-spec-validator is not installed")
    validator.validate(Client(server).get(f"/deployment/{inv.key}/openapi.json").json())


def test_30_documents_hold_their_own_input_schemas(server, org):
    seen = []
    for name in ("invoice_no", "order_no"):
        schema = {"type": "object", "properties": {name: {"type": "string"}}, "required": [name]}
        deployment = org.deploy(org.workflow(input_schema=schema))
        spec = Client(server).get(f"/deployment/{deployment.key}/openapi.json").json()
        assert spec["components"]["schemas"]["InputData"] == schema
        seen.append(spec)
    assert seen[0] != seen[1]


def test_31_a_rotated_key_dies_now_or_after_its_grace(server, org):
    deployment = org.deploy()
    execution = deployment.started()
    answer = org.manage.post(f"{deployment.key_path()}rotate/", json={})
    assert answer.status_code == 200 and KEY.match(answer.json()["api_key"]), show(answer)
    old, new = deployment.key, answer.json()["api_key"]
    assert deployment.execute("x").status_code == 401
    deployment.use(new)
    assert deployment.status(execution).status_code == 200, "earlier executions are readable"
    listed = org.manage.get(f"{deployment.path}keys/").text
    assert new not in listed and old not in listed
    answer = org.manage.post(f"{deployment.key_path()}rotate/", json={"grace_seconds": 2})
    assert answer.status_code == 200, show(answer)
    assert deployment.status(execution).status_code == 200, "the old one works during its grace"
    newest = answer.json()["api_key"]
    until(lambda: deployment.status(execution).status_code == 401, "the grace ends", 5)
    deployment.use(newest)
    assert deployment.status(execution).status_code == 200


def test_32_a_revoked_key_opens_nothing(server, org):
    deployment = org.deploy()
    execution = deployment.started()
    assert org.manage.post(f"{deployment.key_path()}revoke/").status_code == 200
    docs = Client(server).get(f"/deployment/{deployment.key}/docs/")
    for answer in (deployment.execute("x"), deployment.status(execution), deployment.result(execution), docs):
        assert answer.status_code == 401, show(answer)
    assert org.manage.get(deployment.path).status_code == 200, "the deployment is still there"


def test_33_a_key_expires(org):
    ends = time.time() + 2
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ends)) + f".{int(ends % 1 * 1000):03d}Z"
    deployment = org.deploy(expires_at=stamp)
    assert deployment.execute("x").status_code < 300
    until(lambda: deployment.execute("x").status_code == 401, "the key expires", 5)


def test_34_addresses_are_held_to_and_cannot_be_forged(org):
    deployment = org.deploy(allowed_ips=["10.0.0.0/8"])
    refused = deployment.execute("x")
    assert refused.status_code == 403 and errors(refused)[0]["code"] == "ip_not_allowed", show(refused)
    forged = deployment.client.post(deployment.execute_path, json={}, headers={"X-Forwarded-For": "10.1.2.3"})
    assert forged.status_code == 403
    for rules in (["127.0.0.0/8"], []):
        deployment.patch(allowed_ips=rules)
        assert deployment.execute("x").status_code < 300


def test_34_ipv6_rules_hold_for_ipv6(start_server):
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            pytest.skip("there is no IPv6 here")
    server = start_server(operator=False)
    server.stop()
    server.process = None
    # The same data, heard on both.
    import subprocess
    from support.server import BINARY

    command = [str(BINARY), "serve", "--listen", f"[::]:{server.port}", *server.arguments()]
    with open(server.log_path, "ab") as log:
        server.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    until(server.is_ready, f"the server answers on [::]: {server.log()[-1000:]}")
    deployment = Organisation(server.account()).deploy(allowed_ips=["::1/128"])
    address = f"http://[::1]:{server.port}{deployment.execute_path}"
    headers = {"Authorization": f"Bearer {deployment.key}"}
    assert requests.post(address, json={}, headers=headers, timeout=30).status_code < 300
    assert deployment.execute("x").status_code == 403, "127.0.0.1 is not ::1"


def test_35_usage_is_what_was_used(org, elsewhere):
    schema = {"type": "object", "properties": {"total": {"type": "integer"}}, "required": ["total"]}
    steps = [
        {"id": "in", "uses": "source.request"},
        {"id": "ask", "uses": "extract.llm", "with": {"base_url": elsewhere.url + "/v1", "model": "small", "prompt": "What is the total?", "schema": schema, "repair_attempts": 0}},
        {"id": "small", "uses": "validate.schema", "with": {"schema": {"properties": {"total": {"maximum": 100}}}, "target": "{{steps.ask}}"}},
        {"id": "out", "uses": "sink.response"},
    ]
    deployment = org.deploy(org.workflow(steps))
    for _ in range(4):
        assert deployment.finished()["status"] == "COMPLETED"
    elsewhere.reply = '{"total": 4200}'
    try:
        assert deployment.finished()["status"] == "ERROR"
    finally:
        elsewhere.reply = '{"total": 42}'
    usage = deployment.usage()
    assert usage["requests"] == 5 and usage["error_rate"] == 0.2, usage
    assert usage["execution_time_ms"]["p50"] > 0 and usage["completed"] == 4 and usage["errors"] == 1
    calls = sum(1 for path, _, _ in elsewhere.calls if path.endswith("/chat/completions"))
    assert usage["tokens"]["total"] == calls * 18 == usage["tokens"]["by_model"][0]["total"], usage["tokens"]
    assert len(usage["daily"]) == 30 and usage["daily"][-1]["requests"] == 5


def test_36_no_key_is_in_the_data_or_the_log(server, org):
    deployment = org.deploy()
    headers = {"Idempotency-Key": "once"}
    first = deployment.client.post(deployment.execute_path, json={}, headers=headers)
    again = deployment.client.post(deployment.execute_path, json={}, headers=headers)
    assert again.headers["Idempotency-Replayed"] == "true" and again.json() == first.json(), "the address is given again"
    Client(server, deployment.key).get(f"/deployment/{deployment.key}/status/{unused_id()}/")
    Client(server, deployment.key).get(f"/deployment/{deployment.key}/nothing/here")
    deployment.client.post(deployment.execute_path, data="{bad", headers={"Content-Type": "application/json"})
    time.sleep(1.2)  # the log is written once a second
    assert server.bytes_on_disk(deployment.key.encode()) == []
    assert deployment.key not in server.log() and "unst_***" in server.log()


def test_37_a_killed_server_goes_on_where_it_was(start_server, elsewhere):
    server = start_server(egress={"allow": [f"127.0.0.1:{elsewhere.port}"]})
    org = Organisation(server.account())
    done, slow = org.deploy(), org.deploy(org.workflow(elsewhere.steps("/slow/3")))
    finished = done.started()
    done.wait(finished)
    before = done.result(finished).json()
    execution = slow.started()
    until(lambda: slow.status(execution).json()["status"] == "EXECUTING", "it runs")
    server.restart(kill=True)
    assert done.result(finished).json() == before, "finished results are readable"
    assert slow.wait(execution, 60)["status"] == "COMPLETED", "the key works and the execution ends"


def test_38_an_etl_workflow_writes_one_row_an_item(org, folder):
    steps = [
        {"id": "in", "uses": "source.request"},
        {"id": "row", "uses": "transform.map", "with": {"output": {"text": "{{steps.in.text}}"}}},
        {"id": "db", "uses": "sink.sql", "with": {"driver": "sqlite", "root": "out", "database": "rows.db", "table": "found"}},
    ]
    deployment = org.deploy(org.workflow(steps, type="ETL"), deployment_type="ETL")
    for _ in range(2):
        files = [("files", (f"{name}.txt", name.encode())) for name in ("a", "b", "c")]
        answer = deployment.client.post(deployment.execute_path, files=files, data={"timeout": "20"})
        assert answer.status_code == 200 and answer.json()["status"] == "COMPLETED", show(answer)
    with sqlite3.connect(folder / "rows.db") as database:
        rows = database.execute("SELECT file_path, count(*) FROM found GROUP BY 1 ORDER BY 1").fetchall()
    assert rows == [("a.txt", 1), ("b.txt", 1), ("c.txt", 1)], rows


def test_38_a_task_workflow_gives_its_one_result(org):
    deployment = org.deploy(org.workflow(FIND_TOTAL, type="TASK"), deployment_type="TASK")
    result = deployment.finished()["message"]["result"]
    assert [item["result"]["output"] for item in result] == [{"found": "Total: 42"}]


def test_39_a_script_that_knows_endpoint_token_and_organisation_runs(server, org, inv):
    unstract = {"endpoint": server.url, "authentication": {"type": "bearer", "token": inv.key}, "organization_id": org.id}
    endpoint, token = unstract["endpoint"], unstract["authentication"]["token"]
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    response = requests.post(f"{endpoint}/deployment/{token}/", headers=headers, json={"input_data": {"text": "Total: 42"}, "parameters": {}}, timeout=30)
    execution_id = response.json()["execution_id"]
    status = until(
        lambda: (now := requests.get(f"{endpoint}/deployment/{token}/status/{execution_id}", headers=headers, timeout=30).json())
        and now["status"] in ENDED and now,
        "it ends",
    )
    assert status["status"] == "COMPLETED"
    results = requests.get(f"{endpoint}/deployment/{token}/result/{execution_id}", headers=headers, timeout=30)
    assert results.status_code == 200 and "42" in json.dumps(results.json())


def test_40_a_deleted_deployment_is_gone_and_its_name_free(org):
    deployment = org.deploy(api_name="short-lived")
    deployment.wait(deployment.started())
    assert org.manage.delete(deployment.path).status_code == 204
    assert org.manage.get(deployment.path).status_code == 404
    assert deployment.execute("x").status_code == 401
    assert org.manage.get(f"{org.base}/execution/", params={"deployment": deployment.id}).json()["count"] == 1, "history is kept"
    org.deploy(api_name="short-lived")
