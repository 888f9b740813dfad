"""An account that sends media, its client pairs, and small films and pictures."""

import functools
import subprocess
import tempfile
from pathlib import Path

import requests

from support.audio import FFMPEG
from support.polling import until

MILLION = 1_000_000


class Pair:
    """A client pair: its calls carry the two headers and nothing else."""

    def __init__(self, server, answer):
        self.server = server
        self.id = answer["clientId"]
        self.secret = answer["clientSecret"]
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.headers.update({"x-client-id": self.id, "x-client-secret": self.secret})

    def request(self, method, path, **options):
        options = {"timeout": 90, "allow_redirects": False, **options}
        return self.http.request(method, self.server.url + path, **options)

    def get(self, path="/api/media", **options):
        return self.request("GET", path, **options)

    def post(self, body=None, path="/api/media", **options):
        return self.request("POST", path, **({"json": body} if body is not None else {}), **options)

    def delete(self, mid, **options):
        return self.request("DELETE", f"/api/media/{mid}", **options)

    def usage(self):
        answer = self.get("/api/usage")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def made(self, **more):
        """A record and its link."""
        answer = self.post({**picture_body(), **more})
        assert answer.status_code == 201, f"POST gives 201: {answer.status_code} {answer.text}"
        return answer.json()

    def record(self, mid, **query):
        answer = self.get(f"/api/media/{mid}", params=query)
        assert answer.status_code == 200, f"GET gives 200: {answer.status_code} {answer.text}"
        return answer.json()

    def ended(self, mid, seconds=60):
        """The record once its status is final, and every status on the way."""
        seen = []

        def look():
            record = self.record(mid, wait=5)
            if not seen or seen[-1] != record["status"]:
                seen.append(record["status"])
            return record if record["status"] in ("PROCESSED", "FAILED") else None

        return until(look, f"{mid} comes to its end, saw {seen}", seconds), seen

    def processed(self, content=None, **more):
        """A record of a picture that was sent and analysed."""
        content = picture() if content is None else content
        made = self.made(size=len(content), **more)
        assert put(made, content).status_code == 200
        record, _ = self.ended(made["mid"])
        assert record["status"] == "PROCESSED", record
        return record


class Sender:
    """An account with keys of this surface."""

    def __init__(self, server, credits=100):
        self.server = server
        self.account = server.account(credits=credits)
        self.session = self.account.session

    def key(self, **fields):
        answer = self.session.post("/api/keys", json={"name": "tests", **fields})
        assert answer.status_code == 201, f"POST /api/keys gives 201: {answer.status_code} {answer.text}"
        return Pair(self.server, answer.json())

    def usage(self):
        return self.session.get("/api/usage").json()

    def credits(self):
        return self.usage()["credits"]


def put(made, content, content_type=None, **headers):
    """PUT to the link of a record, as a client without our keys."""
    headers = {"Content-Type": content_type or made["contentType"], **headers}
    return requests.put(made["uploadUrl"], data=content, headers=headers, timeout=60)


def picture_body(**more):
    return {"name": "picture", "contentType": "image/png", "size": len(picture()), "modelType": "AC-1", **more}


def film_body(**more):
    return {"name": "film", "contentType": "video/mp4", "size": len(film()), "modelType": "DF-1", **more}


def _ffmpeg(suffix, *options):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"out{suffix}")
        subprocess.run([FFMPEG, "-nostdin", "-v", "error", *options, "-bitexact", str(path)], check=True, timeout=60)
        return path.read_bytes()


@functools.lru_cache(maxsize=None)
def picture(size="128x96"):
    """A PNG without a face in it."""
    return _ffmpeg(".png", "-f", "lavfi", "-i", f"testsrc=size={size}:rate=1", "-frames:v", "1")


@functools.lru_cache(maxsize=None)
def film(seconds=1, size="128x96"):
    """An MP4 without a face in it."""
    source = f"testsrc=size={size}:rate=10:duration={seconds}"
    return _ffmpeg(".mp4", "-f", "lavfi", "-i", source, "-c:v", "libx264", "-pix_fmt", "yuv420p")
