"""A payment provider for tests: the part of Square's Payments API that a purchase uses."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN = "square-access-token-for-tests"
SETTINGS = {
    "provider": "square",
    "square_access_token": TOKEN,
    "square_application_id": "sandbox-app",
    "square_location_id": "LOC1",
    "square_environment": "sandbox",
}


class FakeSquare:
    """Counts what was charged. The nonce decides: ok, declined, broken (500), garbage (200 without a payment), cut (no answer)."""

    def __init__(self):
        self.payments = []
        self.requests = []
        self._known = {}
        self._lock = threading.Lock()
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def reply(self, status, body):
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
                if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                    return self.reply(401, {"errors": [{"category": "AUTHENTICATION_ERROR", "code": "UNAUTHORIZED"}]})
                if self.path.rstrip("/") != "/v2/payments":
                    return self.reply(404, {"errors": [{"category": "INVALID_REQUEST_ERROR", "code": "NOT_FOUND"}]})
                return fake.pay(self, body)

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.thread = threading.Thread(target=self.http.serve_forever, daemon=True)
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.http.server_address[1]}"

    def pay(self, handler, body):
        nonce = body.get("source_id", "")
        with self._lock:
            self.requests.append(body)
            if "broken" in nonce:
                return handler.reply(500, {"errors": [{"category": "API_ERROR", "code": "INTERNAL_SERVER_ERROR"}]})
            if "garbage" in nonce:
                return handler.reply(200, {"hello": "world"})
            if "cut" in nonce:
                handler.close_connection = True
                return handler.connection.close()
            if "declined" in nonce:
                return handler.reply(
                    402,
                    {
                        "errors": [
                            {
                                "category": "PAYMENT_METHOD_ERROR",
                                "code": "CARD_DECLINED",
                                "detail": "secret words of the bank",
                            }
                        ]
                    },
                )
            known = self._known.get(body.get("idempotency_key"))
            if known is None:
                known = {
                    "id": f"pay{len(self.payments) + 1}",
                    "status": "COMPLETED",
                    "source_type": "CARD",
                    "amount_money": body.get("amount_money"),
                    "total_money": body.get("amount_money"),
                    "location_id": body.get("location_id"),
                }
                self._known[body.get("idempotency_key")] = known
                self.payments.append(known)
            return handler.reply(200, {"payment": known})

    def close(self):
        self.http.shutdown()
        self.http.server_close()
        self.thread.join(5)
