"""A certificate of our own for loopback, made afresh at every start: kubectl shows its token only over TLS.

ECDSA P-256 and just enough DER; nothing secret outlives the process."""

from __future__ import annotations

import base64
import hashlib
import secrets
from datetime import UTC, datetime, timedelta

# SEC 2, secp256r1
_P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
_N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
_A = -3
_DAYS = 30

Point = tuple[int, int] | None


def _sum(left: Point, right: Point) -> Point:
    if left is None or right is None:
        return left or right
    (x1, y1), (x2, y2) = left, right
    if x1 == x2 and (y1 + y2) % _P == 0:
        return None
    slope = (3 * x1 * x1 + _A) * pow(2 * y1, -1, _P) if left == right else (y2 - y1) * pow(x2 - x1, -1, _P)
    x = (slope * slope - x1 - x2) % _P
    return x, (slope * (x1 - x) - y1) % _P


def _times(number: int, point: Point) -> tuple[int, int]:
    total: Point = None
    while number:
        if number & 1:
            total = _sum(total, point)
        point = _sum(point, point)
        number >>= 1
    assert total is not None
    return total


def _tagged(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    size = len(content)
    if size < 128:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 128 + len(length))) + length + content


def _integer(number: int) -> bytes:
    return _tagged(2, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def _sequence(*parts: bytes) -> bytes:
    return _tagged(0x30, *parts)


def _oid(text: str) -> bytes:
    first, second, *rest = (int(part) for part in text.split("."))
    out = bytearray([first * 40 + second])
    for number in rest:
        chunk = [number & 0x7F]
        while number := number >> 7:
            chunk.append(number & 0x7F | 0x80)
        out += bytes(reversed(chunk))
    return _tagged(6, bytes(out))


def _bits(content: bytes, unused: int = 0) -> bytes:
    return _tagged(3, bytes((unused,)), content)


def _time(moment: datetime) -> bytes:
    return _tagged(0x17, moment.strftime("%y%m%d%H%M%SZ").encode())


def _extension(oid: str, value: bytes, *, is_critical: bool = False) -> bytes:
    critical = _tagged(1, b"\xff") if is_critical else b""
    return _sequence(_oid(oid), critical, _tagged(4, value))


def _pem(kind: str, der: bytes) -> str:
    text = base64.encodebytes(der).decode().replace("\n", "")
    lines = [text[i : i + 64] for i in range(0, len(text), 64)]
    return "\n".join([f"-----BEGIN {kind}-----", *lines, f"-----END {kind}-----", ""])


def _raw(point: tuple[int, int]) -> bytes:
    return b"\x04" + point[0].to_bytes(32, "big") + point[1].to_bytes(32, "big")


def _signature(key: int, message: bytes) -> bytes:
    digest = int.from_bytes(hashlib.sha256(message).digest(), "big")
    once = secrets.randbelow(_N - 1) + 1
    r = _times(once, _G)[0] % _N
    s = pow(once, -1, _N) * (digest + r * key) % _N
    return _sequence(_integer(r), _integer(s))


def loopback_certificate() -> tuple[str, str]:
    """(certificate, private key) as PEM, self-signed, for 127.0.0.1, ::1, localhost and kubernetes."""
    key = secrets.randbelow(_N - 1) + 1
    public = _raw(_times(key, _G))
    algorithm = _sequence(_oid("1.2.840.10045.4.3.2"))
    name = _sequence(_tagged(0x31, _sequence(_oid("2.5.4.3"), _tagged(0x0C, b"quarterdeck practice"))))
    now = datetime.now(UTC)
    valid = _sequence(_time(now - timedelta(hours=1)), _time(now + timedelta(days=_DAYS)))
    curve = _sequence(_oid("1.2.840.10045.2.1"), _oid("1.2.840.10045.3.1.7"))
    names = _sequence(
        _tagged(0x82, b"localhost"),
        _tagged(0x82, b"kubernetes"),
        _tagged(0x87, bytes((127, 0, 0, 1))),
        _tagged(0x87, b"\x00" * 15 + b"\x01"),
    )
    extensions = _sequence(
        _extension("2.5.29.19", _sequence(_tagged(1, b"\xff")), is_critical=True),
        _extension("2.5.29.15", _bits(b"\x84", 2), is_critical=True),
        _extension("2.5.29.37", _sequence(_oid("1.3.6.1.5.5.7.3.1"))),
        _extension("2.5.29.17", names),
        _extension("2.5.29.14", _tagged(4, hashlib.sha1(public).digest())),
    )
    body = _sequence(
        _tagged(0xA0, _integer(2)),
        _integer(secrets.randbits(120)),
        algorithm,
        name,
        valid,
        name,
        _sequence(curve, _bits(public)),
        _tagged(0xA3, extensions),
    )
    certificate = _sequence(body, algorithm, _bits(_signature(key, body)))
    private = _sequence(
        _integer(1),
        _tagged(4, key.to_bytes(32, "big")),
        _tagged(0xA0, _oid("1.2.840.10045.3.1.7")),
        _tagged(0xA1, _bits(public)),
    )
    return _pem("CERTIFICATE", certificate), _pem("EC PRIVATE KEY", private)
