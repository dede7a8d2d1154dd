"""What the classification says and rests on."""

from b12fhir.decision.metabolites import Metabolites
from b12fhir.decision.model import Classification as C
from b12fhir.decision.reasons import NONE, Reasons
from b12fhir.facts.labs import LabResult
from b12fhir.kernel.values import value


@value
class Classified:
    """The class, the B12 results and metabolites it rests on, and what is to be done about it.

    ``orders`` are tests to do now, ``rechecks`` those to repeat later.
    ``treat_now``: B12 undecided, but a neurological sign does not wait (R-48, R-64).
    """

    name: C
    results: tuple[LabResult, ...] = ()
    metabolites: Metabolites | None = None
    treat_now: bool = False
    regimen_withheld: bool = False
    orders: tuple[str, ...] = ()
    rechecks: tuple[str, ...] = ()
    reasons: Reasons = NONE

    @property
    def to_be_treated(self) -> bool:
        """Deficient, or treated on clinical grounds before the class is settled."""
        return self.name.is_deficient or self.treat_now
