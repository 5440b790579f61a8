"""Starts bridges as quickly as a process is forked: importing numpy is most of a start.

Standard input has a line of JSON for each order: a list of the bridge's arguments, before it the file for
its standard error, starts one, which says on standard output where it listens, or `ended`; `null` kills it, in
whatever it is doing, and is answered by `killed`. One bridge runs at a time. It is killed where standard input ends.
"""

import json
import os
import signal
import sys
import traceback

from beacon_bridge import __main__ as bridge


def start(said: str, arguments: list[str]) -> int:
    """The process of a bridge."""
    process = os.fork()
    if process:
        return process
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666), 2)
    code = 1
    try:
        code = bridge.main(arguments)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        print("ended", flush=True)
        sys.stderr.flush()
        os._exit(code)


def kill(process: int) -> None:
    """Ends a bridge at once."""
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)


def main() -> None:
    """Obeys until standard input ends."""
    process = None
    # Not by the buffered reader, whose buffer a child would have as well.
    for line in iter(lambda: _line(0), ""):
        order = json.loads(line)
        if order is None:
            kill(process)
            process = None
            print("killed", flush=True)
        else:
            process = start(order[0], order[1:])
    if process is not None:
        kill(process)


def _line(descriptor: int) -> str:
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(descriptor, 1)
        if not byte:
            return ""
        line += byte
    return line.decode()


main()
