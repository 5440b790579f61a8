"""Remembers the last acquisitions by their key, so that a lost answer is given again instead of
being measured again.

With a file, both the beginning and the completion of an exposure are on disk before anything
else happens: before the beam is unblanked, and before the host is answered. A server that was
killed then knows after its restart which spectra it has, and which exposures it began without
having one to show. Those the host asks for again: nobody can give back their spectrum. How many
there were is told with the answer, because their dose is on the sample.
"""

from __future__ import annotations

import json
import os
from collections import OrderedDict

from .protocol import Refusal

KEPT = 4
"""Acquisitions kept. A host has one under way and asks again for no other; the rest is margin."""

_FORMAT = "beacon-bridge-answers"
_VERSION = 1


class StateError(Exception):
    """The state file cannot be used; the message says why."""


class Answers:
    """The last acquisitions, in memory and, where a path is given, on disk."""

    def __init__(self, path: str | None = None) -> None:
        self._path = path
        self._kept: OrderedDict[str, dict] = OrderedDict()
        # Each as it is in the file: a spectrum is turned into text once, not at every write.
        self._written: dict[str, str] = {}
        if path is not None and os.path.exists(path):
            self._kept = _read(path)
        if path is not None:
            # A folder that is full or read-only shows now, and not with a spectrum in hand.
            self._write(*self._kept)

    def recall(self, key: str, asked: dict) -> dict | None:
        """The answer that was given under this key; `Refusal` when it was to another request."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        if kept["asked"] != asked:
            raise Refusal("key", f"key {key!r} was used for {kept['asked']}, not for {asked}")
        return kept["answer"]

    def begin(self, key: str, asked: dict) -> int:
        """Notes that an exposure begins, and tells how many began before and never completed."""
        kept = self._kept.setdefault(key, {"asked": asked, "begun": 0, "answer": None})
        self._kept.move_to_end(key)
        kept["begun"] += 1
        while len(self._kept) > KEPT:
            forgotten, _ = self._kept.popitem(last=False)
            self._written.pop(forgotten, None)
        try:
            self._write(key)
        except OSError:
            # Nothing was exposed, because what cannot be recorded is not begun.
            kept["begun"] -= 1
            raise
        return kept["begun"] - 1

    def complete(self, key: str, answer: dict) -> None:
        """Notes the answer to an exposure that began."""
        self._kept[key]["answer"] = answer
        self._write(key)

    def _write(self, *changed: str) -> None:
        if self._path is None:
            return
        for key in changed:
            self._written[key] = json.dumps({"key": key, **self._kept[key]})
        kept = ",\n".join(self._written[key] for key in self._kept)
        head = f'"format":"{_FORMAT}","version":{_VERSION}'
        content = f'{{{head},"exposures":[\n{kept}\n]}}\n'
        beside = f"{self._path}.new"
        with open(beside, "w", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # The file is the old one or the new one at any instant, never half of either.
        os.replace(beside, self._path)
        _sync_folder(os.path.dirname(os.path.abspath(self._path)))


def _read(path: str) -> OrderedDict:
    try:
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
        if (content["format"], content["version"]) != (_FORMAT, _VERSION):
            raise StateError(
                f"{path}: is {content['format']!r} of version {content['version']}; expected "
                f"{_FORMAT!r} of version {_VERSION}"
            )
        return OrderedDict(
            (kept["key"], {name: kept[name] for name in ("asked", "begun", "answer")})
            for kept in content["exposures"]
        )
    except OSError as error:
        raise StateError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise StateError(
            f"{path}: damaged ({error!r}); it is written atomically, so something else wrote to "
            "it: name another file, and expect the last exposure to be asked for again"
        ) from None


def _sync_folder(folder: str) -> None:
    if os.name != "posix":
        return  # Windows has no handle of a folder to sync; its file system logs the rename.
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
