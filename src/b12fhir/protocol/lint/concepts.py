"""Codes of diagnoses and medicines: valid, each with one concept that plays a role."""

import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

from b12fhir.kernel.codes import DMD, SNOMED, is_snomed
from b12fhir.protocol.builders.concepts import pattern
from b12fhir.protocol.documents import CODES, Documents
from b12fhir.protocol.lint.repeats import repeats
from b12fhir.protocol.names import CLINICAL_ROLES, MEDICINE_ROLES
from b12fhir.protocol.problems import Problem

FILE = "concepts.toml"
CERTAINTIES = frozenset({"yes", "weak", "never-proof"})


def concept_problems(documents: Documents) -> Iterator[Problem]:
    """Everything that is wrong with codes.csv and concepts.toml."""
    yield from _codes(documents)
    yield from _roles(documents)
    yield from _relatives(documents)
    yield from _patterns(documents)


def _codes(documents: Documents) -> Iterator[Problem]:
    names = [f"{row['system']}|{row['code']}" for row in documents.codes]
    yield from repeats(CODES, "code", names)
    for row, name in zip(documents.codes, names, strict=True):
        if row["system"] in (SNOMED, DMD) and not is_snomed(row["code"]):
            yield Problem(CODES, name, "is no SNOMED CT identifier: its check digit is wrong")
        if row["certainty"] not in CERTAINTIES:
            known = ", ".join(sorted(CERTAINTIES))
            yield Problem(CODES, name, f"has certainty '{row['certainty']}'; known: {known}")
        yield from _strength(row, name)


def _strength(row: dict[str, str], name: str) -> Iterator[Problem]:
    """A strength is explicit: drug, number and unit, or nothing at all."""
    parts = (row["drug"], row["strength"], row["strength_unit"])
    if not any(parts):
        return
    if not all(parts) or row["strength_unit"] != "ug/mL" or not _positive(row["strength"]):
        yield Problem(CODES, name, "states a strength that is not drug, number and ug/mL")


def _positive(text: str) -> bool:
    try:
        return Decimal(text) > 0
    except InvalidOperation:
        return False


def _roles(documents: Documents) -> Iterator[Problem]:
    roles = documents.list_of("concepts", "role")
    yield from repeats(FILE, "role", (role["id"] for role in roles))
    for wanted, medicine in ((CLINICAL_ROLES, False), (MEDICINE_ROLES, True)):
        ids = {role["id"] for role in roles if role.get("medicine", False) is medicine}
        for name in sorted(wanted.symmetric_difference(ids)):
            text = "is missing: it is asked for" if name in wanted else "is asked for by nobody"
            yield Problem(FILE, f"role {name}", text)
    told = _told(documents)
    played = {concept for role in roles for concept in role["concepts"]}
    for role in roles:
        for concept in sorted(set(role["concepts"]) - told):
            text = f"holds {concept}, which no code and no text stands for"
            yield Problem(FILE, f"role {role['id']}", text)
    for concept in sorted(told - played):
        yield Problem(FILE, f"concept {concept}", "plays no role: its codes would do nothing")


def _told(documents: Documents) -> set[str]:
    """Every concept that a code or a text stands for."""
    coded = {row["concept"] for row in documents.codes}
    return coded | {text["concept"] for text in documents.list_of("concepts", "text")}


def _relatives(documents: Documents) -> Iterator[Problem]:
    """A relative's illness becomes the patient's family history, never the patient's illness."""
    rows = documents.list_of("concepts", "relative")
    yield from repeats(FILE, "relative", (row["id"] for row in rows))
    told = _told(documents)
    family = {
        concept
        for role in documents.list_of("concepts", "role")
        if role["id"] == "family-history-risk"
        for concept in role["concepts"]
    }
    for row in rows:
        key = f"relative {row['id']}"
        for concept in sorted(set(row["has"]) - told):
            yield Problem(FILE, key, f"holds {concept}, which no code and no text stands for")
        if "concept" in row and row["concept"] not in family:
            text = f"makes it {row['concept']}, which is no family history"
            yield Problem(FILE, key, text)


def _patterns(documents: Documents) -> Iterator[Problem]:
    texts = [(f"text {one['concept']}", one) for one in documents.list_of("concepts", "text")]
    texts += [(f"relative {one['id']}", one) for one in documents.list_of("concepts", "relative")]
    for key, text in texts:
        whole = pattern(text, documents.toml["concepts"])
        try:
            found = re.search(whole, "")
        except re.error as error:
            yield Problem(FILE, key, f"is no pattern: {error}")
            continue
        if found is not None:
            yield Problem(FILE, key, "matches an empty text: it would match everything")
        words = re.sub(r"\\.", "", text["pattern"])
        if words != words.lower():
            yield Problem(FILE, key, "has capital letters; texts are searched in lower case")
