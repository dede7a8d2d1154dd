"""The production server: workers and threads, a graceful stop, and a log that names nobody."""

from b12fhir.adapters.serving.doors import Listening, listen
from b12fhir.adapters.serving.log import set_up_log
from b12fhir.adapters.serving.relay import waits
from b12fhir.adapters.serving.server import Application, Serving, Worker, run_server

__all__ = [
    "Application",
    "Listening",
    "Serving",
    "Worker",
    "listen",
    "run_server",
    "set_up_log",
    "waits",
]
