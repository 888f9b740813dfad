"""HTTP over a bare socket: for requests that no client library will send, and answers none will show."""

import contextlib
import socket
import json


class RawResponse:
    def __init__(self, status, reason, headers, body):
        self.status = status
        self.reason = reason
        self.headers = headers
        self.body = body

    def header(self, name):
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def json(self):
        return json.loads(self.body)

    def detail(self):
        return self.json().get("detail")

    def __repr__(self):
        return f"<{self.status} {self.reason} {self.body[:200]!r}>"


class RawConnection:
    def __init__(self, server, timeout=30):
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.close()

    def abort(self):
        """Goes away with a reset, as a crashed client does."""
        import struct

        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def send(self, data):
        self.socket.sendall(data)

    def _more(self):
        piece = self.socket.recv(65536)
        if not piece:
            raise EOFError("the server closed the connection")
        self.buffer += piece

    def _line(self):
        while b"\r\n" not in self.buffer:
            self._more()
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def _exactly(self, size):
        while len(self.buffer) < size:
            self._more()
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    def response(self, head=False, timeout=30):
        """The next answer, interim ones (1xx) included."""
        self.socket.settimeout(timeout)
        _, status, *reason = self._line().decode().split(" ", 2)
        headers = []
        while line := self._line():
            name, _, value = line.decode("latin-1").partition(":")
            headers.append((name, value.strip()))
        answer = RawResponse(int(status), " ".join(reason), headers, b"")
        if head or answer.status < 200 or answer.status in (204, 304):
            return answer
        if (answer.header("Transfer-Encoding") or "").lower() == "chunked":
            while size := int(self._line().split(b";")[0], 16):
                answer.body += self._exactly(size)
                self._line()
            while self._line():
                pass
        elif answer.header("Content-Length") is not None:
            answer.body = self._exactly(int(answer.header("Content-Length")))
        else:
            with contextlib.suppress(EOFError):
                while True:
                    self._more()
            answer.body, self.buffer = self.buffer, b""
        return answer

    def is_quiet(self, seconds=0.3):
        """No byte comes and the connection stays open."""
        if self.buffer:
            return False
        self.socket.settimeout(seconds)
        try:
            piece = self.socket.recv(1)
        except (TimeoutError, socket.timeout):
            return True
        self.buffer += piece
        return False

    def is_closed(self, timeout=15):
        """Reads to the end of the stream; true if no further byte comes before it."""
        self.socket.settimeout(timeout)
        try:
            while True:
                piece = self.socket.recv(65536)
                if not piece:
                    return not self.buffer
                self.buffer += piece
        except ConnectionResetError:
            return not self.buffer
        except (TimeoutError, socket.timeout):
            return False


def request(method, target, headers=(), body=b"", version="1.1", host="127.0.0.1"):
    """The bytes of one request; Content-Length only if there is a body or one was asked for."""
    headers = dict(headers)
    lines = [f"{method} {target} HTTP/{version}"]
    if host is not None:
        lines.append(f"Host: {host}")
    if body and not {"content-length", "transfer-encoding"} & {name.lower() for name in headers}:
        headers["Content-Length"] = str(len(body))
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def chunked(*pieces):
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces if piece) + b"0\r\n\r\n"


BOUNDARY = "tollhouse-test-boundary"
FORM = f"multipart/form-data; boundary={BOUNDARY}"


def part(content, disposition, *headers):
    lines = [f"Content-Disposition: {disposition}", *headers]
    head = "\r\n".join(lines)
    return b"--" + BOUNDARY.encode() + b"\r\n" + head.encode() + b"\r\n\r\n" + content + b"\r\n"


def text_field(name, value):
    return part(value if isinstance(value, bytes) else value.encode(), f'form-data; name="{name}"')


def file_field(content, filename="song.wav", name="file"):
    return part(content, f'form-data; name="{name}"; filename="{filename}"')


def form(*parts):
    return b"".join(parts) + b"--" + BOUNDARY.encode() + b"--\r\n"
