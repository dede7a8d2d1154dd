"""The life of a plan after it was proposed: signed phase by phase, rejected, withdrawn, closed.

::

    proposed --> in-review --> running --> next-phase-due --> running --> done
        |                        |  (each later phase is signed by itself)
        +--> rejected            +--> withdrawn
        +--> withdrawn           +--> replaced, by a later revision that somebody signed

Everything here is pure: resources as read from a server in, one transaction out. All that is known
of a plan stands on the server; whoever signs is named, and nothing is signed by the engine itself.
"""

from b12fhir.fhir.lifecycle.act import Act, Said
from b12fhir.fhir.lifecycle.again import in_force, to_propose, to_replace
from b12fhir.fhir.lifecycle.approve import approve
from b12fhir.fhir.lifecycle.changed import Changed, changed
from b12fhir.fhir.lifecycle.mark import rejected_digests
from b12fhir.fhir.lifecycle.phases import PhaseState
from b12fhir.fhir.lifecycle.reject import reject
from b12fhir.fhir.lifecycle.signer import Clock, Signer
from b12fhir.fhir.lifecycle.state import PlanState, State, plan_states, state_of
from b12fhir.fhir.lifecycle.wish import Wish
from b12fhir.fhir.lifecycle.withdraw import close, withdraw

__all__ = [
    "Act",
    "Changed",
    "Clock",
    "PhaseState",
    "PlanState",
    "Said",
    "Signer",
    "State",
    "Wish",
    "approve",
    "changed",
    "close",
    "in_force",
    "plan_states",
    "reject",
    "rejected_digests",
    "state_of",
    "to_propose",
    "to_replace",
    "withdraw",
]
