"""Users of the registry: a key, a role, and the requests they make."""

import hashlib
import itertools

import requests

ADMIN_TOKEN = "operator-Token-0123456789-abcdefghijk"
SETTINGS = {"registry": {"admin_token": ADMIN_TOKEN}}
_numbers = itertools.count(1)


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def admin(server, method, path, status=200, token=ADMIN_TOKEN, **more):
    answer = requests.request(method, server.url + path, headers={"x-admin-token": token}, timeout=60, **more)
    assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
    return answer.json()


class User:
    def __init__(self, server, role="developer"):
        self.server = server
        self.role = role
        self.email = f"reader{next(_numbers)}@registry.example"
        body = {"email": self.email, "name": "You"}
        if role == "developer":
            answer = requests.post(f"{server.url}/v1/users/register", json=body, timeout=60)
            assert answer.status_code == 200, answer.text
            made = answer.json()
        else:
            made = admin(server, "POST", "/v1/admin/users", json={**body, "role": role})
        self.id, self.key = made["user_id"], made["api_key"]

    def request(self, method, path, **more):
        headers = {"x-api-key": self.key, **more.pop("headers", {})}
        return requests.request(method, self.server.url + path, headers=headers, timeout=60, **more)

    def ask(self, method, path, status=200, **more):
        answer = self.request(method, path, **more)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def get(self, path, status=200, **query):
        return self.ask("GET", path, status, params=query)

    # ---- publishing

    def model(self, repo=None, versions=("v1",), **card):
        repo = repo or f"acme{self.id}/model{next(_numbers)}"
        self.ask("POST", "/v1/dev/models", json={"repo_id": repo, **card})
        for version in versions:
            self.ask("POST", f"/v1/dev/models/{repo}/versions", json={"version": version})
        return repo

    def initiate(self, repo, version="v1", filename="model.bin", status=200, **query):
        path = f"/v1/dev/models/{repo}/versions/{version}/uploads/initiate"
        return self.ask("POST", path, status, params={"filename": filename, **query})

    def complete(self, repo, version="v1", filename="model.bin", status=200, **body):
        path = f"/v1/dev/models/{repo}/versions/{version}/uploads/complete"
        return self.ask("POST", path, status, json={"rfilename": filename, **body})

    def upload(self, repo, content=b"bytes", version="v1", filename="model.bin"):
        put = requests.put(self.initiate(repo, version, filename)["url"], data=content, timeout=60)
        assert put.status_code == 200, put.text
        done = self.complete(repo, version, filename, size=len(content), sha256=sha256(content))
        assert done["status"] == "ready" and done["verified"] is True, done
        return done

    def published(self, content=b"bytes", filename="model.bin", **card):
        repo = self.model(**card)
        self.upload(repo, content, filename=filename)
        return repo

    def repos(self, **query):
        return [row["repo_id"] for row in self.get("/v1/models", **query)]

    def changes(self, since=0, **query):
        return self.get("/v1/changes", since=since, **query)
