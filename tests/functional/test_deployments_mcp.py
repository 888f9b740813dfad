"""Deployments as tools: the protocol in both generations, on the three endpoints, by hand and by the official client from PyPI."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from support.accounts import Client
from support.checks import show
from support.deployments import ECHO, Organisation, unused_id
from support.server import ROOT

HERE = Path(__file__).parent / "mcp"
OF_DEPLOYMENT = [
    "readMeFirst", "getApiInfo", "extractDocument", "getExecutionStatus",
    "executeWorkflow", "getExecutionResult", "cancelExecution",
]  # fmt: skip
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
}


@pytest.fixture(scope="module")
def org(server):
    return Organisation(server.account(credits=10))


@pytest.fixture(scope="module")
def echo(org):
    return org.deploy(org.workflow(ECHO), api_name="echo")


def ask(client, path, method, params=None, headers=None, id=1):
    message = {"jsonrpc": "2.0", "method": method, **({"id": id} if id is not None else {})}
    if params is not None:
        message["params"] = params
    return client.post(path, json=message, headers=headers or {})


def modern(client, path, method, params=None, meta=META, **headers):
    params = {**(params or {}), "_meta": meta}
    named = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": method, **headers}
    if method == "tools/call":
        named.setdefault("Mcp-Name", params["name"])
    return ask(client, path, method, params, {name: value for name, value in named.items() if value})


def call(deployment, tool, path=None, client=None, **arguments):
    answer = ask(client or deployment.client, path or deployment.execute_path + "mcp", "tools/call", {"name": tool, "arguments": arguments})
    assert answer.status_code == 200, show(answer)
    return answer.json()["result"]


def endpoint(deployment):
    return deployment.execute_path + "mcp"


def test_the_handshake_echoes_known_versions_and_offers_one_otherwise(echo):
    for asked, answered in (("2025-11-25", "2025-11-25"), ("2024-11-05", "2024-11-05"), ("1999-01-01", "2025-06-18")):
        answer = ask(echo.client, endpoint(echo), "initialize", {"protocolVersion": asked, "capabilities": {}, "clientInfo": {}})
        result = answer.json()["result"]
        assert result["protocolVersion"] == answered and result["serverInfo"]["name"] == "tollhouse", show(answer)
        assert result["capabilities"] == {"tools": {"listChanged": False}} and result["instructions"]
    told = ask(echo.client, endpoint(echo), "notifications/initialized", id=None)
    assert told.status_code == 202 and told.content == b""
    assert ask(echo.client, endpoint(echo), "ping").json()["result"] == {}


def test_get_and_delete_are_405(server, echo):
    for path in (endpoint(echo), echo.compat + "mcp", "/mcp"):
        for method in ("GET", "DELETE"):
            answer = echo.client.request(method, path)
            assert answer.status_code == 405 and answer.headers["Allow"] == "POST", show(answer)


def test_every_failure_to_come_in_is_one_401(server, echo, org):
    bodies = set()
    for client, path in (
        (Client(server), endpoint(echo)),
        (Client(server, "unst_bad"), "/deployment/unst_bad/mcp"),
        (Client(server), echo.compat + "mcp"),
        (echo.client, f"/deployment/api/{org.id}/nothing/mcp"),
        (echo.client, f"/deployment/api/{unused_id()}/echo/mcp"),
        (Client(server), "/mcp"),
        (echo.client, "/mcp"),
    ):
        answer = ask(client, path, "ping")
        assert answer.status_code == 401, f"{path}: {show(answer)}"
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="tollhouse-mcp"'
        bodies.add(answer.text)
    assert [json.loads(body) for body in bodies] == [
        {"jsonrpc": "2.0", "id": None, "error": {"code": -32001, "message": "Invalid API key or unknown API deployment"}}
    ]


def test_the_tools_of_a_deployment_are_those_of_the_contract(echo):
    tools = ask(echo.client, endpoint(echo), "tools/list").json()["result"]["tools"]
    assert [tool["name"] for tool in tools] == OF_DEPLOYMENT
    compat = ask(echo.client, echo.compat + "mcp", "tools/list").json()["result"]["tools"]
    assert [tool["name"] for tool in compat] == OF_DEPLOYMENT[:4]
    hints = {tool["name"]: tool["annotations"] for tool in tools}
    assert hints["getExecutionStatus"]["readOnlyHint"] is True
    assert hints["executeWorkflow"]["idempotentHint"] is False and hints["executeWorkflow"]["destructiveHint"] is False


def test_a_run_waits_and_says_the_same_as_text_and_structure(echo):
    result = call(echo, "executeWorkflow", input_data={"text": "Total: 42"}, timeout=20)
    assert result["isError"] is False and json.loads(result["content"][0]["text"]) == result["structuredContent"]
    content = result["structuredContent"]
    assert content["status"] == "COMPLETED" and content["message"]["result"][0]["result"]["output"] == "Total: 42", content
    assert echo.key not in json.dumps(result), "no tool shows a key"
    status = call(echo, "getExecutionStatus", execution_id=content["execution_id"])["structuredContent"]
    assert status["status"] == "COMPLETED"
    assert call(echo, "getExecutionResult", execution_id=content["execution_id"])["isError"] is False
    assert call(echo, "cancelExecution", execution_id=content["execution_id"])["isError"] is True, "it has ended"
    assert echo.result(content["execution_id"]).status_code == 200, "MCP acknowledges nothing"


def test_what_a_caller_can_mend_is_an_error_of_the_tool(org, echo):
    assert call(echo, "getExecutionStatus", execution_id="x")["isError"] is True
    assert call(echo, "getExecutionStatus")["isError"] is True
    assert call(echo, "extractDocument", document_urls=[])["isError"] is True
    unknown = ask(echo.client, endpoint(echo), "tools/call", {"name": "nothing", "arguments": {}})
    assert unknown.json()["error"]["code"] == -32602
    limited = org.deploy(rate_limit_per_minute=1)
    assert call(limited, "executeWorkflow")["isError"] is False
    refused = call(limited, "executeWorkflow")
    assert refused["isError"] is True and refused["structuredContent"]["errors"][0]["code"] == "throttled"
    assert limited.execute().status_code == 429, "one window for tools and routes"
    usage = limited.usage()
    assert (usage["requests"], usage["throttled"]) == (3, 2), usage


def test_broken_and_batched_messages_are_refused(echo):
    broken = echo.client.post(endpoint(echo), data="{", headers={"Content-Type": "application/json"})
    assert broken.json()["error"]["code"] == -32700
    batch = echo.client.post(endpoint(echo), json=[{"jsonrpc": "2.0", "id": 1, "method": "ping"}])
    assert batch.json()["error"]["code"] == -32600
    missing = ask(echo.client, endpoint(echo), "resources/list")
    assert missing.status_code == 200 and missing.json()["error"]["code"] == -32601
    old = ask(echo.client, endpoint(echo), "ping", headers={"MCP-Protocol-Version": "1999-01-01"})
    assert old.status_code == 400


def test_a_foreign_origin_is_403(server, echo):
    assert ask(echo.client, endpoint(echo), "ping", headers={"Origin": "https://evil.example"}).status_code == 403
    assert ask(echo.client, endpoint(echo), "ping", headers={"Origin": server.url}).status_code == 200


def test_the_stateless_generation_says_its_version_in_each_request(echo):
    path = endpoint(echo)
    found = modern(echo.client, path, "server/discover").json()["result"]
    assert "2026-07-28" in found["supportedVersions"] and found["resultType"] == "complete"
    assert found["_meta"]["io.modelcontextprotocol/serverInfo"]["name"] == "tollhouse"
    listed = modern(echo.client, path, "tools/list").json()["result"]
    assert listed["ttlMs"] >= 0 and listed["cacheScope"] == "private"
    ran = modern(echo.client, path, "tools/call", {"name": "executeWorkflow", "arguments": {"input_data": {"text": "a"}}})
    assert ran.json()["result"]["structuredContent"]["status"] == "COMPLETED", show(ran)


def test_the_stateless_generation_refuses_what_does_not_agree(echo):
    path = endpoint(echo)
    for wrong in ({"Mcp-Method": "tools/call"}, {"Mcp-Method": ""}, {"MCP-Protocol-Version": ""}):
        answer = modern(echo.client, path, "tools/list", **wrong)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, -32020), f"{wrong}: {show(answer)}"
    named = modern(echo.client, path, "tools/call", {"name": "getApiInfo"}, **{"Mcp-Name": "other"})
    assert (named.status_code, named.json()["error"]["code"]) == (400, -32020)
    bare = ask(echo.client, path, "tools/list", {}, {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/list"})
    assert (bare.status_code, bare.json()["error"]["code"]) == (400, -32602)
    future = {**META, "io.modelcontextprotocol/protocolVersion": "2030-01-01"}
    answer = modern(echo.client, path, "tools/list", meta=future, **{"MCP-Protocol-Version": "2030-01-01"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, -32022)
    assert answer.json()["error"]["data"]["requested"] == "2030-01-01"
    unknown = modern(echo.client, path, "resources/list")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, -32601)


def test_an_account_has_a_tool_for_each_active_deployment(server):
    org = Organisation(server.account(credits=10))
    one = org.deploy(org.workflow(ECHO), api_name="b-echo")
    org.deploy(api_name="a-first")
    org.deploy(api_name="c-off", is_active=False)
    names = ["a-first", "b-echo", "getExecutionStatus", "getExecutionResult", "cancelExecution"]
    for client in (org.manage, Client(server, org.management_key())):
        tools = ask(client, "/mcp", "tools/list").json()["result"]["tools"]
        assert [tool["name"] for tool in tools] == names
        result = call(one, "b-echo", path="/mcp", client=client, input_data={"text": "hello"}, timeout=20)
        assert result["structuredContent"]["message"]["result"][0]["result"]["output"] == "hello", result
        execution = result["structuredContent"]["execution_id"]
        assert call(one, "getExecutionStatus", path="/mcp", client=client, execution_id=execution)["isError"] is False
    stranger = server.account()
    assert call(one, "getExecutionStatus", path="/mcp", client=stranger.session, execution_id=execution)["isError"] is True


def test_addresses_are_held_to_on_every_endpoint(server):
    org = Organisation(server.account(credits=10))
    made = org.manage.post(f"{org.base}/api-keys/", json={"kind": "management", "allowed_ips": ["10.0.0.0/8"]}).json()
    assert ask(Client(server, made["api_key"]), "/mcp", "tools/list").status_code == 403
    shut = org.deploy(api_name="shut", allowed_ips=["10.0.0.0/8"])
    result = call(shut, "shut", path="/mcp", client=org.manage)
    assert result["isError"] is True and result["structuredContent"]["errors"][0]["code"] == "ip_not_allowed", result
    assert ask(shut.client, endpoint(shut), "ping").status_code == 403


def test_a_viewer_may_list_and_not_run(server):
    org, viewer = Organisation(server.account(credits=10)), server.account()
    deployment = org.deploy(api_name="seen")
    answer = org.manage.post(f"{org.base}/member/", json={"email": viewer.email, "role": "viewer"})
    assert answer.status_code == 201, show(answer)
    tools = ask(viewer.session, "/mcp", "tools/list").json()["result"]["tools"]
    assert "seen" in [tool["name"] for tool in tools]
    result = call(deployment, "seen", path="/mcp", client=viewer.session)
    assert result["isError"] is True and result["structuredContent"]["errors"][0]["code"] == "permission_denied"
    assert deployment.executions() == 0


@pytest.fixture(scope="module")
def python():
    """Of an environment that has the client; made once in a checkout."""
    folder = ROOT / "build" / "mcp"
    python = folder / "bin" / "python"
    pip = ["-q", "--disable-pip-version-check", "--no-cache-dir", "--retries", "1", "--timeout", "20"]
    commands = [
        [sys.executable, "-m", "venv", folder],
        [folder / "bin" / "pip", "install", *pip, "-r", HERE / "requirements.txt"],
    ]
    there = [python, "-c", "from mcp.client.streamable_http import streamable_http_client"]
    if python.exists() and subprocess.run(there, capture_output=True, timeout=60).returncode == 0:
        return python
    for command in [*commands, there]:
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        except subprocess.TimeoutExpired:
            pytest.skip("mcp could not be fetched from PyPI within 5 minutes")
        if done.returncode != 0:
            pytest.skip(f"mcp cannot be had from PyPI: {(done.stdout + done.stderr)[-300:]}")
    return python


@pytest.mark.parametrize("mode", ["auto", "legacy", "2026-07-28"])
def test_the_official_client_is_answered(python, server, echo, org, mode):
    for path, key, tool in (
        (endpoint(echo), echo.key, "executeWorkflow"),
        ("/mcp", org.management_key(), "echo"),
    ):
        command = [python, HERE / "calls.py", server.url + path, key, mode, tool]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr[-3000:]
        seen = json.loads(done.stdout)
        assert seen["output"] == "Total: 42" and seen["status"] == seen["again"] == "COMPLETED", seen
        assert seen["bad"] is True and seen["is_error"] is False and seen["text_is_content"], seen
        assert tool in seen["tools"]
        assert seen["version"] == ("2025-11-25" if mode == "legacy" else "2026-07-28"), seen
