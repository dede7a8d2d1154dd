"""How a rejection is remembered on the server, where every later run finds it.

The rejected CarePlan keeps its decision digest and carries it once more in a system of its own.
The Task says rejected too, but a server may have none; and a withdrawal revokes a CarePlan as well.
"""

from collections.abc import Iterable

from b12fhir.fhir.digest import identifier_value
from b12fhir.fhir.identity import DECISION_DIGEST
from b12fhir.fhir.lifecycle.held import Held, plans_held
from b12fhir.fhir.site import Site
from b12fhir.ports import Resource

REJECTED_DIGEST = "rejected-digest"


def is_rejected(held: Held, site: Site) -> bool:
    """Did somebody reject this proposal, here or by its Task?"""
    plan = held.proposal
    marked = plan is not None and identifier_value(plan.resource, site.system(REJECTED_DIGEST))
    return bool(marked) or any(
        task.status == "rejected" and task.key == held.key for task in held.of("Task")
    )


def rejected_digests(stored: Iterable[Resource], site: Site) -> frozenset[str]:
    """Decision digests that are not to be proposed again (ruling 5)."""
    refused = (one.shown for one in plans_held(stored, site) if is_rejected(one, site))
    digests = (identifier_value(plan.resource, site.system(DECISION_DIGEST)) for plan in refused)
    return frozenset(digest for digest in digests if digest)
