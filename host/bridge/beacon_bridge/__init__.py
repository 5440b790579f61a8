"""Serves a microscope that Python drives to one BEACON host at a time, one JSON object a line.

`protocol` says what a line may hold, `service` what each call does, `server` who is served;
`autoscript` alone knows Thermo Fisher's AutoScript, and `standin` takes its place where there is
none. The protocol is documented in the README beside this package.
"""

__version__ = "0.1.0"
