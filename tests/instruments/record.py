"""Records what Pyro5's own client and DTMicroscope's own server say to each other.

    python record.py SESSION REFUSALS

Request, answer, request, answer, as they were on the line. SESSION is everything that a campaign of
three points asks for, on the 12 x 10 pixels of 16 channels that `make_nsid.py` writes; REFUSALS is
what a server says that has no data, and to questions outside of them, less the tracebacks, which
name folders of the machine.
"""

import contextlib
import json
import os
import pathlib
import socket
import struct
import subprocess
import sys
import tempfile
import threading

import Pyro5.api
import Pyro5.errors
from DTMicroscope.server.server_stem import MicroscopeServer

HERE = pathlib.Path(__file__).parent
FILE = "twin.h5"


def whole(line, count):
    """That many bytes; none at the end."""
    data = b""
    while len(data) < count:
        more = line.recv(count - len(data))
        if not more:
            return None
        data += more
    return data


def message(line):
    """One message: a header, annotations and data."""
    header = whole(line, 40)
    if header is None:
        return None
    data, annotations = struct.unpack("!II", header[12:20])
    return header + whole(line, data + annotations)


def without_traceback(answer):
    """The same answer; an exception loses what Pyro adds to it."""
    flags = struct.unpack("!H", answer[8:10])[0]
    if not flags & 1:
        return answer
    exception = json.loads(answer[40:])
    exception["attributes"].pop("_pyroTraceback")
    data = json.dumps(exception).encode()
    return answer[:12] + struct.pack("!I", len(data)) + answer[16:40] + data


def relay(listener, port, log):
    """Passes on what a client and the server say, one after the other, and writes it down."""
    client, _ = listener.accept()
    with client, socket.create_connection(("localhost", port)) as server:
        while request := message(client):
            server.sendall(request)
            answer = message(server)
            client.sendall(answer)
            log.write(request + without_traceback(answer))


@contextlib.contextmanager
def recorded(port, path):
    """A client whose conversation goes to a file."""
    with open(path, "wb") as log, socket.create_server(("localhost", 0)) as listener:
        thread = threading.Thread(target=relay, args=(listener, port, log))
        thread.start()
        uri = f"PYRO:microscope.server@localhost:{listener.getsockname()[1]}"
        with Pyro5.api.Proxy(uri) as proxy:
            yield proxy
        thread.join()


def refused(method, *parameters):
    """Asks for what the server has to refuse."""
    try:
        method(*parameters)
    except Pyro5.errors.CommunicationError:
        raise
    except Exception as error:
        print(f"{type(error).__name__}: {error}")
    else:
        raise SystemExit(f"{parameters} was not refused")


def main():
    session, refusals = (os.path.abspath(path) for path in sys.argv[1:])
    Pyro5.config.SERIALIZER = "json"
    os.chdir(tempfile.mkdtemp())
    size = ["--rows", "12", "--columns", "10", "--channels", "16"]
    subprocess.run([sys.executable, HERE / "make_nsid.py", FILE, *size], check=True)
    daemon = Pyro5.api.Daemon()
    daemon.register(MicroscopeServer, objectId="microscope.server")
    threading.Thread(target=daemon.requestLoop, daemon=True).start()
    port = int(daemon.locationStr.rsplit(":", 1)[1])

    spectra = "Channel_001"
    with recorded(port, session) as server:
        server.initialize_microscope("STEM")
        server.register_data(FILE)
        server.get_spectrum_image_e_axis(spectra)
        server.get_overview_image()
        for row, column in [(11, 9), (0, 0), (3, 7), (8, 2)]:
            server.get_point_data(spectra, row, column)
        server.get_overview_image()
    with recorded(port, refusals) as server:
        refused(server.get_spectrum_image_e_axis, spectra)
        server.initialize_microscope("STEM")
        refused(server.register_data, "absent.h5")
        server.register_data(FILE)
        refused(server.get_spectrum_image_e_axis, "Channel_000")
        refused(server.get_point_data, "Channel_009", 0, 0)
        refused(server.get_point_data, spectra, 12, 0)


if __name__ == "__main__":
    main()
