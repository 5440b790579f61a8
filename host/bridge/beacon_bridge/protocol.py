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


LONGEST_TEXT = 200
"""Longest text of a request in characters."""


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
    if not _is_id(request.get("id")):
        raise Refusal("request", "`id` is neither a whole number of 64 bits nor a text")
    if not isinstance(request.get("call"), str):
        raise Refusal("request", "no `call`; expected its name, such as \"hello\"")
    return request


def _is_id(value: object) -> bool:
    """Whether an answer can repeat it."""
    if isinstance(value, str):
        return len(value) <= LONGEST_TEXT
    if isinstance(value, int):
        return not isinstance(value, bool) and abs(value) < 1 << 64
    return value is None


def number(request: dict, name: str) -> float:
    """A finite number of a request; `Refusal` when it is absent or something else."""
    value = request.get(name)
    told = Refusal("request", f"`{name}` is {_shown(value)}; expected a finite number")
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise told
    try:
        value = float(value)
    except OverflowError:
        raise told from None
    if not math.isfinite(value):
        raise told
    return value


def _shown(value: object) -> str:
    """A value of a request for a message, of which a host may have made it as long or deep as a line."""
    try:
        shown = repr(value)
    except (RecursionError, ValueError):
        return "too deep or too long to be shown"
    return shown if len(shown) <= LONGEST_TEXT else shown[:LONGEST_TEXT] + "…"


def text(request: dict, name: str) -> str:
    """A text of a request, of 1 to 200 characters; `Refusal` otherwise."""
    value = request.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= LONGEST_TEXT:
        told = f"`{name}` is {_shown(value)}; expected a text of 1 to {LONGEST_TEXT} characters"
        raise Refusal("request", told)
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
