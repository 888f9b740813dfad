"""A small Hugging Face-compatible hub of the tests' own: revisions, paged trees, LFS files on another host, and failures on demand."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit


def git_blob(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class Hub:
    """hub.publish("acme/bert", {"config.json": b"{}"}) makes a commit and returns it."""

    page = 2  # entries of one page of a tree

    def __init__(self, token=None):
        self.token = token
        self.commits = {}  # (repo, commit) -> {name: bytes}
        self.branches = {}  # (repo, branch) -> commit
        self.cards = {}
        self.requests = []  # (host, path, range, authorization)
        self.break_after = {}  # file name -> list of byte counts after which the next transfers break
        self.fail_next = []  # statuses of the next API answers
        self.lies = {}  # file name -> bytes that are sent instead
        self.lock = threading.Lock()
        self.servers = []
        for host in ("127.0.0.1", "127.0.0.2"):  # the hub, and where its large files are
            server = ThreadingHTTPServer((host, 0), type("Handler", (Handler,), {"hub": self}))
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, daemon=True).start()
            self.servers.append(server)
        self.url = f"http://127.0.0.1:{self.servers[0].server_port}"
        self.files_url = f"http://127.0.0.2:{self.servers[1].server_port}"

    def publish(self, repo, files, branch="main", **card):
        commit = hashlib.sha1(json.dumps([repo, sorted((n, hashlib.md5(c).hexdigest()) for n, c in files.items())]).encode()).hexdigest()
        self.commits[repo, commit] = dict(files)
        self.branches[repo, branch] = commit
        self.cards[repo] = card
        return commit

    def fetched(self, name):
        """The Range fields of the requests for a file's bytes."""
        return [asked for host, path, asked, _ in self.requests if path.endswith("/" + name) and "/cdn/" in path or (path.endswith("/" + name) and "/resolve/" in path and not self.is_lfs(name))]

    @staticmethod
    def is_lfs(name):
        return name.endswith((".safetensors", ".bin"))

    def close(self):
        for server in self.servers:
            server.shutdown()
            server.server_close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub = None

    def log_message(self, *_):
        pass

    def do_GET(self):
        hub, url = self.hub, urlsplit(self.path)
        path = unquote(url.path)
        with hub.lock:
            hub.requests.append((self.headers["Host"].split(":")[0], path, self.headers.get("Range"), self.headers.get("Authorization")))
            failure = hub.fail_next.pop(0) if hub.fail_next and path.startswith("/api/") else None
        if failure:
            return self.answer({"error": "on demand"}, failure)
        if hub.token and not path.startswith("/cdn/") and self.headers.get("Authorization") != f"Bearer {hub.token}":
            return self.answer({"error": "no token"}, 401)
        if path.startswith("/api/models/"):
            return self.api(path[len("/api/models/") :], parse_qs(url.query))
        if path.startswith("/cdn/"):
            repo, _, rest = path[len("/cdn/") :].partition("@")
            commit, _, name = rest.partition("/")
            return self.content(hub.commits[repo, commit][name], name)
        repo, marker, rest = path[1:].partition("/resolve/")
        commit, _, name = rest.partition("/")
        files = hub.commits.get((repo, commit), {})
        if not marker or name not in files:
            return self.answer({"error": "Entry not found"}, 404)
        if hub.is_lfs(name):
            return self.answer(None, 302, {"Location": f"{hub.files_url}/cdn/{repo}@{commit}/{name}"})
        return self.content(files[name], name)

    def api(self, rest, query):
        hub = self.hub
        repo, marker, revision = rest.partition("/revision/")
        if marker:
            commit = hub.branches.get((repo, revision), revision)
            if (repo, commit) not in hub.commits:
                return self.answer({"error": "Revision not found"}, 404)
            return self.answer({"id": repo, "sha": commit, **hub.cards[repo]})
        repo, marker, commit = rest.partition("/tree/")
        if not marker or (repo, commit) not in hub.commits:
            return self.answer({"error": "Revision not found"}, 404)
        entries = [{"type": "directory", "path": "onnx", "size": 0, "oid": "0" * 40}]
        for name, content in sorted(hub.commits[repo, commit].items()):
            entry = {"type": "file", "path": name, "size": len(content), "oid": git_blob(content)}
            if hub.is_lfs(name):
                entry["lfs"] = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 134}
            entries.append(entry)
        start = int(query.get("cursor", ["0"])[0])
        more = {}
        if start + hub.page < len(entries):
            more["Link"] = f'<{hub.url}/api/models/{repo}/tree/{commit}?recursive=true&cursor={start + hub.page}>; rel="next"'
        return self.answer(entries[start : start + hub.page], 200, more)

    def answer(self, value, status=200, fields=None):
        body = b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        for name, text in (fields or {}).items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def content(self, content, name):
        content = self.hub.lies.get(name, content)
        asked = self.headers.get("Range")
        start = int(asked[len("bytes=") :].rstrip("-")) if asked else 0
        if asked and start >= len(content):
            return self.answer(None, 416, {"Content-Range": f"bytes */{len(content)}"})
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        with self.hub.lock:
            limits = self.hub.break_after.get(name)
            limit = limits.pop(0) if limits else None
        if limit is None:
            self.wfile.write(content[start:])
        else:
            self.wfile.write(content[start : start + limit])
            self.close_connection = True
