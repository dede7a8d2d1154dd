"""What a prescriber may accept in the place of a draft: the order of the plan, or no order.

One recommended suggestion, and at most one other. An order that the client can name is changed in
its place; of one without an id the reader is told to take it away.
"""

from collections.abc import Iterator

from b12fhir.decision.model import GIVEN
from b12fhir.fhir.extract.tree import obj, text
from b12fhir.fhir.mend import is_id
from b12fhir.plan.model import Phase
from b12fhir.service.hooks.matter import Matter
from b12fhir.service.hooks.model import Action, Draft, Suggestion
from b12fhir.service.hooks.order_words import CHANGED, FOLIC, Wrong, saying
from b12fhir.service.hooks.picture import phase_text
from b12fhir.service.hooks.suggest import phase_order, suggestions


def planned(matter: Matter) -> Phase | None:
    """The phase with which the plan proposed begins, if it gives anything."""
    gives = matter.decision.intent.kind in GIVEN and matter.plan.phases
    return matter.plan.phases[0] if gives else None


def replacement(matter: Matter, wrong: Wrong) -> Phase | None:
    """The phase that is put in the place of the draft, where that mends it."""
    return planned(matter) if saying(wrong).by_plan else None


def fixes(matter: Matter, wrong: Wrong) -> tuple[Suggestion, ...]:
    """What can be accepted; nothing for a reader who orders nothing."""
    if not matter.may_order:
        return ()
    found = list(_better(matter, wrong))
    away = _removal(wrong)
    if away is not None:
        found.append(Suggestion(away.description, (away,), recommended=not found))
    return tuple(found)


def _better(matter: Matter, wrong: Wrong) -> Iterator[Suggestion]:
    if wrong.lead.id == FOLIC:
        yield from suggestions(matter)[:1]
    phase = replacement(matter, wrong)
    if phase is not None:
        action = _instead(matter, wrong.draft, phase)
        yield Suggestion(action.description, (action,), recommended=True)


def _instead(matter: Matter, draft: Draft, phase: Phase) -> Action:
    order, own = phase_order(matter, phase), text(draft.given.get("id"))
    if not is_id(own):
        what = f"Draft {phase_text(phase)}; take the other order away yourself"
        return Action("create", what, order)
    version = text(obj(draft.given.get("meta")).get("versionId"))
    meta = {"meta": {**obj(order.get("meta")), "versionId": version}} if version else {}
    return Action("update", f"Change it to {phase_text(phase)}", {**order, **meta, "id": own})


def _removal(wrong: Wrong) -> Action | None:
    """No advice where only a question is asked, and nothing where the order has no name."""
    own = text(wrong.draft.given.get("id"))
    if wrong.lead.id == CHANGED or not is_id(own):
        return None
    what = "folic acid" if wrong.lead.id == FOLIC else "vitamin B12"
    return Action("delete", f"Take this order of {what} away", target=f"MedicationRequest/{own}")
