"""An account and the two credentials it speaks with."""

import requests

from support import audio
from support.polling import until

ENDED = ("completed", "failed", "cancelled")


class Client:
    """requests bound to one server and one credential; follows no redirect and reads nothing from the environment."""

    def __init__(self, server, credential=None, headers=None):
        self.server = server
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.headers.update(headers or {})
        if credential:
            self.http.headers["Authorization"] = f"Bearer {credential}"

    def request(self, method, path, **options):
        options = {"timeout": 60, "allow_redirects": False, **options}
        return self.http.request(method, self.server.url + path, **options)

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def head(self, path, **options):
        return self.request("HEAD", path, **options)

    def post(self, path, **options):
        return self.request("POST", path, **options)

    def put(self, path, **options):
        return self.request("PUT", path, **options)

    def patch(self, path, **options):
        return self.request("PATCH", path, **options)

    def delete(self, path, **options):
        return self.request("DELETE", path, **options)

    def upload(self, name="song.wav", content=None, fields=None, **options):
        """POST /upload; a short valid WAV when no content is given."""
        content = audio.song() if content is None else content
        return self.post("/upload", files={"file": (name, content)}, data=fields or {}, **options)


class Account:
    """`session` speaks with the JWT, `api` with the default API key."""

    def __init__(self, server, email, password, answer):
        self.server = server
        self.email = email
        self.password = password
        self.username = answer["username"]
        self.id = answer["user_id"]
        self.token = answer["access_token"]
        self.session = Client(server, self.token)
        self._key = None
        self._api = None

    @classmethod
    def register(cls, server, **fields):
        answer = Client(server).post("/auth/register", json=fields)
        assert answer.status_code == 200, f"register answers 200: {answer.status_code} {answer.text[:300]}"
        return cls(server, fields["email"], fields["password"], answer.json())

    @property
    def key(self):
        if self._key is None:
            answer = self.session.post("/api-key/generate")
            assert answer.status_code == 200, f"a key is generated: {answer.status_code} {answer.text[:300]}"
            self._key = answer.json()["api_key"]
        return self._key

    @property
    def api(self):
        if self._api is None:
            self._api = Client(self.server, self.key)
        return self._api

    def login(self):
        return Client(self.server).post("/auth/login", json={"email": self.email, "password": self.password})

    def credits(self):
        return self.session.get("/credits/balance").json()["credits"]

    def history(self):
        return self.session.get("/credits/history").json()["transactions"]

    def upload(self, name="song.wav", content=None, **fields):
        """Uploads with the session and demands that it was accepted."""
        answer = self.session.upload(name, content, fields)
        assert answer.status_code == 200, f"an upload answers 200: {answer.status_code} {answer.text[:300]}"
        return answer.json()

    def job(self, job_id):
        answer = self.session.get(f"/jobs/{job_id}")
        assert answer.status_code == 200, (
            f"GET /jobs/{{id}} of an own job answers 200: {answer.status_code} {answer.text[:300]}"
        )
        return answer.json()

    def jobs(self, **query):
        return self.session.get("/jobs", params=query).json()["jobs"]

    def wait(self, job_id, states=ENDED, seconds=60):
        """The job once it is in one of `states`."""
        states = (states,) if isinstance(states, str) else states
        seen = []

        def reached():
            job = self.job(job_id)
            if not seen or seen[-1] != job["status"]:
                seen.append(job["status"])
            return job if job["status"] in states else None

        return until(reached, f"job {job_id} reaches {states}, saw {seen}", seconds)

    def finished(self, name="song.wav", content=None, **fields):
        """A completed job."""
        job = self.wait(self.upload(name, content, **fields)["id"])
        assert job["status"] == "completed", f"a valid song is completed, not {job['status']}: {job['error_message']}"
        return job

    def failed(self):
        """A failed job: text under the name of an MP3."""
        job = self.wait(self.upload("bad.mp3", b"this is no music\n" * 100)["id"])
        assert job["status"] == "failed", f"a text file named .mp3 fails, not {job['status']}"
        return job
