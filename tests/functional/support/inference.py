"""Calls of models, by whoever has a credential, and what they cost."""

from support import onnx_file
from support.registry_users import User

PRICE = 0.001


def tensor(name, datatype, shape, data):
    return {"name": name, "datatype": datatype, "shape": shape, "data": data}


def infer(buyer, repo, inputs, status=200, path="", body=None, **options):
    """POST .../infer with the session of an account; its JSON."""
    answer = buyer.session.post(f"/v2/models/{repo}{path}/infer", json={"inputs": inputs, **(body or {})}, **options)
    assert answer.status_code == status, f"answers {status}: {answer.status_code} {answer.text[:500]}"
    return answer.json()


def says(answer, *words):
    assert list(answer) == ["error"], answer
    for word in words:
        assert word in answer["error"], f"{word!r} in {answer['error']!r}"


def publish(seller, content, filename="model.onnx", engine="onnx", visibility="public", **card):
    return seller.published(content, filename, engine=engine, visibility=visibility, **card)


class Market:
    """A seller with models by name, made when they are first asked for."""

    def __init__(self, server):
        self.server = server
        self.seller = User(server)
        self.repos = {}

    def __getitem__(self, name):
        if name not in self.repos:
            self.repos[name] = publish(self.seller, getattr(onnx_file, name)())
        return self.repos[name]

