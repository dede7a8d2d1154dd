"""The typed model of a protocol: what the TOML says, checked once and trusted after."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from b12fhir.kernel.codes import ATC, Code
from b12fhir.protocol.ages import ByAge, by_age
from b12fhir.protocol.analytes import AnalyteTable
from b12fhir.protocol.limits import Limits

_DAYS_IN = {"d": 1, "wk": 7, "mo": 30}
# Lengths of ATC codes above the single substance, the nearest first.
_ATC_CLASSES = (5, 4, 3)


@dataclass(frozen=True, slots=True)
class Citation:
    """Who says so: sources by short name (``S004``, ``NICE``) and how strong that is."""

    sources: tuple[str, ...]
    evidence: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One numbered rule of the rule book in the project's own words.

    ``state`` is ``implemented``, ``planned`` (with the ``step``) or ``not-covered`` (with the
    reason in ``note``); ``kind`` is ``decision``, ``data`` or ``conduct``.
    """

    id: str
    title: str
    text: str
    citation: Citation
    section: int
    kind: str
    state: str
    step: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Review:
    """Who signed the pack: ``unreviewed`` until a named clinician of the site does."""

    status: str
    by: str = ""
    on: date | None = None


@dataclass(frozen=True, slots=True)
class Product:
    """A medicinal product: drug, form and strength are always explicit (R-99).

    ``strength`` is ug/mL for an injection and ug per tablet; ``routes`` are those its label allows.
    """

    id: str
    drug: str
    form: str
    strength: Decimal
    strength_unit: str
    routes: tuple[str, ...]
    codes: tuple[Code, ...] = ()

    @property
    def is_injection(self) -> bool:
        """Is it given with a needle? Its strength is then an amount in each mL."""
        return self.strength_unit.endswith("/mL")


@dataclass(frozen=True, slots=True)
class Span:
    """A length of time; ``unit`` is ``d``, ``wk`` or ``mo``; ``max`` makes it a range."""

    value: int
    unit: str
    max: int | None = None


@dataclass(frozen=True, slots=True)
class PhaseTemplate:
    """One phase of a regimen before it has dates.

    ``count`` is the number of doses (0 = open-ended). ``after`` is the gap from the last dose (or,
    for a daily oral phase, the end) of the phase before it; ``None`` for a phase on d0.
    ``dose_max`` shows a range whose default is ``dose``. ``reviews`` are days from d0. ``days`` are
    the days of each interval on which a dose is given, from 0 (none: its first day only), as in
    three a week. ``step`` dates the doses where the interval is a range.
    """

    id: str
    product: str
    route: str
    dose: Decimal
    interval: Span
    count: int
    rule: str
    dose_max: Decimal | None = None
    after: Span | None = None
    duration: Span | None = None
    reviews: tuple[int, ...] = ()
    gate: str = ""
    stop_rule: str = ""
    alternative: str = ""
    verified: bool = False
    days: tuple[int, ...] = ()
    step: Span | None = None

    @property
    def doses_a_day(self) -> Decimal:
        """How often a dose is given; a month counts as 30 days, as where an order is read."""
        return Decimal(len(self.days) or 1) / (self.interval.value * _DAYS_IN[self.interval.unit])


@dataclass(frozen=True, slots=True)
class Course:
    """Phases given one after the other: a load, or a maintenance."""

    id: str
    label: str
    phases: tuple[PhaseTemplate, ...]


@dataclass(frozen=True, slots=True)
class Regimen:
    """One row of the regimen table: for these causes, these courses (section 10).

    A row with a ``condition`` holds in the place of the row of the cause, whatever that is.
    Each of the course fields names a `Course` of the pack or is empty (no such treatment):
    ``oral`` (``oral_mother`` in pregnancy and breast-feeding) and ``load`` for mild or moderate
    deficiency, ``severe`` and ``severe_neuro``, then the maintenance after either route.
    ``im_maintenance_neuro`` stands in for ``im_maintenance`` after ``severe_neuro``.
    ``prophylaxis_monitoring`` names monitoring sets, ``monitoring`` those beside the usual ones.
    """

    id: str
    label: str
    causes: tuple[str, ...]
    rule: str
    oral: str = ""
    oral_mother: str = ""
    load: str = ""
    severe: str = ""
    severe_neuro: str = ""
    oral_maintenance: str = ""
    im_maintenance: str = ""
    prophylaxis: str = ""
    prophylaxis_rule: str = ""
    prophylaxis_route: str = ""
    prophylaxis_monitoring: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()
    condition: str = ""
    im_maintenance_neuro: str = ""
    monitoring: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MonitoringItem:
    """A test and when it is due, counted from d0.

    ``days`` and ``months`` are offsets from d0; ``weekly_until`` repeats weekly from the last of
    ``days`` for that many weeks; ``yearly`` repeats every 12 months after the last of ``months``.
    """

    id: str
    test: str
    rule: str
    days: tuple[int, ...] = ()
    months: tuple[int, ...] = ()
    weekly_until: int = 0
    yearly: bool = False


@dataclass(frozen=True, slots=True)
class Test:
    """Something to order or do: label, LOINC codes, and whether a laboratory does it."""

    id: str
    label: str
    codes: tuple[Code, ...] = ()
    laboratory: bool = True


@dataclass(frozen=True, slots=True)
class Pack:
    """One protocol pack: its identity, review, products, courses, regimens and monitoring."""

    id: str
    version: str
    date: date
    label: str
    review: Review
    sources: tuple[str, ...]
    products: Mapping[str, Product]
    courses: Mapping[str, Course]
    regimens: tuple[Regimen, ...]
    monitoring: Mapping[str, tuple[MonitoringItem, ...]]
    # Derived: the rows that prevent deficiency under a cause, in the pack's order.
    preventing: Mapping[str, tuple[Regimen, ...]] = field(init=False, repr=False, compare=False)
    # Derived, because each order on record is compared with them: the phases given with a needle
    # (or not), by form of B12; under "" those of every form.
    alike: Mapping[tuple[bool, str], tuple[PhaseTemplate, ...]] = field(
        init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        rows: dict[str, tuple[Regimen, ...]] = {}
        for row in self.regimens:
            for cause in row.causes if row.prophylaxis else ():
                rows[cause] = (*rows.get(cause, ()), row)
        object.__setattr__(self, "preventing", rows)
        object.__setattr__(self, "alike", _alike(self))


def _alike(pack: Pack) -> Mapping[tuple[bool, str], tuple[PhaseTemplate, ...]]:
    found: dict[tuple[bool, str], tuple[PhaseTemplate, ...]] = {}
    for phase in (one for course in pack.courses.values() for one in course.phases):
        product = pack.products.get(phase.product)
        if product is None:
            continue  # the lint refuses such a pack; it is no pack to compare an order with
        for drug in ("", product.drug):
            key = (product.is_injection, drug)
            found[key] = (*found.get(key, ()), phase)
    return found


@dataclass(frozen=True, slots=True)
class KnownStrength:
    """The strength that a product's code itself states; ``value`` in ``unit`` (``ug/mL``)."""

    drug: str
    value: Decimal
    unit: str


@dataclass(frozen=True, slots=True)
class RelativeRisk:
    """What it means for the patient that a blood relative has one of the concepts ``has``.

    ``pattern`` finds it in the name of the relative's disease, in lower case. ``concept`` is what
    then stands in the patient's facts, ``ask`` a question; either may be ``""``.
    """

    has: frozenset[str]
    pattern: str
    concept: str = ""
    ask: str = ""


@dataclass(frozen=True, slots=True)
class ConceptTable:
    """Which codes mean which concept, and which roles a concept plays.

    ``roles`` maps a role ("neuro-sign") to concept ids. ``weak`` holds codes that are never proof.
    ``asks`` gives the question a code leaves open ("extent not stated"). ``texts`` are patterns,
    searched in lower-case text, with the concept they stand for. ``relatives`` says what the
    illness of a blood relative means for the patient.
    """

    codes: Mapping[Code, str]
    roles: Mapping[str, frozenset[str]]
    weak: frozenset[Code]
    asks: Mapping[Code, str]
    texts: tuple[tuple[str, str], ...] = ()
    displays: Mapping[Code, str] = field(default_factory=dict)
    strengths: Mapping[Code, KnownStrength] = field(default_factory=dict)
    relatives: tuple[RelativeRisk, ...] = ()
    # Derived, because each decision asks: the roles a concept plays, and a table with every role
    # and nothing under it.
    plays: Mapping[str, tuple[str, ...]] = field(init=False, repr=False, compare=False)
    nothing: Mapping[str, tuple[()]] = field(init=False, repr=False, compare=False)
    _coded: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        plays: dict[str, tuple[str, ...]] = {}
        for role, concepts in self.roles.items():
            for concept in concepts:
                plays[concept] = (*plays.get(concept, ()), role)
        object.__setattr__(self, "plays", plays)
        object.__setattr__(self, "nothing", dict.fromkeys(self.roles, ()))
        object.__setattr__(self, "_coded", frozenset(self.codes.values()))

    def known(self, code: Code) -> Code | None:
        """The code of this table that covers ``code``: itself, or the nearest class of ATC.

        ATC is a tree whose codes begin with those of their class: B01AB05 belongs to B01AB.
        """
        if code in self.codes or code.system != ATC:
            return code if code in self.codes else None
        classes = (Code(ATC, code.code[:length]) for length in _ATC_CLASSES)
        return next((one for one in classes if one in self.codes), None)

    def has_code(self, concept: str) -> bool:
        """Has the concept any verified code? Without one a text is all a record can hold."""
        return concept in self._coded


@dataclass(frozen=True, slots=True)
class Protocol:
    """Everything a decision needs to know: shared knowledge plus one pack.

    ``sources`` are the titles of the sources by the short names that a `Citation` uses.
    """

    pack: Pack
    limits: Limits
    analytes: AnalyteTable
    concepts: ConceptTable
    tests: Mapping[str, Test]
    rules: Mapping[str, Rule]
    packs: tuple[str, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    # Derived from the limits, which hold numbers alone: their fingerprint must not change.
    ages: ByAge = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "ages", by_age(self.limits))
