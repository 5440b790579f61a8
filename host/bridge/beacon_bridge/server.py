"""Who is served: one host at a time, from its connection to its end.

All calls are carried out on the main thread, which is where signals arrive, so that an exposure
that is stopped blanks on its way out. A second thread minds the door. Whoever comes while a host
is served has a short thread of its own there: it is told that the instrument is taken, instead of
being left without an answer, or has the exposure under way aborted.

The server does not watch whether the host is alive during an exposure, and needs not to: an
exposure ends by itself after its dwell, blanked, and nothing further happens without another
request. What cannot be waited for is an exposure that does not end, and that is watched
(`autoscript`). Between exposures the beam is blanked, so that a silent host harms nothing; one
that is gone without a farewell is found by TCP's keep-alive.
"""

from __future__ import annotations

import contextlib
import math
import queue
import select
import socket
import threading
import time
from typing import Iterator

from .protocol import MAX_REQUEST, Refusal, answer, parse, refusal
from .service import Service

FIRST_REQUEST = 10.0
"""Within how many seconds a host has to say hello, so that nobody blocks the door in silence."""

AT_THE_DOOR = 1.0
"""Within how many seconds one who comes while another is served has to say what it wants."""

_TICK = 0.5
"""How often a wait looks up, in seconds: on Windows a signal does not interrupt one."""


class Server:
    """Listens from construction on; `serve` ends by an exception only: when it is stopped, or when
    the beam cannot be blanked."""

    def __init__(self, service: Service, host: str, port: int) -> None:
        self._service = service
        self._listener = socket.create_server((host, port))
        self.address = "{}:{}".format(*self._listener.getsockname()[:2])
        self._lock = threading.Lock()
        self._taken: list[socket.socket] = []
        self._admitted: queue.Queue[socket.socket] = queue.Queue()

    def serve(self) -> None:
        """Serves one host after the other."""
        threading.Thread(target=self._mind_door, daemon=True).start()
        while True:
            try:
                host = self._admitted.get(timeout=_TICK)
            except queue.Empty:
                continue
            try:
                self._service.admit()
                with host:
                    self._attend(host)
            except OSError:
                pass  # The host is gone, which is its business.
            finally:
                self._service.leave()
                with self._lock:
                    self._taken.remove(host)

    def _attend(self, host: socket.socket) -> None:
        greeted = False
        for line in _lines(host, FIRST_REQUEST):
            request = None
            try:
                request = parse(line)
                if not greeted and request["call"] not in ("hello", "abort"):
                    raise Refusal("request", f"{request['call']!r} before `hello`")
                content = answer(request, self._service.carry_out(request))
                greeted = greeted or request["call"] == "hello"
            except Refusal as error:
                content = refusal(request, error)
            except ValueError as error:
                told = Refusal("failed", f"no JSON can hold the answer: {error}")
                content = refusal(request, told)
            except (ArithmeticError, LookupError, RecursionError, TypeError) as error:
                # Whatever is odd about a line, the next one is served.
                told = f"not understood: {type(error).__name__}: {error}"
                content = refusal(request, Refusal("request", told))
            host.sendall(content)

    def _mind_door(self) -> None:
        while True:
            try:
                host, _ = self._listener.accept()
            except OSError:
                # Gone before it was let in, or no handles left: neither is for ever.
                time.sleep(_TICK)
                continue
            with self._lock:
                busy = any(not _has_left(other) for other in self._taken)
                if not busy:
                    self._taken.append(host)
            if busy:
                threading.Thread(target=self._at_door, args=[host], daemon=True).start()
            else:
                with contextlib.suppress(OSError):  # Gone already, which shows when it is read.
                    _keep_alive(host)
                self._admitted.put(host)

    def _at_door(self, host: socket.socket) -> None:
        """Aborts for one that asks for it, and turns everybody else away."""
        with host, contextlib.suppress(OSError):
            try:
                request = parse(_first(host))
            except Refusal:
                request = {"call": ""}
            if request["call"] != "abort":
                taken = "another host is served; one at a time: stop the other"
                _turn_away(host, "busy", taken)
                return
            try:
                self._service.abort()
                content = answer(request, {})
            except Exception as error:  # AutoScript's exceptions are its own.
                told = f"the beam could not be blanked: {type(error).__name__}: {error}"
                content = refusal(request, Refusal("failed", told))
            host.sendall(content)


def _first(host: socket.socket) -> bytes:
    """The first line, or what there is of it when time is up."""
    line, until = bytearray(), time.monotonic() + AT_THE_DOOR
    while b"\n" not in line and len(line) <= MAX_REQUEST:
        left = until - time.monotonic()
        if left <= 0:
            break
        host.settimeout(left)
        try:
            chunk = host.recv(4096)
        except socket.timeout:
            break
        if not chunk:
            break
        line += chunk
    return bytes(line).partition(b"\n")[0]


def _lines(host: socket.socket, first: float) -> Iterator[bytes]:
    """Lines until the host leaves, or until one is too long to be a request."""
    host.settimeout(_TICK)
    buffer, patience = bytearray(), first
    while True:
        try:
            chunk = host.recv(65536)
        except socket.timeout:
            patience -= _TICK
            if patience <= 0:
                return
            continue
        if not chunk:
            return
        searched = len(buffer)
        buffer += chunk
        while (end := buffer.find(b"\n", searched)) >= 0 and end <= MAX_REQUEST:
            line = bytes(buffer[:end])
            del buffer[: end + 1]
            searched = 0
            # An answer is as long as it is; only reading has to look up.
            host.settimeout(None)
            yield line
            host.settimeout(_TICK)
            patience = math.inf
        if len(buffer) > MAX_REQUEST:
            _turn_away(host, "request", f"a line above {MAX_REQUEST} bytes; expected one object")
            return


def _has_left(host: socket.socket) -> bool:
    """Whether a host has closed its connection, as far as this can be seen from outside."""
    try:
        readable, _, _ = select.select([host], [], [], 0)
        return bool(readable) and host.recv(1, socket.MSG_PEEK) == b""
    except socket.timeout:
        return False  # The main thread was faster to read, so there was something to read.
    except (OSError, ValueError):
        return True


def _turn_away(host: socket.socket, kind: str, message: str) -> None:
    """Says why, and lets the host read it before the connection is closed."""
    try:
        host.settimeout(1.0)
        host.sendall(refusal(None, Refusal(kind, message)))
        # Closing with something unread would reset the connection before the host reads this.
        host.shutdown(socket.SHUT_WR)
        host.recv(MAX_REQUEST)
    except OSError:
        pass


def _keep_alive(host: socket.socket) -> None:
    host.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    host.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "SIO_KEEPALIVE_VALS"):
        host.ioctl(socket.SIO_KEEPALIVE_VALS, (1, 10_000, 5_000))
    elif hasattr(socket, "TCP_KEEPIDLE"):
        for option, value in (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3)):
            host.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
