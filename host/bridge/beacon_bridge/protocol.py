"""What a line may hold: requests in, answers and errors out."""

from __future__ import annotations

import json
import math

PROTOCOL = "beacon-bridge"
"""Name of the protocol, said by both sides."""

VERSIONS = (1,)
"""Versions that this server speaks, the best one last."""

MAX_REQUEST = 65536
"""Longest request in bytes; none is near it, so what is longer is no request."""


class Refusal(Exception):
    """A request that is not carried out; `kind` is for programs, the message for people.

    Kinds: `request` (malformed, or unknown here), `version`, `busy` (another host is served),
    `outside` (of the frame), `key` (used before for something else), `aborted` (by somebody at the
    door), `failed` (the instrument).
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def parse(line: bytes) -> dict:
    """The request in a line; `Refusal` when it is none."""
    try:
        request = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise Refusal("request", f"not JSON: {error}; expected one object a line") from None
    if not isinstance(request, dict):
        raise Refusal("request", "not an object; expected one object a line")
    if not isinstance(request.get("call"), str):
        raise Refusal("request", "no `call`; expected its name, such as \"hello\"")
    return request


def number(request: dict, name: str) -> float:
    """A finite number of a request; `Refusal` when it is absent or something else."""
    value = request.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise Refusal("request", f"`{name}` is {value!r}; expected a finite number")
    return float(value)


def text(request: dict, name: str) -> str:
    """A text of a request, of 1 to 200 characters; `Refusal` otherwise."""
    value = request.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= 200:
        raise Refusal("request", f"`{name}` is {value!r}; expected a text of 1 to 200 characters")
    return value


def answer(request: dict, content: dict) -> bytes:
    """The line that answers a request."""
    return _line({"id": request.get("id"), "ok": content})


def refusal(request: dict | None, error: Refusal) -> bytes:
    """The line that refuses a request, or whatever it was that could not be read as one."""
    message = " ".join(str(error).split()) or "no reason given"
    number = request.get("id") if request else None
    return _line({"id": number, "error": {"kind": error.kind, "message": message}})


def _line(content: dict) -> bytes:
    # NaN and infinity are no JSON: a value that is none must be an error here, not at the host.
    return json.dumps(content, allow_nan=False, separators=(",", ":")).encode() + b"\n"
