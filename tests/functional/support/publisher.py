"""Where trained models are published: files with ranges and validators, and a server that misbehaves on demand."""

import hashlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FOLDER = "/hybrid_transformer/"


class Publisher:
    """publisher.files[name] = bytes; publisher.next(name, cut=1000) says how the next answer for it goes wrong."""

    def __init__(self):
        self.files = {}
        self.plans = {}  # name -> what the next answers do
        self.always = {}  # name -> what every answer does
        self.requests = []  # (name, Range, If-Range)
        self.validators = True
        self.lock = threading.Lock()
        self.stopped = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Handler,), {"publisher": self}))
        self.server.daemon_threads = True
        self.server.block_on_close = False
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def next(self, name, **plan):
        self.plans.setdefault(name, []).append(plan)

    def ranges(self, name):
        return [asked for one, asked, _ in self.requests if one == name]

    def etag(self, content):
        return f'"{hashlib.md5(content).hexdigest()}"'

    def close(self):
        self.stopped.set()
        self.server.shutdown()
        self.server.server_close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    publisher = None

    def log_message(self, *_):
        pass

    def do_GET(self):
        publisher, name = self.publisher, self.path.rpartition("/")[2]
        with publisher.lock:
            publisher.requests.append((name, self.headers.get("Range"), self.headers.get("If-Range")))
            plans = publisher.plans.get(name)
            plan = plans.pop(0) if plans else publisher.always.get(name, {})
        if "status" in plan:
            return self.answer(plan["status"], plan.get("body", b""), **plan.get("fields", {}))
        if plan.get("endless"):
            return self.endless()
        if name not in publisher.files or not self.path.startswith(FOLDER):
            return self.answer(404, b"no such file")
        return self.content(publisher.files[name], plan)

    def answer(self, status, body=b"", **fields):
        self.send_response(status)
        for field, value in fields.items():
            self.send_header(field.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def endless(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        piece = b"10000\r\n" + bytes(0x10000) + b"\r\n"
        try:
            while not self.publisher.stopped.is_set():
                self.wfile.write(piece)
        except OSError:
            pass

    def content(self, content, plan):
        publisher, etag = self.publisher, self.publisher.etag(content)
        asked, condition = self.headers.get("Range"), self.headers.get("If-Range")
        partial = asked and not plan.get("whole") and condition in (None, etag)
        start = int(asked[len("bytes=") :].rstrip("-")) if partial else 0
        if partial and start >= len(content):
            return self.answer(416, Content_Range=f"bytes */{len(content)}")
        body = content[start:]
        self.send_response(206 if partial else 200)
        if publisher.validators:
            self.send_header("ETag", etag)
        if partial:
            self.send_header("Content-Range", plan.get("range", f"bytes {start}-{len(content) - 1}/{len(content)}"))
        self.send_header("Content-Length", str(plan.get("length", len(body))))
        self.end_headers()
        self.close_connection = True
        try:
            self.send(body, plan)
        except OSError:
            pass

    def send(self, body, plan):
        if "cut" in plan:
            body = body[: plan["cut"]]
        if "drip" not in plan:
            self.wfile.write(body)
            if plan.get("hang"):
                self.wfile.flush()
                self.publisher.stopped.wait(60)
            return
        for at in range(0, len(body), plan["drip"]):
            if self.publisher.stopped.is_set():
                return
            self.wfile.write(body[at : at + plan["drip"]])
            self.wfile.flush()
            time.sleep(0.05)
