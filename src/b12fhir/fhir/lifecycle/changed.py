"""Did the facts behind a plan in force change since it was signed, and does it still rest on them?

Neither time alone nor the doses given change them: a result grows old, and B12 under treatment is
what treatment makes of it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from b12fhir.decision.model import PERHAPS_GIVEN, Decision
from b12fhir.decision.model import Classification as C
from b12fhir.fhir.compose.entry import used_records
from b12fhir.fhir.extract.tree import obj, text
from b12fhir.fhir.lifecycle.held import Held, links
from b12fhir.fhir.lifecycle.words import kind_of
from b12fhir.fhir.site import Site
from b12fhir.kernel.dates import parse_when
from b12fhir.ports import Resource

_AGAINST = frozenset({C.UNLIKELY, C.INDETERMINATE, C.DATA_QUALITY})
# What a plan to prevent is made for speaks not against it.
_EXPECTED = {"prophylaxis": frozenset({C.UNLIKELY, C.INDETERMINATE})}
_RETRACTED = frozenset({"entered-in-error", "cancelled"})


@dataclass(frozen=True, slots=True)
class Changed:
    """What speaks against a plan in force, in one sentence, and the records that show it."""

    text: str
    records: tuple[str, ...]


def changed(
    held: Held, decision: Decision, stored: Iterable[Resource], site: Site
) -> Changed | None:
    """Why the verdict no longer bears a plan that somebody signed; ``None`` if it does.

    Only a plan that gives something is looked at: tests that were ordered answer for themselves.
    """
    name = decision.classification
    if name.is_deficient or not held.phases(site):
        return None
    results = {f"Observation/{r.get('id')}": r for r in stored if _is_result(r)}
    sources = frozenset(_results(links(held.shown.resource, "supportingInfo")))
    if gone := sorted(one for one in sources if _is_gone(results.get(one))):
        told = f"{' and '.join(gone)}, on which it rests, was retracted or is not on record now"
        return _told(held, told, decision, [one for one in gone if one in results])
    kind = kind_of(held.shown.resource, medicine=True)
    against = name in _AGAINST - _EXPECTED.get(kind, frozenset())
    since = _signed(held)
    new = sorted(
        one
        for one in _results(used_records(decision))
        if one not in sources or _moment(results.get(one, {})) > since
    )
    # Where B12 was perhaps given before the sample, a normal result may be its effect.
    if not (against and new) or PERHAPS_GIVEN in decision.flags:
        return None
    return _told(held, f"{' and '.join(new)} came or changed", decision, new)


def _told(held: Held, told: str, decision: Decision, records: Iterable[str]) -> Changed:
    verdict = decision.classification.value.replace("-", " ")
    text = (
        f"Plan {held.key} is in force, and the facts changed since it was approved: {told}. "
        f"Today's verdict is: {verdict}."
    )
    return Changed(text, tuple(records))


def _is_result(resource: Resource) -> bool:
    return resource.get("resourceType") == "Observation"


def _results(references: Iterable[str]) -> Iterator[str]:
    """The Observations among references, also where they stand as absolute addresses."""
    for reference in references:
        plain = "/".join(reference.partition("/_history/")[0].split("/")[-2:])
        if plain.startswith("Observation/"):
            yield plain


def _is_gone(result: Resource | None) -> bool:
    return result is None or text(result.get("status")) in _RETRACTED


def _signed(held: Held) -> datetime:
    """When it was signed, by the server's clock: its proposal has rested ever since."""
    return _moment((held.proposal or held.shown).resource)


def _moment(resource: Resource) -> datetime:
    when = parse_when(obj(resource.get("meta")).get("lastUpdated"), UTC)
    moment = when.instant if when is not None else None
    return moment or datetime.min.replace(tzinfo=UTC)
