"""When to stop asking a server: its answer would be the same for every patient."""

from collections.abc import Callable
from threading import Lock

from b12fhir.errors import AuditError, AuthError, B12Error, StoreError, TemporaryServerError

_UNAUTHORIZED, _FORBIDDEN = 401, 403


class Brake:
    """Goes on when the token is refused, when no record or state can be kept, or nobody answers.

    The last is believed after so many patients in a row, if ``answers`` says that the server does
    not answer anything else either: some records that cannot be read must not keep all others from
    their turn.

    A 403 does not count: some records are closed to us and others are not.
    """

    def __init__(self, give_up_after: int, answers: Callable[[], bool] = lambda: False) -> None:
        self._give_up_after = give_up_after
        self._answers = answers
        self._silent = 0
        self._lock = Lock()
        self.reason = ""

    @property
    def is_on(self) -> bool:
        """Should no further patient be tried?"""
        return bool(self.reason)

    def note(self, error: B12Error | None) -> None:
        """Take the outcome of one patient into account."""
        with self._lock:
            self._silent = self._silent + 1 if isinstance(error, TemporaryServerError) else 0
            if isinstance(error, AuthError) and error.status == _UNAUTHORIZED:
                self.reason = "The server refused the token, so no further patient was tried."
            elif isinstance(error, AuthError) and error.status != _FORBIDDEN:
                self.reason = f"{error} No further patient was tried."
            elif isinstance(error, AuditError):
                self.reason = "The audit record cannot be kept, so no further patient was tried."
            elif isinstance(error, StoreError):
                self.reason = f"{error} No further patient was tried."
            elif self._silent < self._give_up_after:
                return
            elif self._answers():
                self._silent = 0
            else:
                self.reason = "The server no longer answers, so no further patient was tried."
