"""Keys and tokens as the contract describes them, made from outside."""

import base64
import hashlib
import hmac
import json
import zlib

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def checksum(text):
    """CRC-32 of all that precedes it, in base62, most significant first, left-padded with 0 to six."""
    value, digits = zlib.crc32(text.encode()), ""
    while value:
        value, digit = divmod(value, 62)
        digits = ALPHABET[digit] + digits
    return digits.rjust(6, "0")


def plausible_key(filler="A"):
    """A stems key with a right length and checksum that nobody was ever given."""
    body = "sk_" + (filler * 37)[:37]
    return body + checksum(body)


def spoiled(key):
    """The same key with its last character changed."""
    return key[:-1] + ("0" if key[-1] != "0" else "1")


def _segment(value):
    data = value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def claims_of(token):
    middle = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))


def token(claims, secret, header=None):
    head = _segment(header or {"alg": "HS256", "typ": "JWT"})
    signed = f"{head}.{_segment(claims)}"
    return f"{signed}.{_segment(hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest())}"
