"""Rules of the deployments contract beyond its acceptance lines: the original system's API, order of checks, keys, members, pages,
repetition, and who sees what."""

import concurrent.futures
import json
import socket
import struct
import time

import pytest

from support.accounts import Client
from support.checks import show
from support.deployments import ECHO, Organisation, attrs, errors, unused_id
from support.elsewhere import Elsewhere
from support.polling import until


@pytest.fixture(scope="module")
def elsewhere():
    server = Elsewhere()
    yield server
    server.close()


@pytest.fixture(scope="module")
def settings(elsewhere):
    return {
        "egress": {"allow": [f"127.0.0.1:{elsewhere.port}"]},
        "deployments": {"presigned_hosts": [f"127.0.0.1:{elsewhere.port}"]},
    }


@pytest.fixture(scope="module")
def org(server):
    return Organisation(server.account(credits=100))


@pytest.fixture(scope="module")
def echo(org):
    return org.deploy(org.workflow(ECHO), api_name="echo", rate_limit_per_minute=10_000)


def compat_started(deployment, **options):
    options.setdefault("files", [("files", ("a.txt", b"Total: 42"))])
    answer = deployment.client.post(deployment.compat, **options)
    assert answer.status_code == 200, show(answer)
    return answer.json()


def read(deployment, execution, **query):
    return deployment.client.get(deployment.compat, params={"execution_id": execution, **query})


# ---- the API of the original system


def test_a_compatible_call_answers_with_the_message_that_its_clients_know(echo, org):
    body = compat_started(echo)
    message = body["message"]
    assert list(message) == ["execution_id", "execution_status", "status_api", "error", "result"]
    assert message["status_api"] == f"/deployment/api/{org.id}/echo/?execution_id={body['execution_id']}"
    echo.wait(body["execution_id"])


def test_a_result_is_given_once_and_acknowledged(echo):
    execution = compat_started(echo)["execution_id"]
    echo.wait(execution)
    first = read(echo, execution)
    assert first.status_code == 200 and list(first.json()) == ["execution_id", "status", "error", "message"], show(first)
    assert first.json()["message"][0]["result"]["output"] == "Total: 42"
    again = read(echo, execution)
    assert again.status_code == 406 and again.json()["message"] == "Result already acknowledged", show(again)
    assert echo.result(execution).status_code == 200, "the documented family is not affected"


def test_of_parallel_first_reads_exactly_one_gets_the_result(echo):
    execution = compat_started(echo)["execution_id"]
    echo.wait(execution)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        seen = sorted(pool.map(lambda _: Client(echo.server, echo.key).get(echo.compat, params={"execution_id": execution}).status_code, range(8)))
    assert seen == [200] + [406] * 7


def test_a_head_acknowledges_nothing(echo):
    execution = compat_started(echo)["execution_id"]
    echo.wait(execution)
    assert echo.client.head(echo.compat, params={"execution_id": execution}).status_code == 200
    assert read(echo, execution).status_code == 200


def test_documented_reads_acknowledge_nothing(echo):
    execution = echo.started()
    echo.wait(execution)
    assert echo.result(execution).status_code == 200
    assert read(echo, execution).status_code == 200


def test_a_call_that_waits_for_the_end_acknowledges_it(echo):
    body = compat_started(echo, data={"timeout": "20"})
    assert body["status"] == "COMPLETED" and body["message"]["result"][0]["result"]["output"] == "Total: 42"
    assert read(echo, body["execution_id"]).status_code == 406


def test_results_can_be_read_again_where_that_is_switched_on(org):
    deployment = org.deploy(org.workflow(ECHO), compat_reread=True)
    execution = compat_started(deployment)["execution_id"]
    deployment.wait(execution)
    assert [read(deployment, execution).status_code for _ in range(3)] == [200, 200, 200]


def test_the_compatible_order_of_refusals(server, org, echo):
    other, off = org.deploy(), org.deploy(is_active=False)
    stranger = Organisation(server.account()).deploy()
    bare = Client(server)
    for answer, status, detail in (
        (bare.post(echo.compat), 403, "Missing api key"),
        (bare.post(echo.compat, headers={"Authorization": "Basic eDp5"}), 403, "Missing api key"),
        (Client(server, "unst_bad").post(echo.compat), 401, "Unauthorized"),
        (stranger.client.post(echo.compat), 404, "API not found"),
        (echo.client.post(f"/deployment/api/{org.id}/nothing/"), 404, "API not found"),
        (off.client.post(off.compat), 404, "API not found or Inactive"),
        (other.client.post(echo.compat), 401, "Unauthorized"),
        (off.execute("x"), 404, "API not found or Inactive"),
    ):
        assert (answer.status_code, errors(answer)[0]["detail"]) == (status, detail), show(answer)


def test_ids_that_are_none_are_named(echo):
    for query, code in (({}, "required"), ({"execution_id": "x"}, "invalid")):
        answer = echo.client.get(echo.compat, params=query)
        assert answer.status_code == 400 and (errors(answer)[0]["attr"], errors(answer)[0]["code"]) == ("execution_id", code)
    unknown = unused_id()
    answer = read(echo, unknown)
    assert answer.status_code == 404 and errors(answer)[0]["detail"] == f"Execution with ID '{unknown}' does not exist."


def test_a_call_without_a_file_is_refused_as_before(echo):
    answer = echo.client.post(echo.compat, data={"timeout": "1"})
    assert answer.status_code == 400 and attrs(answer) == ["non_field_errors"], show(answer)
    assert errors(answer)[0]["detail"] == "You must provide at least one file or presigned URL."


# ---- calls


def test_every_part_is_an_item_even_with_equal_names_and_bytes(echo):
    files = [("files", ("a.txt", b"one")), ("file", ('q"uo te.txt', b"one")), ("files[]", ("ä.txt", b"two"))]
    answer = echo.client.post(echo.execute_path, files=files, data={"timeout": "20", "include_metadata": "True"})
    assert answer.status_code == 200, show(answer)
    items = answer.json()["message"]["result"]
    assert [item["result"]["output"] for item in items] == ["one", "one", "two"]
    assert items[0]["metadata"]["source_hash"] == items[1]["metadata"]["source_hash"]
    assert items[2]["file"] == "ä.txt" and items[0]["metadata"]["usage"]["total_tokens"] == 0
    assert items[0]["result"]["metadata"] == {"extraction_llm": [], "embedding": []}


def test_a_urlencoded_form_is_read(echo):
    answer = echo.client.post(echo.execute_path, data={"input_data": '{"text": "a+b"}', "timeout": "20"})
    assert answer.status_code == 200 and answer.json()["message"]["result"][0]["result"]["output"] == "a+b", show(answer)


def test_parameters_of_the_deployment_lie_under_those_of_the_call(org):
    steps = [
        {"id": "in", "uses": "source.request"},
        {"id": "map", "uses": "transform.map", "with": {"output": ["{{parameters.a}}", "{{parameters.b}}", "{{custom_data.c}}"]}},
        {"id": "out", "uses": "sink.response"},
    ]
    deployment = org.deploy(org.workflow(steps), parameters={"a": 1, "b": {"x": 1}})
    answer = deployment.execute("x", parameters={"b": 2}, custom_data={"c": 3}, timeout=20)
    assert answer.json()["message"]["result"][0]["result"]["output"] == [1, 2, 3], show(answer)


def test_a_wait_ends_with_the_execution_and_holds_nobody_up(org, elsewhere):
    deployment = org.deploy(org.workflow(elsewhere.steps("/slow/1")))
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        calls = [pool.submit(lambda: Client(deployment.server, deployment.key).post(deployment.execute_path, json={"input_data": {"text": "x"}, "timeout": 60})) for _ in range(12)]
        time.sleep(0.3)
        began = time.monotonic()
        assert org.manage.get(deployment.path).status_code == 200
        assert time.monotonic() - began < 1, "nobody waits for those who wait"
        for call in calls:
            assert call.result().status_code == 200 and call.result().json()["status"] == "COMPLETED"
    began = time.monotonic()
    answer = deployment.execute("x", timeout=1)
    assert answer.status_code in (200, 202) and time.monotonic() - began < 5


def test_a_cancelled_execution_stops_and_says_so_again(org, elsewhere):
    deployment = org.deploy(org.workflow(elsewhere.steps("/slow/20")))
    execution = deployment.started()
    assert deployment.cancel(execution).status_code == 202
    ended = deployment.wait(execution, 5)
    assert ended["status"] == "STOPPED" and ended["message"]["error"]
    assert deployment.cancel(execution).status_code == 200
    done = org.deploy()
    finished = done.started()
    done.wait(finished)
    answer = done.cancel(finished)
    assert answer.status_code == 409 and errors(answer)[0]["code"] == "execution_finished"


def test_a_repeated_call_is_one_call(echo):
    before = echo.executions()
    headers = {"Idempotency-Key": "again"}
    first = echo.client.post(echo.execute_path, json={"input_data": {"text": "a"}}, headers=headers)
    second = echo.client.post(echo.execute_path, json={"input_data": {"text": "a"}}, headers=headers)
    assert second.headers["Idempotency-Replayed"] == "true" and second.content == first.content
    other = echo.client.post(echo.execute_path, json={"input_data": {"text": "b"}}, headers=headers)
    assert other.status_code == 422 and errors(other)[0]["code"] == "idempotency_mismatch"
    files = {"Idempotency-Key": "files"}
    sent = [echo.client.post(echo.execute_path, files=[("files", ("a.txt", b"x"))], headers=files) for _ in range(2)]
    assert sent[0].json() == sent[1].json()
    assert echo.executions() == before + 2


def test_a_replayed_deployment_shows_no_key(org):
    workflow = org.workflow()
    headers = {"Idempotency-Key": "deployment"}
    body = {"api_name": "replayed", "workflow": workflow}
    first = org.manage.post(org.deployments, json=body, headers=headers).json()
    again = org.manage.post(org.deployments, json=body, headers=headers)
    assert again.status_code == 201 and again.json() == {**first, "api_key": None}


def test_the_path_key_is_enough_only_where_that_is_switched_on(server, org):
    deployment = org.deploy(org.workflow(ECHO))
    bare = Client(server)
    assert deployment.execute("x", client=bare).status_code == 401
    deployment.patch(allow_path_key=True)
    assert deployment.execute("x", client=bare).status_code == 202


def test_a_key_in_the_path_must_agree_however_it_is_spelled(server, echo):
    for path in ("/%64eployment/unst_anything/", f"/%64eployment/{echo.key[:-1]}x/", "/deployment/%75nst_anything/"):
        assert echo.client.post(path, json={}).status_code == 401, path
    assert echo.client.post(f"/deployment/%75{echo.key[1:]}/", json={}).status_code == 202, "the same key, spelled otherwise"


def test_parallel_calls_do_not_pass_the_limit(org):
    deployment = org.deploy(rate_limit_per_minute=10)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(lambda _: Client(deployment.server, deployment.key).post(deployment.execute_path, json={}).status_code, range(24)))
    assert (seen.count(202), seen.count(429)) == (10, 14), seen


def test_a_result_that_could_not_be_sent_has_not_been_read(org):
    deployment = org.deploy(org.workflow(ECHO))
    execution = compat_started(deployment, files=[("files", ("a.txt", b"x" * (4 << 20)))])["execution_id"]
    deployment.wait(execution)
    with socket.create_connection(("127.0.0.1", deployment.server.port)) as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raw.sendall(f"GET {deployment.compat}?execution_id={execution} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {deployment.key}\r\n\r\n".encode())
        assert raw.recv(12) == b"HTTP/1.1 200"
    until(lambda: read(deployment, execution).status_code == 200, "the claim is given back", 10)


def test_a_stopping_server_lets_those_who_wait_go(start_server, elsewhere):
    server = start_server(egress={"allow": [f"127.0.0.1:{elsewhere.port}"]})
    deployment = Organisation(server.account()).deploy()
    slow = deployment.organisation.deploy(deployment.organisation.workflow(elsewhere.steps("/slow/30")))
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(slow.execute, "x", timeout=120)
        until(lambda: slow.executions() == 1, "it is accepted")
        began = time.monotonic()
        assert server.stop(20) == 0 and time.monotonic() - began < 15
        assert waiting.result().status_code == 202, "an answer, not a cut"


def test_a_deep_input_is_taken_and_a_deeper_one_is_none(echo):
    def nested(depth):
        return json.loads("[" * depth + "]" * depth)

    assert echo.execute(input_data={"text": "a", "deep": nested(50)}).status_code == 202
    answer = echo.execute(input_data={"text": "a", "deep": nested(70)})
    assert answer.status_code == 400 and errors(answer)[0]["code"] == "parse_error"


def test_presigned_urls_are_fetched_before_the_call_is_accepted(echo, elsewhere):
    elsewhere.files["a.txt"] = b"from elsewhere"
    answer = echo.client.post(echo.compat, json={"presigned_urls": [f"{elsewhere.url}/files/a.txt?X-Amz-Signature=1"], "timeout": 20})
    assert answer.status_code == 200, show(answer)
    item = answer.json()["message"]["result"][0]
    assert (item["file"], item["result"]["output"]) == ("a.txt", "from elsewhere")
    for url, status in ((f"{elsewhere.url}/files/none", 400), ("https://evil.example/x", 400), ("http://127.0.0.1:1/x", 400)):
        answer = echo.client.post(echo.compat, json={"presigned_urls": [url]})
        assert answer.status_code == status and errors(answer)[0]["attr"].startswith("presigned_urls"), show(answer)


def test_refused_calls_are_counted_as_refused(org):
    deployment = org.deploy(rate_limit_per_minute=3)
    deployment.wait(deployment.started())
    assert deployment.execute(timeout=999).status_code == 400
    assert deployment.client.post(deployment.execute_path, data="<a/>", headers={"Content-Type": "application/xml"}).status_code == 415
    assert deployment.execute().status_code == 429
    usage = deployment.usage(days=1)
    assert (usage["requests"], usage["rejected"], usage["throttled"], usage["completed"]) == (4, 2, 1, 1), usage


def test_a_call_that_cannot_be_paid_starts_nothing(org):
    usage = org.deploy().usage(days=366)
    assert usage["type"] == "validation_error" and usage["errors"][0]["attr"] == "days"


# ---- management


def test_paths_answer_with_and_without_a_slash_and_name_their_methods(org, echo):
    for path in (org.deployments, org.deployments.rstrip("/"), echo.path, echo.path.rstrip("/")):
        assert org.manage.get(path).status_code == 200
    answer = org.manage.delete(org.deployments)
    assert answer.status_code == 405 and errors(answer)[0]["detail"] == 'Method "DELETE" not allowed.'
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "POST"}
    assert org.manage.head(echo.path).status_code == 200


def test_lists_have_pages(server):
    org = Organisation(server.account())
    workflow = org.workflow()
    for number in range(5):
        org.deploy(workflow, api_name=f"page-{number}", display_name=f"Page {number}")
    page = org.manage.get(org.deployments, params={"page": 2, "page_size": 2}).json()
    assert page["count"] == 5 and [one["api_name"] for one in page["results"]] == ["page-2", "page-1"]
    assert "page=3" in page["next"] and "page=1" in page["previous"]
    assert org.manage.get(org.deployments, params={"page": 4, "page_size": 2}).status_code == 404
    assert org.manage.get(org.deployments, params={"page_size": 0}).status_code == 400
    assert org.manage.get(org.deployments, params={"search": "PAGE 3"}).json()["count"] == 1
    assert org.manage.get(org.deployments, params={"api_name": "page-1"}).json()["count"] == 1
    assert org.manage.get(org.deployments, params={"workflow": unused_id()}).json()["count"] == 0


def test_everything_wrong_with_a_body_is_said_at_once(org):
    answer = org.try_deploy(api_name="a b", display_name="x" * 65, description="<b>x</b>", rate_limit_per_minute=0, allowed_ips=["x", "::1"], is_active="perhaps", result_ttl_s=1)
    assert answer.status_code == 400
    assert set(attrs(answer)) == {"api_name", "workflow", "display_name", "description", "rate_limit_per_minute", "allowed_ips.0", "is_active", "result_ttl_s"}


def test_a_used_workflow_stays(org):
    workflow = org.workflow()
    deployment = org.deploy(workflow)
    path = f"{org.base}/workflow/{workflow}/"
    answer = org.manage.delete(path)
    assert answer.status_code == 409 and errors(answer)[0]["code"] == "workflow_in_use"
    org.manage.delete(deployment.path)
    assert org.manage.delete(path).status_code == 204 and org.manage.get(path).status_code == 404


def test_a_workflow_is_checked_whole_and_without_saving(org):
    body = {"name": "", "type": "ETL", "steps": [{"id": "a", "uses": "no.such"}, {"id": "a", "uses": "sink.response", "needs": ["b"]}]}
    answer = org.manage.post(f"{org.base}/workflow/", json=body)
    assert answer.status_code == 400 and len(errors(answer)) >= 4, show(answer)
    checked = org.manage.post(f"{org.base}/workflow/validate/", json=body)
    assert checked.status_code == 200 and checked.json() == {"valid": False, "errors": errors(answer)}
    good = {"name": "w", "type": "API", "steps": ECHO}
    assert org.manage.post(f"{org.base}/workflow/validate/", json=good).json() == {"valid": True, "errors": []}


def test_secrets_are_named_and_never_shown(server, org):
    path = f"{org.base}/secret/"
    assert org.manage.put(f"{path}TOKEN/", json={"value": "very-secret-value"}).status_code == 204
    listed = org.manage.get(path)
    assert {"name": "TOKEN"} in listed.json()["results"] and "very-secret" not in listed.text
    assert server.bytes_on_disk(b"very-secret-value") == [], "encrypted at rest"
    assert org.manage.delete(f"{path}TOKEN/").status_code == 204
    assert org.manage.delete(f"{path}TOKEN/").status_code == 404


def test_the_steps_there_are_say_whether_they_can_be_done(org):
    steps = {step["name"]: step for step in org.manage.get(f"{org.base}/step/").json()}
    assert steps["source.request"]["available"] is True and steps["sink.response"]["with"]["type"] == "object"


def test_the_history_shows_items_and_their_steps(org, echo):
    execution = echo.started(tags="blue")
    echo.wait(execution)
    detail = org.manage.get(f"{org.base}/execution/{execution}/").json()
    assert detail["status"] == "COMPLETED" and detail["tag"] == "blue"
    steps = {run["step"]: run for run in detail["items"][0]["steps"]}
    assert steps["in"]["status"] and set(steps["in"]) == {"step", "status", "attempt", "started_at", "ended_at", "error", "tokens", "bytes", "pages", "cost_micro"}
    listed = org.manage.get(f"{org.base}/execution/", params={"deployment": echo.id, "status": "COMPLETED"}).json()
    assert execution in [one["id"] for one in listed["results"]]
    assert org.manage.get(f"{org.base}/execution/", params={"status": "NONE"}).json()["count"] == 0


def test_a_management_key_manages_and_makes_no_keys(server, org):
    client = Client(server, org.management_key())
    workflow = client.post(f"{org.base}/workflow/", json={"name": "by key", "type": "API", "steps": ECHO})
    assert workflow.status_code == 201, show(workflow)
    made = client.post(org.deployments, json={"api_name": "by-key", "workflow": workflow.json()["id"]})
    assert made.status_code == 201 and made.json()["api_key"]
    for method, path in (("GET", f"{org.base}/api-keys/"), ("POST", f"{org.base}/api-keys/"), ("GET", f"{org.deployments}{made.json()['id']}/keys/")):
        answer = client.request(method, path, json={})
        assert answer.status_code == 403 and errors(answer)[0]["code"] == "permission_denied", show(answer)
    key = client.http.headers["Authorization"].split()[1]
    assert client.post(f"/deployment/{key}/", json={}).status_code == 401, "a wrong kind"
    assert Client(server, made.json()["api_key"]).get(org.deployments).status_code == 403, "a deployment key manages nothing"


def test_a_key_among_all_keys_names_its_deployment(server):
    org = Organisation(server.account())
    path = f"{org.base}/api-keys/"
    missing = org.manage.post(path, json={"name": "k"})
    assert missing.status_code == 400 and attrs(missing) == ["deployment"]
    deployment = org.deploy()
    made = org.manage.post(path, json={"name": "k", "allowed_ips": ["10.0.0.0/8"], "expires_in_days": 1}).json()
    assert made["deployment"] == deployment.id and made["kind"] == "deployment" and made["expires_at"].endswith("Z")
    assert made["masked"] == f"{made['api_key'][:9]}...{made['api_key'][-4:]}"
    refused = Client(server, made["api_key"]).post(f"/deployment/{made['api_key']}/", json={})
    assert refused.status_code == 403, "the key's own addresses count"
    assert org.manage.patch(f"{path}{made['id']}/", json={"allowed_ips": [], "name": "n"}).json()["name"] == "n"
    assert Client(server, made["api_key"]).post(f"/deployment/{made['api_key']}/", json={}).status_code == 202
    assert org.manage.delete(f"{path}{made['id']}/").status_code == 204
    assert Client(server, made["api_key"]).post(f"/deployment/{made['api_key']}/", json={}).status_code == 401
    assert made["id"] not in org.manage.get(path).text
    past = org.manage.post(path, json={"expires_at": "2020-01-01T00:00:00Z"}).json()
    assert past["is_active"] is False


def test_members_share_an_organisation_by_their_roles(server, org):
    member, viewer = server.account(), server.account()
    for account, role in ((member, "member"), (viewer, "viewer")):
        assert org.manage.post(f"{org.base}/member/", json={"email": account.email, "role": role}).status_code == 201
    listed = member.session.get("/unstract/api/v2/organization/").json()
    assert listed[0]["personal"] is True and {"id": org.id, "role": "member"}.items() <= listed[1].items()
    body = {"name": "shared", "type": "API", "steps": ECHO}
    assert member.session.post(f"{org.base}/workflow/", json=body).status_code == 201
    assert viewer.session.get(f"{org.base}/workflow/").status_code == 200
    refused = viewer.session.post(f"{org.base}/workflow/", json=body)
    assert refused.status_code == 403 and errors(refused)[0]["code"] == "permission_denied"
    assert member.session.post(f"{org.base}/member/", json={"email": viewer.email, "role": "member"}).status_code == 403
    assert org.manage.delete(f"{org.base}/member/{viewer.id}/").status_code == 204
    assert viewer.session.get(f"{org.base}/workflow/").status_code == 404
    owner = org.manage.delete(f"{org.base}/member/{org.account.id}/")
    assert owner.status_code == 409 and errors(owner)[0]["code"] == "owner_stays"


def test_the_organisation_header_must_agree(org):
    assert org.manage.get(org.deployments, headers={"X-Organization-Id": org.id.upper()}).status_code == 200
    assert org.manage.get(org.deployments, headers={"X-Organization-Id": unused_id()}).status_code == 403
    assert org.manage.get(f"/unstract/{org.id.upper()}/api/v2/api-deployment/").status_code == 200


def test_every_route_keeps_strangers_out_as_if_there_were_nothing(server, org, echo):
    """Every operation that the document knows, by nobody, by a stranger, and by the stranger where there is nothing at all."""
    document = server.client().get("/openapi.json").json()
    stranger = server.account()
    execution = echo.started()
    echo.wait(execution)
    own = {"org_id": org.id, "id": echo.id, "key_id": echo.keys()[0]["id"], "account_id": str(org.account.id), "name": "X"}
    absent = {**own, "org_id": unused_id(), "id": unused_id(), "key_id": unused_id()}
    checked = 0
    for path, operations in document["paths"].items():
        if not path.startswith("/unstract/{org_id}/"):
            continue
        for method in operations:
            def fill(values):
                filled = path
                for name, value in values.items():
                    filled = filled.replace("{" + name + "}", value)
                return filled

            nobody = Client(server).request(method.upper(), fill(own), json={})
            assert nobody.status_code == 401, f"{method} {path} by nobody: {show(nobody)}"
            foreign = stranger.session.request(method.upper(), fill(own), json={})
            nothing = stranger.session.request(method.upper(), fill(absent), json={})
            assert foreign.status_code == 404 and foreign.content == nothing.content, f"{method} {path}: {show(foreign)}"
            checked += 1
    assert checked >= 35, "every operation was asked"
    assert org.manage.get(echo.path).status_code == 200 and len(echo.keys()) == 1, "nothing was changed"


def test_in_ones_own_organisation_a_foreign_id_is_an_absent_one(server, org, echo):
    """Every management operation on one object, by somebody in an organisation of his own, with ids of another's."""
    document = server.client().get("/openapi.json").json()
    execution = echo.started()
    echo.wait(execution)
    stranger = Organisation(server.account())
    mine = stranger.deploy()
    foreign = {"workflow": echo.made["workflow"], "api-deployment": echo.id, "execution": execution, "api-keys": None}
    key = echo.keys()[0]["id"]
    checked = 0
    for path, operations in document["paths"].items():
        kind = path.split("/")[5] if path.startswith("/unstract/{org_id}/") else None
        if kind not in foreign or not ("{id}" in path or "{key_id}" in path):
            continue

        def url(value, path=path):
            inner = path.replace("{org_id}", stranger.id)
            if "{key_id}" in path:
                return inner.replace("{id}", mine.id).replace("{key_id}", value)
            return inner.replace("{id}", value)

        value = key if "{key_id}" in path else foreign[kind]
        for method in operations:
            theirs = stranger.manage.request(method.upper(), url(value), json={})
            nothing = stranger.manage.request(method.upper(), url(unused_id()), json={})
            assert theirs.status_code == 404 and theirs.content == nothing.content, f"{method} {path}: {show(theirs)}"
            checked += 1
    assert checked >= 20, "every operation on one object was asked"
    told = set()
    for workflow in (echo.made["workflow"], unused_id()):
        refused = stranger.try_deploy(api_name="borrowed", workflow=workflow)
        told.add((refused.status_code, refused.text.replace(workflow, "ID")))
    assert len(told) == 1 and errors(refused)[0]["code"] == "does_not_exist", told
    assert org.manage.get(echo.path).status_code == 200 and len(echo.keys()) == 1, "nothing was changed"
