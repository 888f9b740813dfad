"""Organisations, workflows and deployments, as the tests of that surface make them."""

import itertools
import re
import uuid

from support.accounts import Client
from support.checks import show
from support.polling import until

KEY = re.compile(r"^unst_[A-Za-z0-9_-]{43}$")
ENDED = ("COMPLETED", "ERROR", "STOPPED")
_names = itertools.count(1)

# Gives back the number that stands behind "Total:" in the text, or what input_data says it is.
FIND_TOTAL = [
    {"id": "in", "uses": "source.request"},
    {"id": "total", "uses": "transform.map", "with": {"output": {"found": "{{steps.in.text}}"}}},
    {"id": "out", "uses": "sink.response"},
]
ECHO = [
    {"id": "in", "uses": "source.request"},
    {"id": "out", "uses": "sink.response", "with": {"value": "{{steps.in.text}}"}},
]


def unused_id():
    return str(uuid.uuid4())


def errors(answer):
    return answer.json()["errors"]


def attrs(answer):
    return [error["attr"] for error in errors(answer)]


class Organisation:
    """An account's organisation and what it may do there; `manage` is the session."""

    def __init__(self, account):
        self.server = account.server
        self.account = account
        self.manage = account.session
        self.id = self.manage.get("/unstract/api/v2/organization/").json()[0]["id"]
        self.base = f"/unstract/{self.id}/api/v2"
        self.deployments = f"{self.base}/api-deployment/"

    def workflow(self, steps=FIND_TOTAL, **fields):
        body = {"name": f"workflow {next(_names)}", "type": "API", "input_schema": {}, "steps": steps, **fields}
        answer = self.manage.post(f"{self.base}/workflow/", json=body)
        assert answer.status_code == 201, f"a valid workflow is saved: {show(answer)}"
        return answer.json()["id"]

    def try_deploy(self, **fields):
        return self.manage.post(self.deployments, json=fields)

    def deploy(self, workflow=None, **fields):
        workflow = workflow or self.workflow()
        answer = self.try_deploy(**{"api_name": f"api-{next(_names)}", "workflow": workflow, **fields})
        assert answer.status_code == 201, f"a valid deployment is made: {show(answer)}"
        return Deployment(self, answer.json())

    def management_key(self):
        answer = self.manage.post(f"{self.base}/api-keys/", json={"name": "m", "kind": "management"})
        assert answer.status_code == 201, show(answer)
        return answer.json()["api_key"]


class Deployment:
    """One deployment and its first key."""

    def __init__(self, organisation, made):
        self.organisation = organisation
        self.server = organisation.server
        self.made = made
        self.id = made["id"]
        self.name = made["api_name"]
        self.use(made["api_key"])
        self.path = f"{organisation.deployments}{self.id}/"
        self.compat = f"/deployment/api/{organisation.id}/{self.name}/"

    def use(self, key):
        self.key = key
        self.client = Client(self.server, key)
        self.execute_path = f"/deployment/{key}/"

    def patch(self, **fields):
        answer = self.organisation.manage.patch(self.path, json=fields)
        assert answer.status_code == 200, show(answer)
        return answer.json()

    def execute(self, text=None, client=None, **fields):
        if text is not None:
            fields.setdefault("input_data", {"text": text})
        return (client or self.client).post(self.execute_path, json=fields)

    def started(self, text="Total: 42", **fields):
        answer = self.execute(text, **fields)
        assert answer.status_code in (200, 202), f"a valid call is accepted: {show(answer)}"
        return answer.json()["execution_id"]

    def status(self, execution, **options):
        return self.client.get(f"/deployment/{self.key}/status/{execution}/", **options)

    def result(self, execution, **options):
        return self.client.get(f"/deployment/{self.key}/result/{execution}/", **options)

    def cancel(self, execution):
        return self.client.post(f"/deployment/{self.key}/cancel/{execution}/")

    def wait(self, execution, seconds=20):
        """R once the execution has ended."""

        def ended():
            answer = self.status(execution)
            assert answer.status_code == 200, show(answer)
            return answer.json() if answer.json()["status"] in ENDED else None

        return until(ended, f"execution {execution} ends", seconds)

    def finished(self, text="Total: 42", **fields):
        return self.wait(self.started(text, **fields))

    def executions(self):
        """How many the history knows."""
        return self.organisation.manage.get(
            f"{self.organisation.base}/execution/", params={"deployment": self.id}
        ).json()["count"]

    def usage(self, **query):
        return self.organisation.manage.get(f"{self.path}usage/", params=query).json()

    def keys(self):
        return self.organisation.manage.get(f"{self.path}keys/").json()["results"]

    def key_path(self, index=0):
        return f"{self.path}keys/{self.keys()[index]['id']}/"
