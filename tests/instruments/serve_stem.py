"""DTMicroscope's own STEM server on a port of choice; its `run_server_stem` knows only 9091.

    python serve_stem.py PORT

Port 0 takes any that is free. Says `serving HOST:PORT` when it listens.
"""

import sys

import Pyro5.api
from DTMicroscope.server.server_stem import MicroscopeServer


def main():
    daemon = Pyro5.api.Daemon(port=int(sys.argv[1]))
    daemon.register(MicroscopeServer, objectId="microscope.server")
    print(f"serving {daemon.locationStr}", flush=True)
    daemon.requestLoop()


if __name__ == "__main__":
    main()
