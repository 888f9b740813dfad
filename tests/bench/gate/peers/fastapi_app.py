"""Environment: GATE_KEY, GATE_BODY (a file)."""

import hashlib
import json
import os
import time

from fastapi import Depends, FastAPI, HTTPException, Request, Response

KEYS = {hashlib.sha256(os.environ["GATE_KEY"].encode()).digest(): {"scopes": {"read:tracks"}}}
BODY = json.load(open(os.environ["GATE_BODY"]))
LIMIT = 1_000_000_000
used = {}
app = FastAPI()


async def gate(request: Request, response: Response):
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    digest = hashlib.sha256(secret.encode()).digest()
    key = KEYS.get(digest)
    if scheme.lower() != "bearer" or key is None:
        raise HTTPException(401, "Invalid API key")
    if "read:tracks" not in key["scopes"]:
        raise HTTPException(403, "Insufficient permissions")
    now, left = int(time.time()), LIMIT
    for length in (60, 3600, 86400):
        window = (digest, length)
        number, count = used.get(window, (0, 0))
        count = count + 1 if number == now // length else 1
        used[window] = (now // length, count)
        if count > LIMIT:
            raise HTTPException(429, "Rate limit exceeded")
        left = min(left, LIMIT - count)
    response.headers["X-RateLimit-Remaining"] = str(left)


@app.get("/tracks/{track_id}", dependencies=[Depends(gate)])
async def track(track_id: str):
    return BODY
