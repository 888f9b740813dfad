"""A publisher at the registry: what an upload by signed URL takes."""

import itertools

import requests

_numbers = itertools.count(1)


class Publisher:
    def __init__(self, server):
        self.server = server
        self.number = next(_numbers)
        self.email = f"publisher{self.number}@example.org"
        answer = requests.post(f"{server.url}/v1/users/register", json={"email": self.email, "name": "P"})
        assert answer.status_code == 200, answer.text
        self.key = answer.json()["api_key"]
        self.headers = {"x-api-key": self.key}

    def ask(self, method, path, status=200, **more):
        answer = requests.request(method, self.server.url + path, headers=self.headers, **more)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def model(self, repo=None, version="v1", **card):
        repo = repo or f"acme{self.number}/model{next(_numbers)}"
        self.ask("POST", "/v1/dev/models", json={"repo_id": repo, **card})
        self.ask("POST", f"/v1/dev/models/{repo}/versions", json={"version": version})
        return repo

    def initiate(self, repo, filename="m.bin", version="v1", status=200, **query):
        path = f"/v1/dev/models/{repo}/versions/{version}/uploads/initiate"
        return self.ask("POST", path, status, params={"filename": filename, **query})

    def complete(self, repo, filename="m.bin", version="v1", status=200, **body):
        path = f"/v1/dev/models/{repo}/versions/{version}/uploads/complete"
        return self.ask("POST", path, status, json={"rfilename": filename, **body})

    def publish(self, content, filename="m.bin"):
        """A model with one ready file; its repo."""
        repo = self.model()
        answer = requests.put(self.initiate(repo, filename)["url"], data=content)
        assert answer.status_code == 200, answer.text
        assert self.complete(repo, filename)["status"] == "ready"
        return repo

    def url(self, repo, filename="m.bin", status=200, **query):
        answer = self.ask("GET", f"/v1/files/{repo}/{filename}/download", status, params=query)
        return answer["url"] if status == 200 else answer
