"""Whole workflows over the steps that reach beyond the server: documents, rules, folders, URLs, databases, language models."""

import hashlib
import io
import json
import sqlite3
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from support.checks import show
from support.deployments import Organisation
from support.postgres import Cluster

FIELDS = [
    {"name": "number", "label": "Invoice No", "required": True},
    {"name": "date", "label": "Date", "type": "date"},
    {"name": "total", "label": "Total", "type": "money"},
    {"name": "vat", "label": "VAT", "type": "money"},
    {"name": "lines", "type": "table", "columns": ["Item", {"name": "Qty", "type": "integer"}, {"name": "Amount", "type": "number"}]},
]
LINES = [
    "Invoice No: INV-0042            Date: 31 January 2026",
    "",
    "Item             Qty      Amount",
    "Blue pen           2        3.00",
    "Paper             10       42.00",
    "",
    "Total: EUR 1,045.00",
]


def pdf(lines):
    """One page of monospaced text, so that columns stand where they stand here."""
    stream = "".join(f"BT /F1 10 Tf 50 {740 - 16 * i} Td ({line}) Tj ET\n" for i, line in enumerate(lines)).encode()
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count 1/Kids[4 0 R]>>",
        b"<</Type/Font/Subtype/Type1/BaseFont/Courier>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 5 0 R/Resources<</Font<</F1 3 0 R>>>>>>",
        b"<</Length %d>>stream\n%sendstream" % (len(stream), stream),
    ]
    out = b"%PDF-1.4\n"
    places = []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj%s endobj\n" % (number, content)
    table = len(out)
    out += b"xref\n0 6\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % place for place in places)
    return out + b"trailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % table


def docx(text):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr(
            "word/document.xml",
            f'<w:document xmlns:w="w"><w:body><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:body></w:document>',
        )
    return out.getvalue()


class Elsewhere:
    """A server of the tests: what was sent to it, and answers by path."""

    def __init__(self):
        self.requests = []
        self.answers = {}
        house = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                house.requests.append((self.command, self.path, dict(self.headers), body))
                status, content = house.answers.get(self.path, (404, b"none"))
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = answer

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(scope="module")
def elsewhere():
    server = Elsewhere()
    yield server
    server.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("root")


@pytest.fixture(scope="module")
def postgres(cluster):
    """Somebody's PostgreSQL: a database of its own in the run's cluster, or in one that is started for this."""
    made = cluster or Cluster()
    yield made
    if made is not cluster:
        made.close()


@pytest.fixture(scope="module")
def settings(elsewhere, folder, postgres):
    return {
        "egress": {"allow": [f"127.0.0.1:{elsewhere.port}", f"127.0.0.1:{postgres.port}"]},
        "folders": {"roots": [f"box={folder}"]},
    }


@pytest.fixture(scope="module")
def org(server):
    return Organisation(server.account(credits=100))


def chain(*steps):
    return [{"id": f"s{number}", **step} for number, step in enumerate(steps)]


def run(org, steps, files=(), type="API", **fields):
    """R of one execution, at its end."""
    deployment = org.deploy(org.workflow(steps, type=type))
    if files:
        answer = deployment.client.post(deployment.execute_path, files=[("files", file) for file in files])
    else:
        answer = deployment.execute(**fields)
    assert answer.status_code in (200, 202), show(answer)
    return deployment.wait(answer.json()["execution_id"], 60)["message"]


def results(ended):
    return [(item["status"], item["result"]["output"] if item["result"] else item["error"]) for item in ended["result"]]


def test_an_invoice_becomes_typed_values(org):
    steps = chain(
        {"uses": "source.request", "with": {"accept": ["application/pdf"]}},
        {"uses": "text.extract"},
        {"uses": "extract.rules", "with": {"fields": FIELDS}},
        {"uses": "sink.response"},
    )
    ended = run(org, steps, [("invoice.pdf", pdf(LINES), "application/octet-stream")])
    assert results(ended) == [
        (
            "Success",
            {
                "number": "INV-0042",
                "date": "2026-01-31",
                "total": {"amount": 1045.0, "currency": "EUR"},
                "vat": None,
                "lines": [{"Item": "Blue pen", "Qty": 2, "Amount": 3.0}, {"Item": "Paper", "Qty": 10, "Amount": 42.0}],
            },
        )
    ], "what is in the document is there with its type, what is not is null"


def test_a_scanned_page_is_read(org):
    steps = chain(
        {"uses": "source.request"}, {"uses": "text.ocr", "with": {"dpi": 150}}, {"uses": "sink.response"}
    )
    ended = run(org, steps, [("scan.pdf", pdf(["", "", "INVOICE 4711"]), "application/pdf")])
    (status, output), = results(ended)
    assert status == "Success" and "4711" in output["text"], ended
    word = next(word for word in output["words"] if word["text"] == "4711")
    assert word["confidence"] > 60 and word["box"]["width"] > 0, word


def test_items_fail_by_themselves_and_say_why(org):
    steps = chain(
        {"uses": "source.request"},
        {"uses": "text.extract"},
        {"uses": "extract.rules", "with": {"fields": FIELDS[:1]}},
        {"uses": "sink.response"},
    )
    ended = run(
        org,
        steps,
        [
            ("good.docx", docx("Invoice No: 7"), "application/octet-stream"),
            ("broken.pdf", b"%PDF-1.7 nothing", "application/pdf"),
            ("other.txt", b"nothing here", "text/plain"),
        ],
    )
    assert ended["execution_status"] == "COMPLETED", "one good item is a success"
    good, broken, other = results(ended)
    assert good == ("Success", {"number": "7"})
    assert broken[0] == "Failed" and broken[1].startswith("s1: file_unreadable: "), broken
    assert other == ("Failed", "s2: required_missing: number was not found.")


def test_types_are_told_by_bytes(org):
    steps = chain(
        {"uses": "source.request"}, {"uses": "detect.type", "with": {"allow": ["application/pdf"]}}, {"uses": "sink.response"}
    )
    ended = run(org, steps, [("a.txt", pdf(["x"]), "text/plain"), ("b.pdf", b"plain words", "application/pdf")])
    first, second = results(ended)
    assert first == ("Success", {"mime": "application/pdf", "extension": "pdf"})
    assert second[1].startswith("s1: unsupported_type: "), second


def test_a_database_gets_one_row_an_item_however_often_it_runs(org, folder):
    steps = chain(
        {"uses": "source.request"},
        {"uses": "extract.rules", "with": {"fields": [{"name": "total", "label": "Total", "type": "integer"}]}},
        {
            "uses": "sink.sql",
            "with": {"driver": "sqlite", "root": "box", "database": "out/rows.db", "table": "invoices"},
        },
    )
    deployment = org.deploy(org.workflow(steps, type="ETL"), deployment_type="ETL")
    for _ in range(2):
        files = [("files", (f"{total}.txt", f"Total: {total}".encode())) for total in (1, 2, 3)]
        answer = deployment.client.post(deployment.execute_path, files=files)
        ended = deployment.wait(answer.json()["execution_id"], 60)
        assert ended["status"] == "COMPLETED", ended
    with sqlite3.connect(folder / "out/rows.db") as rows:
        found = rows.execute("SELECT file_path, source_hash, data, status FROM invoices ORDER BY 1").fetchall()
    assert found == [
        (f"{total}.txt", hashlib.sha256(f"Total: {total}".encode()).hexdigest(), json.dumps({"total": total}, separators=(",", ":")), "COMPLETED")
        for total in (1, 2, 3)
    ], "one row for each file, none doubled by the second run"


def test_rows_reach_postgresql_once(org, postgres):
    dsn = postgres.new_database()
    secret = org.manage.put(f"{org.base}/secret/DSN/", json={"value": dsn})
    assert secret.status_code in (200, 201, 204), show(secret)
    columns = {"total": "{{steps.s1.total}}", "whole": "{{steps.s1}}", "note": 'it\'s "x"; DROP TABLE invoices'}
    steps = chain(
        {"uses": "source.request"},
        {"uses": "extract.rules", "with": {"fields": [{"name": "total", "label": "Total", "type": "integer"}]}},
        {"uses": "sink.sql", "with": {"driver": "postgresql", "dsn": {"secret": "DSN"}, "table": "invoices", "columns": columns}},
    )
    deployment = org.deploy(org.workflow(steps, type="ETL"), deployment_type="ETL")
    for _ in range(2):
        files = [("files", (f"{total}.txt", f"Total: {total}".encode())) for total in (1, 2, 3)]
        answer = deployment.client.post(deployment.execute_path, files=files)
        ended = deployment.wait(answer.json()["execution_id"], 60)
        assert ended["status"] == "COMPLETED", ended
    query = "SELECT format('%s %s %s %s', file_path, total + 1, whole->>'total', pg_typeof(created_at)) FROM invoices ORDER BY total"
    found = [line.strip() for line in postgres.sql(query, dsn.rsplit("/", 1)[1]).splitlines() if ".txt" in line]
    assert found == [f"{total}.txt {total + 1} {total} timestamp with time zone" for total in (1, 2, 3)], found


def test_a_folder_is_read_and_written(org, folder):
    (folder / "inbox").mkdir()
    for name in ("a.txt", "b.txt", "c.bin"):
        (folder / "inbox" / name).write_text(f"Total: {len(name)}")
    (folder / "inbox" / "out.txt").symlink_to("/etc/passwd")
    steps = chain(
        {"uses": "source.fs", "with": {"root": "box", "path": "inbox", "extensions": ["txt"]}},
        {"uses": "transform.map", "with": {"output": {"said": "{{steps.s0.text}}"}}},
        {"uses": "sink.fs", "with": {"root": "box", "path": "done/{{item.name}}.json"}},
    )
    ended = run(org, steps, type="TASK")
    assert sorted(item["file"] for item in ended["result"]) == ["a.txt", "b.txt"], "no symbolic links, no other endings"
    assert sorted(path.name for path in (folder / "done").iterdir()) == ["a.txt.json", "b.txt.json"]
    assert json.loads((folder / "done/a.txt.json").read_text()) == {"said": "Total: 5"}


def test_urls_are_fetched_and_called(org, elsewhere):
    elsewhere.answers["/in.txt"] = (200, b"Total: 9")
    elsewhere.answers["/sink"] = (201, b'{"id": 1}')
    steps = chain(
        {"uses": "source.http", "with": {"urls": [f"{elsewhere.url}/in.txt", f"{elsewhere.url}/gone"], "headers": {"X-Key": "k"}}, "retry": {"max_attempts": 1}},
        {"uses": "extract.rules", "with": {"fields": [{"name": "total", "label": "Total", "type": "integer"}]}},
        {"uses": "sink.http", "with": {"url": f"{elsewhere.url}/sink"}},
    )
    ended = run(org, steps, type="TASK")
    by_name = {item["file"]: item for item in ended["result"]}
    assert by_name["in.txt"]["status"] == "Success", ended
    assert by_name["gone"]["error"] == "s0: fetch_failed: The server answered 404."
    sent = [request for request in elsewhere.requests if request[1] == "/sink"]
    assert [json.loads(body) for _, _, _, body in sent] == [{"total": 9}]
    assert sent[0][2]["Idempotency-Key"].endswith(":s2")
    assert next(headers for _, path, headers, _ in elsewhere.requests if path == "/in.txt")["X-Key"] == "k"


def test_addresses_inside_are_refused_when_saved_and_when_called(org):
    steps = chain({"uses": "source.http", "with": {"url": "http://169.254.169.254/latest"}}, {"uses": "sink.response"})
    answer = org.manage.post(f"{org.base}/workflow/", json={"name": "w", "type": "API", "input_schema": {}, "steps": steps})
    assert answer.status_code == 400, show(answer)
    assert [(error["code"], error["attr"]) for error in answer.json()["errors"]] == [("egress_forbidden", "steps.0.with.url")]
    steps = chain({"uses": "source.request"}, {"uses": "sink.http", "with": {"url": "{{input.to}}", "body": 1}}, {"uses": "sink.response"})
    ended = run(org, steps, input_data={"text": "x", "to": "http://2130706433:1/"})
    (status, error), = results(ended)
    assert status == "Failed" and error.startswith("s1: egress_forbidden: ") and "127.0.0.1" not in error, error


def test_a_language_model_is_asked_and_its_tokens_are_counted(org, elsewhere):
    reply = {"choices": [{"message": {"content": '{"total": 42}'}}], "usage": {"prompt_tokens": 11, "completion_tokens": 3}}
    elsewhere.answers["/v1/chat/completions"] = (200, json.dumps(reply).encode())
    secret = org.manage.put(f"{org.base}/secret/LLM/", json={"value": "sk-hidden"})
    assert secret.status_code in (200, 201, 204), show(secret)
    steps = chain(
        {"uses": "source.request"},
        {
            "uses": "extract.llm",
            "with": {
                "base_url": f"{elsewhere.url}/v1",
                "model": "m",
                "api_key": {"secret": "LLM"},
                "prompts": [{"key": "total", "prompt": "The total?", "type": "integer"}],
            },
        },
        {"uses": "sink.response"},
    )
    ended = run(org, steps, input_data={"text": "Total: 42"})
    assert results(ended) == [("Success", {"total": 42})]
    asked = next(request for request in elsewhere.requests if request[1] == "/v1/chat/completions")
    assert asked[2]["Authorization"] == "Bearer sk-hidden"
    assert "Total: 42" in json.loads(asked[3])["messages"][1]["content"]


def test_without_a_model_there_is_no_answer(org, elsewhere):
    elsewhere.answers["/none/chat/completions"] = (404, b"no")
    steps = chain(
        {"uses": "source.request"},
        {"uses": "extract.llm", "with": {"base_url": f"{elsewhere.url}/none", "model": "m", "prompt": "Say something."}},
        {"uses": "sink.response"},
    )
    ended = run(org, steps, input_data={"text": "x"})
    assert results(ended) == [("Failed", "s1: llm_unavailable: The model's server answered 404.")]
