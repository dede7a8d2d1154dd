"""Requests to addresses that are no FHIR server: as bounded and as patient, and without a token."""

import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime

from b12fhir.adapters.server.answers import Failure
from b12fhir.adapters.server.retry import Patience, Waits
from b12fhir.adapters.server.tls import Tls
from b12fhir.adapters.server.transport import Limits, Transport
from b12fhir.errors import TemporaryServerError
from b12fhir.kernel.http import Answer, Request

_BUSY = 429
_FAULT = 500


class Web:
    """The web as `b12fhir.kernel.http.Web`. ``pause`` waits seconds. Safe to use from threads."""

    def __init__(
        self,
        *,
        limits: Limits | None = None,
        patience: Patience | None = None,
        tls: Tls | None = None,
        pause: Callable[[float], None] = time.sleep,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._limits = limits or Limits()
        self._patience = patience or Patience()
        self._tls = tls
        self._pause = pause
        self._clock = clock

    def ask(self, where: str, make: Callable[[], Request]) -> Answer:
        """What ``where`` answers, with any status but 429 and 5xx, which are tried again."""
        waits = Waits(self._patience)
        with closing(Transport(where, self._limits, self._tls)) as transport:
            while True:
                answer = self._try(transport, where, make())
                if not isinstance(answer, Failure):
                    return answer
                wait = waits.after(answer.wait)
                if wait is None:
                    raise answer.error
                self._pause(wait)

    def _try(self, transport: Transport, where: str, request: Request) -> Answer | Failure:
        try:
            answer = transport.send(request)
        except TemporaryServerError as error:
            return Failure(error, again=True)
        if answer.status != _BUSY and answer.status < _FAULT:
            return answer
        busy = TemporaryServerError(
            f"{where} answered {answer.status} while {request.doing}.",
            hint="It is busy or has a problem: try again later, or ask its operator.",
            status=answer.status,
        )
        asked = self._patience.asked(answer.headers.get("retry-after"), self._clock())
        return Failure(busy, again=True, wait=asked)
