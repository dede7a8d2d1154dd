"""Asks a server to tell us of changes: one Subscription for each type, never two."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from b12fhir.errors import RefusedError, ServerError
from b12fhir.fhir.capabilities import Capabilities
from b12fhir.fhir.outcome import whole
from b12fhir.fhir.subscription import (
    ACTIVE,
    KIND,
    REQUESTED,
    Change,
    changes,
    leads_to,
    removal,
    subscription,
    transaction,
    watched,
)
from b12fhir.ports import FhirServer, Resource

# HAPI makes one active after 4 to 6 seconds.
_PATIENCE_S = 60
_ASK_EVERY_S = 1
_PAGE = {"_count": "200"}
_HINT = "Nothing was changed. See the server's log, then run again."


@dataclass(frozen=True, slots=True)
class Registered:
    """What stands on the server for one address, in lines; ``is_good``: all of it is active."""

    lines: tuple[str, ...]
    is_good: bool
    refused: tuple[RefusedError, ...] = ()


class Registrar:
    """Everything about the Subscriptions to one address. ``pause`` waits seconds."""

    def __init__(
        self,
        server: FhirServer,
        can: Capabilities,
        endpoint: str,
        *,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._server = server
        self._can = can
        self._endpoint = endpoint
        self._pause = pause

    def show(self) -> Registered:
        """What the server holds. Raises `ServerError` if it cannot be asked."""
        self._check("search-type")
        return self._told(self._held())

    def install(self, secret: str, *, dry_run: bool = False) -> Registered:
        """Ask for what is missing or different, and wait until the server has made it active.

        What it refuses is named and does not stop the others. Raises `ServerError`.
        """
        self._check("search-type", "create", "update")
        wanted = [subscription(kind, self._endpoint, secret) for kind in watched(self._can)]
        chosen = changes(self._held(), wanted)
        if dry_run:
            return Registered((*map(_would, chosen), f"Would change {len(chosen)}."), is_good=True)
        refused = dict(self._sent(chosen))
        told = self._told(self._settled())
        lines = (
            f"Changed {len(chosen) - len(refused)} of {len(wanted)}.",
            *told.lines,
            *(f"{name}: refused by the server (HTTP {e.status})." for name, e in refused.items()),
        )
        return Registered(lines, told.is_good and not refused, tuple(refused.values()))

    def remove(self, *, dry_run: bool = False) -> Registered:
        """Delete every Subscription to the address. Raises `ServerError`."""
        self._check("search-type", "delete")
        chosen = [removal(one) for one in self._held()]
        if chosen and not dry_run:
            self._server.transaction(transaction(self._server.base, chosen))
        done = "Would remove" if dry_run else "Removed"
        return Registered((f"{done} {len(chosen)} Subscriptions to {self._endpoint}.",), True)  # noqa: FBT003 - named by its field

    def _check(self, *interactions: str) -> None:
        lacking = [name for name in interactions if not self._can.has(KIND, name)]
        if lacking:
            raise ServerError(
                f"{self._server.base} offers no Subscription ({', '.join(lacking)}), so it cannot "
                "tell of changes.",
                hint="Look for them instead: run sync by a schedule, or serve --subscriptions with "
                "a short B12FHIR_SYNC_EVERY_S.",
            )

    def _held(self) -> list[Resource]:
        found = whole(self._server.search(KIND, _PAGE), KIND, _HINT)
        return [one for one in found if leads_to(one, self._endpoint)]

    def _settled(self) -> list[Resource]:
        """What is held when the server has done with all of it, or has taken too long."""
        held = self._held()
        for _ in range(_PATIENCE_S // _ASK_EVERY_S):
            if not any(one.get("status") == REQUESTED for one in held):
                break
            self._pause(_ASK_EVERY_S)
            held = self._held()
        return held

    def _sent(self, chosen: Sequence[Change]) -> Iterator[tuple[str, RefusedError]]:
        """All at once; if that is refused, one by one, so that the one to blame is named."""
        if not chosen:
            return
        try:
            self._server.transaction(transaction(self._server.base, chosen))
        except RefusedError as error:
            if len(chosen) == 1:
                yield chosen[0].criteria, error
                return
            for change in chosen:
                yield from self._sent([change])

    def _told(self, held: Sequence[Resource]) -> Registered:
        states = [str(one.get("status")) for one in held]
        good = states.count(ACTIVE)
        lines = (
            *(
                f"{one.get('criteria')} {state} (Subscription/{one.get('id')})"
                for one, state in zip(held, states, strict=True)
            ),
            f"{good} of {len(held)} Subscriptions to {self._endpoint} are active.",
        )
        return Registered(lines, bool(held) and good == len(held))


def _would(change: Change) -> str:
    if change.resource is None:
        return f"{change.criteria} would be deleted (Subscription/{change.id})"
    return f"{change.criteria} would be {'replaced' if change.id else 'created'}"
