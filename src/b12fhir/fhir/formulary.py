"""A site's own medicines: what its codes and names mean, and how it codes our products (ruling 16).

Made by `b12fhir.fhir.codemap`, which refuses whatever is doubtful; here everything is settled.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from b12fhir.facts.medicines import Route
from b12fhir.kernel.codes import Code


class Form(NamedTuple):
    """A pharmaceutical form: is its strength one in a millilitre, and which routes go with it?"""

    is_liquid: bool
    routes: frozenset[Route]


# A route is read from these names where none is stated: a tablet is swallowed.
FORMS: Mapping[str, Form] = {
    "injection": Form(is_liquid=True, routes=frozenset({Route.IM, Route.SC, Route.IV})),
    "oral solution": Form(is_liquid=True, routes=frozenset({Route.ORAL, Route.SUBLINGUAL})),
    "tablet": Form(is_liquid=False, routes=frozenset({Route.ORAL, Route.SUBLINGUAL})),
    "capsule": Form(is_liquid=False, routes=frozenset({Route.ORAL})),
    "lozenge": Form(is_liquid=False, routes=frozenset({Route.ORAL, Route.SUBLINGUAL})),
    "spray": Form(is_liquid=False, routes=frozenset({Route.NASAL, Route.ORAL, Route.SUBLINGUAL})),
}


@dataclass(frozen=True, slots=True)
class LocalDrug:
    """What a local code or name of a medicine means.

    ``concepts`` are its ingredients as the knowledge names them; none: no rule asks for it.
    ``codes`` are the standard codes that a row named them by. ``strength_ug`` are micrograms in a
    millilitre (``is_liquid``) or in one piece: of B12 if it holds B12, else of its one ingredient.
    ``route`` is the only way it is given, if the site says so.
    """

    concepts: frozenset[str]
    codes: tuple[Code, ...] = ()
    form: str = ""
    strength_ug: Decimal | None = None
    route: Route | None = None
    is_liquid: bool = False


@dataclass(frozen=True, slots=True)
class LocalCoding:
    """How a site codes a product."""

    code: Code
    display: str = ""


@dataclass(frozen=True, slots=True)
class Formulary:
    """A site's medicines by code and by plain name, and its codings of our products by their id."""

    by_code: Mapping[Code, LocalDrug] = field(default_factory=dict)
    by_name: Mapping[str, LocalDrug] = field(default_factory=dict)
    codings: Mapping[str, tuple[LocalCoding, ...]] = field(default_factory=dict)

    def named(self, said: str) -> LocalDrug | None:
        """The medicine of exactly this name; case and blanks do not matter."""
        return self.by_name.get(plain(said)) if self.by_name else None


def plain(said: str) -> str:
    """A name as it is compared: in one case, with single blanks."""
    return " ".join(said.split()).casefold()
