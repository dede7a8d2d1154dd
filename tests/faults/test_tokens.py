"""A server that admits nobody without a good token of SMART Backend Services.

The FHIR server is the real one, behind a proxy that asks the strict authorization server of every
token; the key is made by the program's own command.
"""

import io
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from b12fhir import wiring
from b12fhir.adapters.smart.tokens import PAUSE_S
from b12fhir.fhir.scopes import needed_scopes
from tests.faults.acts import denied, meanwhile, said
from tests.faults.proxy import Asked, Proxy, between
from tests.faults.ward import MOMENT, Ward
from tests.support.auth_server import CLIENT, AuthServer, authorizing

pytestmark = [pytest.mark.hapi, pytest.mark.slow]
_WELL_KNOWN = "/.well-known/smart-configuration"


@contextmanager
def guarded(ward: Ward) -> Iterator[tuple[Proxy, AuthServer]]:
    """The ward's server behind both; the ward runs with a key of its own."""
    key = ward.folder / "smart.key"
    keys = _new_key(ward, key)
    now = MOMENT.timestamp
    with authorizing(keys, scopes=needed_scopes(), now=now) as auth, between(ward.base) as proxy:
        told = said(auth.configuration())
        proxy.on("discovered", "any", told, fits=lambda asked: asked.path.endswith(_WELL_KNOWN))
        proxy.on("denied", "any", denied, fits=lambda asked: not _is_admitted(asked, auth))
        ward.settings |= {
            "B12FHIR_SMART_CLIENT_ID": CLIENT,
            "B12FHIR_SMART_KEY_FILE": str(key),
        }
        yield proxy, auth


def _new_key(ward: Ward, file: Path) -> list[dict[str, str]]:
    out, err = io.StringIO(), io.StringIO()
    argv = ["keys", "new", "--out", str(file)]
    assert wiring.main(argv, {}, out, err, ward.clock) == 0, err.getvalue()
    keys: list[dict[str, str]] = json.loads(out.getvalue())["keys"]
    return keys


def _is_admitted(asked: Asked, auth: AuthServer) -> bool:
    return asked.kind == "metadata" or auth.admits(asked.headers.get("Authorization"))


def _taking_back(auth: AuthServer) -> Callable[[], None]:
    """Not in the second in which it was given: such a token is not replaced at once."""

    def take_back() -> None:
        time.sleep(PAUSE_S)
        auth.revoke()

    return take_back


def test_tokens_that_are_taken_back_in_the_middle_of_a_run_are_asked_for_anew(make_ward) -> None:
    """Once while it reads and once on the way of a write: both are done, and once only.

    One patient after the other, so that something is still to be asked after each loss.
    """
    ward = make_ward("06", "55", B12FHIR_WORKERS="1")
    with guarded(ward) as (proxy, auth):
        # Those under way when it is taken back are in: the server had let them through.
        proxy.on("while it reads", "everything", meanwhile(_taking_back(auth)), 1)
        proxy.on("while it writes", "transaction", meanwhile(_taking_back(auth)), 2)
        done = ward.sync(at=proxy.base)
        assert (proxy.did("while it reads"), proxy.did("while it writes")) == (1, 1)
        assert proxy.did("denied") >= 2
        again = ward.sync(at=proxy.base)
    assert done.code == 0, done.err
    # At the start, after each loss, and for the second run, which writes nothing.
    assert len(auth.granted) == 4
    assert auth.refusals == []
    assert (again.code, again.written) == (0, 0)
    assert len(ward.all("CarePlan")) == 2
    assert ward.audit() == []


def test_a_client_who_is_put_out_ends_the_run_and_the_next_one_goes_on(make_ward) -> None:
    ward = make_ward("06", "55")
    with guarded(ward) as (proxy, auth):
        known, auth.keys = auth.keys, []
        refused = ward.sync(at=proxy.base)
        auth.keys = known
        done = ward.sync(at=proxy.base)
    assert refused.code == 22, refused.err
    assert (done.code, len(ward.all("CarePlan"))) == (0, 2), done.err
