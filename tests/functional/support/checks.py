"""What the contract says of every answer, in one place."""

import re
import uuid

JOB_KEYS = [
    "id",
    "filename",
    "model",
    "status",
    "error_message",
    "cost",
    "created_at",
    "started_at",
    "completed_at",
    "download_url",
    "demucs_command",
    "stem_count",
    "two_stem_type",
    "progress",
    "stems",
    "served_by",
]
NINE = [
    ("POST", "/upload"),
    ("GET", "/jobs"),
    ("GET", "/jobs/{id}"),
    ("GET", "/jobs/{id}/stems"),
    ("GET", "/download/{id}"),
    ("GET", "/download/{id}/vocals.wav"),
    ("DELETE", "/jobs"),
    ("POST", "/jobs/{id}/retry"),
    ("POST", "/jobs/{id}/cancel"),
]
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$")


def show(response):
    return f"got {response.status_code} {response.text[:400]!r}"


def answers(response, status, promise):
    """The status, and the headers that every answer carries."""
    assert response.status_code == status, f"{promise}: the contract demands {status}, {show(response)}"
    assert response.headers.get("X-Request-Id"), f"{promise}: X-Request-Id is on every response"
    assert response.headers.get("X-Content-Type-Options") == "nosniff", f"{promise}: every answer says nosniff"
    return response


def refused(response, status, detail, promise):
    """An error in the envelope {"detail": ...} with exactly this content."""
    answers(response, status, promise)
    assert response.headers.get("Content-Type") == "application/json", (
        f"{promise}: errors are application/json, {response.headers}"
    )
    assert response.json() == {"detail": detail}, (
        f'{promise}: the contract demands {{"detail": {detail!r}}}, {show(response)}'
    )
    if status == 401:
        assert response.headers.get("WWW-Authenticate") == "Bearer", (
            f"{promise}: every 401 carries WWW-Authenticate: Bearer"
        )
    return response


def entries(response, promise):
    """The list of a 422."""
    answers(response, 422, promise)
    body = response.json()
    assert list(body) == ["detail"] and isinstance(body["detail"], list), (
        f"{promise}: a 422 holds a list of entries, {show(response)}"
    )
    for entry in body["detail"]:
        assert list(entry)[:4] == ["type", "loc", "msg", "input"], (
            f"{promise}: an entry has type, loc, msg, input[, ctx], {entry}"
        )
    return body["detail"]


def value_error(response, where, field, sent, promise):
    """Exactly one entry: a value that was refused for a reason of ours."""
    found = entries(response, promise)
    assert len(found) == 1, f"{promise}: one entry per bad field, got {found}"
    entry = found[0]
    assert entry["type"] == "value_error" and entry["loc"] == [where, field], (
        f"{promise}: value_error at {where}.{field}, got {entry}"
    )
    assert entry["msg"].startswith("Value error, "), f"{promise}: msg is 'Value error, <reason>', got {entry}"
    assert entry["input"] == sent, f"{promise}: input is the value as sent, got {entry}"
    assert entry["ctx"] == {"error": {}}, f"{promise}: ctx is {{'error': {{}}}}, got {entry}"


def missing(field, body=None):
    return {"type": "missing", "loc": ["body", field], "msg": "Field required", "input": body}


def is_job(job, promise="the job object"):
    """Shape of section 3, whatever the state."""
    assert list(job) == JOB_KEYS, f"{promise}: all 16 keys in the order of the table, got {list(job)}"
    assert str(uuid.UUID(job["id"])) == job["id"] and uuid.UUID(job["id"]).version == 4, (
        f"{promise}: id is a lower-case UUID v4"
    )
    assert job["status"] in ("pending", "processing", "completed", "failed", "cancelled"), (
        f"{promise}: status, got {job['status']}"
    )
    assert TIME.match(job["created_at"]), f"{promise}: times are UTC, no zone, whole seconds, got {job['created_at']}"
    for name in ("started_at", "completed_at"):
        assert job[name] is None or TIME.match(job[name]), f"{promise}: {name} is a time or null, got {job[name]}"
    assert isinstance(job["progress"], int) and 0 <= job["progress"] <= 100, (
        f"{promise}: progress is 0..100, got {job['progress']}"
    )
    assert (job["progress"] == 100) == (job["status"] == "completed"), (
        f"{promise}: progress is 100 exactly when completed, got {job}"
    )
    assert (job["error_message"] is not None) == (job["status"] == "failed"), (
        f"{promise}: error_message only in failed, got {job}"
    )
    if job["completed_at"]:
        assert job["completed_at"] >= job["created_at"], f"{promise}: completed_at is never before created_at"
    return job


def is_pending(job, promise="an accepted upload"):
    is_job(job, promise)
    assert job["status"] == "pending" and job["progress"] == 0, f"{promise}: status pending, progress 0, got {job}"
    for name in ("started_at", "completed_at", "download_url", "demucs_command", "served_by", "error_message"):
        assert job[name] is None, f"{promise}: {name} is null before the first start, got {job[name]}"
    assert job["stems"] == [], f"{promise}: no stems yet, got {job['stems']}"
    return job
