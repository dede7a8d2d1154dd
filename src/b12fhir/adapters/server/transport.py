"""One HTTP exchange: bounded in time and size, never redirected, with the token kept at home."""

import math
import ssl
import threading
import time
from dataclasses import dataclass

import requests
from requests.auth import AuthBase
from urllib3.exceptions import DecodeError, ProtocolError, ReadTimeoutError, SSLError

from b12fhir.adapters.server.tls import Tls
from b12fhir.errors import ServerError, TemporaryServerError
from b12fhir.kernel.http import Answer, Request

_CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds to connect, to wait for the next byte, and for a whole answer; bytes of an answer.

    ``until`` is a moment of ``time.monotonic()`` by which all exchanges together must be over. To
    keep to it, none may wait for its next byte for more than half of the time that is left.
    """

    connect_s: float = 10
    read_s: float = 60
    total_s: float = 300
    answer_bytes: int = 64 * 1024 * 1024
    until: float = math.inf


class Transport:
    """Sends requests, one session for each thread.

    Errors name the base and what was being done, never the URL: it may hold a patient's id.
    """

    def __init__(self, base: str, limits: Limits, tls: Tls | None = None) -> None:
        self._base = base
        self._limits = limits
        self._tls = tls or Tls()
        self._local = threading.local()
        self._sessions: list[requests.Session] = []

    def send(self, request: Request, token: str = "") -> Answer:
        """Send once, with a bearer token if there is one.

        Raises `TemporaryServerError` if the answer did not come, or not whole.
        """
        limits = self._limits
        left = limits.until - time.monotonic()
        if left <= 0:
            raise self._temporary("left no time for an answer", request.doing)
        try:
            wait = min(limits.read_s, left / 2)
            with self._session(request.url).request(
                request.method,
                request.url,
                data=request.body,
                headers=dict(request.headers),
                auth=_Bearer(token),
                timeout=(min(limits.connect_s, left), wait),
                allow_redirects=False,
                stream=True,
            ) as response:
                headers = {name.lower(): value for name, value in response.headers.items()}
                body = self._body(response, request.doing, wait)
                return Answer(response.status_code, headers, body)
        except (requests.exceptions.SSLError, SSLError) as error:
            raise self._insecure(request.doing, cut=_is_cut(error)) from None
        except (requests.exceptions.Timeout, ReadTimeoutError):
            raise self._temporary("did not answer in time", request.doing) from None
        except (ProtocolError, DecodeError):
            raise self._temporary("broke off its answer", request.doing) from None
        except requests.exceptions.ConnectionError:
            raise self._temporary("could not be reached", request.doing) from None
        except requests.exceptions.RequestException as error:
            # Its text holds the URL, and so perhaps a patient's id: only its kind is told.
            raise ServerError(
                f"{self._base}: the request failed ({type(error).__name__}) while {request.doing}."
            ) from None

    def close(self) -> None:
        """Close the connections of every thread."""
        while self._sessions:
            self._sessions.pop().close()
        self._local = threading.local()

    def _session(self, url: str) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._opened(url)
            self._local.session = session
            self._sessions.append(session)
        return session

    def _opened(self, url: str) -> requests.Session:
        """A session that has asked the environment for proxies and authorities, once.

        Left to itself it asks at each request, at a tenth of what one costs us. All of them go to
        the host of ``url``.
        """
        session = requests.Session()
        verify, cert = self._tls.verify, self._tls.shown
        found = session.merge_environment_settings(url, {}, None, verify, cert)
        session.proxies = found["proxies"]
        session.verify, session.cert = found["verify"], found["cert"]
        session.trust_env = False
        return session

    def _body(self, response: requests.Response, doing: str, wait: float) -> bytes:
        """Read the answer, decompressed, as far as the limits allow.

        Whoever begins to wait for the next piece must be able to wait ``wait`` seconds.
        """
        deadline = min(time.monotonic() + self._limits.total_s, self._limits.until - wait)
        body = bytearray()
        # As it arrives: `iter_content` waits until a piece is full, without end if a server drips.
        while chunk := response.raw.read1(_CHUNK, decode_content=True):
            body += chunk
            if len(body) > self._limits.answer_bytes:
                raise ServerError(
                    f"{self._base} sent more than {self._limits.answer_bytes} bytes while {doing}.",
                    hint="Its pages are too large: ask for a smaller page size on the server.",
                )
            if time.monotonic() > deadline:
                raise self._temporary("did not finish its answer in time", doing)
        return bytes(body)

    def _insecure(self, doing: str, *, cut: bool) -> ServerError:
        if cut:
            return TemporaryServerError(
                f"{self._base} ended the secure connection (TLS) while {doing}.",
                hint="It may be starting again: try later. If it lasts, it may want a certificate "
                "of ours (tls_cert and tls_key).",
            )
        return ServerError(
            f"No secure connection (TLS) with {self._base} while {doing}: one side could not prove "
            "who it is.",
            hint="Check the address, its certificate and the authorities to trust (tls_ca); where "
            "a certificate of ours is asked for, tls_cert and tls_key.",
        )

    def _temporary(self, what: str, doing: str) -> TemporaryServerError:
        return TemporaryServerError(
            f"{self._base} {what} while {doing}.",
            hint="Check that the server is up and the address is right, then try again.",
        )


class _Bearer(AuthBase):
    """The token of one request.

    It is given even without a token: a request without ``auth`` looks for a password in .netrc.
    """

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _is_cut(error: BaseException | None) -> bool:
    """Did a secure connection just end? A gateway that restarts does that; nobody was refused."""
    while error is not None:
        if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
            return True
        error = error.__context__
    return False
