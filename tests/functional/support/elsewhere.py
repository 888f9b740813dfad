"""A web server of the tests' own that workflows call: slow, failing or recording, as its path says."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Elsewhere:
    """/slow/S answers after S seconds; /fail/N answers with status N; /files/NAME gives back the bytes put into `files`;
    /v1/chat/completions is a language model that says `reply` and counts tokens."""

    def __init__(self):
        self.files = {}
        self.calls = []
        self.reply = '{"total": 42}'
        self.tokens = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
        elsewhere = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def answer(self, status, body, kind="application/json"):
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                elsewhere.calls.append((self.path, dict(self.headers), body))
                parts = self.path.split("?")[0].strip("/").split("/")
                if parts[0] == "slow":
                    elsewhere.leave.wait(float(parts[1]))
                    return self.answer(200, b'{"slept": true}')
                if parts[0] == "fail":
                    return self.answer(int(parts[1]), b'{"failed": true}')
                if parts[-1] == "completions":
                    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": elsewhere.reply}}
                    return self.answer(200, json.dumps({"id": "c", "choices": [choice], "usage": elsewhere.tokens}).encode())
                if parts[0] == "files" and parts[-1] in elsewhere.files:
                    return self.answer(200, elsewhere.files[parts[-1]], "application/octet-stream")
                return self.answer(404, b"{}")

            do_GET = do_PUT = do_POST

        self.leave = threading.Event()
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.port = self.http.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def close(self):
        self.leave.set()
        self.http.shutdown()
        self.http.server_close()

    def steps(self, path):
        """A workflow that calls this server before it answers."""
        return [
            {"id": "in", "uses": "source.request"},
            {"id": "call", "uses": "sink.http", "with": {"url": self.url + path, "body": {"n": "{{item.name}}"}}, "needs": ["in"]},
            {"id": "out", "uses": "sink.response", "with": {"value": "{{steps.in.text}}"}, "needs": ["in", "call"]},
        ]


def now():
    return time.monotonic()
