"""Medicines taken, vitamin B12 given, and allergies."""

from dataclasses import dataclass
from decimal import Decimal

from b12fhir.kernel.dates import When
from b12fhir.kernel.evidence import Input
from b12fhir.kernel.truth import Truth
from b12fhir.kernel.words import Word

_TAKEN = frozenset({"oral", "sublingual", "nasal"})
_INJECTED = frozenset({"im", "sc", "iv", "injection"})


class Route(Word):
    """Ways of giving vitamin B12; ``injection`` is one whose route is not stated.

    ``is_injection``: given with a needle (an unknown route is none); ``is_oral``: taken without
    one, for certain.
    """

    IM = "im"
    SC = "sc"
    ORAL = "oral"
    SUBLINGUAL = "sublingual"
    NASAL = "nasal"
    IV = "iv"
    INJECTION = "injection"
    UNKNOWN = "unknown"

    is_injection: bool
    is_oral: bool

    def __init__(self, word: str) -> None:
        self.is_injection = word in _INJECTED
        self.is_oral = word in _TAKEN


@dataclass(frozen=True, slots=True)
class Exposure:
    """A medicine other than B12: ingredient, and the time it was taken as far as recorded.

    ``end`` is ``None`` while it is active. ``daily_mg`` is set where the dose is structured.
    """

    ingredient: str
    reference: str
    text: str
    active: bool
    start: When | None = None
    end: When | None = None
    daily_mg: Decimal | None = None

    def as_input(self) -> Input:
        """This medicine as evidence."""
        return Input(self.reference, self.text, "", self.start.iso() if self.start else "")


@dataclass(frozen=True, slots=True)
class DraftedDrug:
    """A medicine other than B12 that is being ordered: nobody has taken it yet.

    ``daily_mg`` is set where the dose is structured.
    """

    ingredient: str
    reference: str
    text: str
    daily_mg: Decimal | None = None

    def as_input(self) -> Input:
        """This order as evidence."""
        return Input(self.reference, self.text)


@dataclass(frozen=True, slots=True)
class Drafted:
    """What an order that is still being written says beside its dose: there it can be mended.

    ``form`` is the route that the product's form implies. ``often`` is in doses a day, ``count``
    the number of doses; ``None`` where the order does not tell. ``in_pieces``: the dose is counted
    in tablets or pills. ``timed``: it says in its structure when to give it, ``worded``: in words.
    ``contradicts``: words and structure state different amounts. ``replaces`` are references of the
    orders in whose place it comes.
    """

    form: Route = Route.UNKNOWN
    often: Decimal | None = None
    count: int | None = None
    in_pieces: bool = False
    timed: bool = False
    worded: bool = False
    contradicts: bool = False
    replaces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class B12Dose:
    """Vitamin B12 that was given, or is on order.

    ``given`` is yes for a completed administration, no for what was only ordered or not done, and
    unknown where the record does not say. ``dose_ug`` is a single dose, ``daily_ug`` a day's
    amount; either is ``None`` when the record does not state it. ``order`` is the status of an
    order that is on record as such, else ``""``. ``concentration`` is that of an injection, in
    ug/mL. ``combined``: B12 is one ingredient of several, as in a multivitamin. ``own``: an order
    that was signed from a plan of this program. ``drafted`` is set for an order that is being
    written: nothing was given by it, and it is no treatment. ``supplied``: a pharmacy handed it
    out.
    """

    reference: str
    route: Route
    given: Truth
    text: str
    drug: str = ""
    dose_ug: Decimal | None = None
    daily_ug: Decimal | None = None
    when: When | None = None
    until: When | None = None
    ordered: bool = False
    active: bool = False
    order: str = ""
    concentration: Decimal | None = None
    combined: bool = False
    own: bool = False
    drafted: Drafted | None = None
    supplied: bool = False

    def as_input(self) -> Input:
        """This dose as evidence."""
        return Input(self.reference, self.text, "", self.when.iso() if self.when else "")


@dataclass(frozen=True, slots=True)
class Allergy:
    """An allergy that concerns B12 products: cobalt, cobalamin, or an excipient.

    ``stops`` is yes for an active confirmed allergy, unknown for an inactive or unconfirmed one.
    """

    substance: str
    stops: Truth
    reference: str
    text: str

    def as_input(self) -> Input:
        """This allergy as evidence."""
        return Input(self.reference, self.text)
