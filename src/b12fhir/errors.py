"""Every error of the program, drawn as a tree.

::

    B12Error                      carries a stable exit code
    ├── UserError                 the caller can mend it: one line, no traceback
    │   ├── UsageError        2   wrong options or arguments
    │   ├── InputError       10   a file or resource that cannot be read
    │   ├── PatientError     11   no patient, several patients, the wrong patient
    │   ├── ConfigError      12   a setting is missing or wrong
    │   ├── ProtocolError    13   a protocol pack is missing, faulty or refused
    │   ├── AuditError       14   the audit record cannot be written, or is not whole
    │   ├── StoreError       15   the database of what was done before cannot be used
    │   ├── ServerError      20   a FHIR server could not be used
    │   │   ├── TemporaryServerError  21   down, slow, 429 or 5xx: trying again may help
    │   │   ├── AuthError             22   401 or 403
    │   │   ├── RefusedError          23   the server refused what was sent (4xx)
    │   │   ├── ConflictError         24   409: someone else was first
    │   │   └── DuplicateError        25   412: several resources claim one identity
    │   ├── SignOffError     40   a plan cannot be signed, rejected, withdrawn or closed as asked
    │   │   ├── SignedError           41   done before, or somebody else was faster
    │   │   ├── PractitionerError     42   on behalf of nobody known and active
    │   │   ├── ChangedError          43   not what was proposed any more
    │   │   └── ConfirmationError     44   an explicit yes of the practitioner is missing
    │   └── HookError        50   a CDS Hooks call cannot be answered with cards
    │       ├── CallError             51   400: the call is not what the specification asks for
    │       ├── MissingDataError      52   412: data that a decision needs could not be had
    │       ├── UntrustedError        53   401: nobody known, or a token that is not good
    │       └── BookError             54   503: the book of cards and feedback cannot be used
    └── Defect               70   our own mistake: keeps its traceback

Exit codes are stable and never reused. ``PARTIAL`` (30) is no error class: it is what a run over
many patients returns when some of them could not be processed and all others were.

A message says what, where, why it matters and what to do. It holds no name, identifier or token.
"""

OK = 0
PARTIAL = 30


class B12Error(Exception):
    """Base of every error of the program.

    ``message`` is one actionable line; ``hint`` says what to do about it.
    """

    exit_code = 70

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class UserError(B12Error):
    """Something the caller can mend."""

    exit_code = 2


class UsageError(UserError):
    """Wrong options or arguments."""

    exit_code = 2


class InputError(UserError):
    """A file or a resource that cannot be read."""

    exit_code = 10


class PatientError(UserError):
    """No patient, several patients, or the wrong patient."""

    exit_code = 11


class ConfigError(UserError):
    """A setting is missing or wrong."""

    exit_code = 12


class ProtocolError(UserError):
    """A protocol pack is missing, faulty or refused."""

    exit_code = 13


class AuditError(UserError):
    """The audit record cannot be written or is not whole: nothing is written without a record."""

    exit_code = 14


class StoreError(UserError):
    """The database that keeps how far a sync has come cannot be used."""

    exit_code = 15


class ServerError(UserError):
    """A FHIR server could not be used.

    ``status`` is the HTTP status, if there was one. ``detail`` is the server's own text: it may
    quote a patient's data, so it is shown on the user's terminal only and is no part of ``str()``.
    """

    exit_code = 20

    def __init__(
        self, message: str, *, hint: str = "", status: int | None = None, detail: str = ""
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.detail = detail


class TemporaryServerError(ServerError):
    """Down, slow, 429 or 5xx: trying again later may help."""

    exit_code = 21


class AuthError(ServerError):
    """The server wants (another) authorization: 401 or 403."""

    exit_code = 22


class RefusedError(ServerError):
    """The server refused what was sent; its OperationOutcome is in ``detail``."""

    exit_code = 23


class ConflictError(ServerError):
    """409: another writer was first; read again before writing."""

    exit_code = 24


class DuplicateError(ServerError):
    """412: more than one resource claims the same identity."""

    exit_code = 25


class SignOffError(UserError):
    """A plan cannot be signed, rejected, withdrawn or closed as asked."""

    exit_code = 40


class SignedError(SignOffError):
    """It was done before, or somebody else was faster: look at the plan again."""

    exit_code = 41


class PractitionerError(SignOffError):
    """The practitioner to sign for is not known on the server, or not active."""

    exit_code = 42


class ChangedError(SignOffError):
    """The draft, or the record behind it, is not what was proposed any more."""

    exit_code = 43


class ConfirmationError(SignOffError):
    """Something must be said or chosen explicitly before this plan is signed."""

    exit_code = 44


class HookError(UserError):
    """A CDS Hooks call cannot be answered with cards.

    ``where`` is the path of the member that is at fault (``context.patientId``), or the prefetch
    key; ``""`` where there is none. Never a value of the call: it may name a patient.
    """

    exit_code = 50

    def __init__(self, message: str, *, hint: str = "", where: str = "") -> None:
        super().__init__(message, hint=hint)
        self.where = where


class CallError(HookError):
    """400: the call is not what the specification asks for."""

    exit_code = 51


class MissingDataError(HookError):
    """412: data that a decision needs could not be had; an empty answer would read "no finding"."""

    exit_code = 52


class UntrustedError(HookError):
    """401: nobody known, or a token that is not good. The caller is not told which."""

    exit_code = 53


class BookError(HookError):
    """503: the book of cards and feedback cannot be used now; cards are shown all the same.

    Only feedback and the report need it at once: no card waits for it or fails with it.
    """

    exit_code = 54


class Defect(B12Error):  # noqa: N818 - a defect is ours; errors are the user's
    """Our own mistake; keeps its traceback."""

    exit_code = 70
