"""Codes, the concepts they mean, the roles those play, and the words that stand for a concept."""

from decimal import Decimal

from b12fhir.kernel.codes import Code
from b12fhir.protocol.documents import Document, Documents
from b12fhir.protocol.model import ConceptTable, KnownStrength, RelativeRisk


def concept_table(documents: Documents) -> ConceptTable:
    """The table of concepts."""
    rows = documents.codes
    return ConceptTable(
        codes={_code(row): row["concept"] for row in rows},
        roles={
            role["id"]: frozenset(role["concepts"])
            for role in documents.list_of("concepts", "role")
        },
        weak=frozenset(_code(row) for row in rows if row["certainty"] != "yes"),
        asks={_code(row): row["ask"] for row in rows if row["ask"]},
        texts=tuple(
            (pattern(text, documents.toml["concepts"]), text["concept"])
            for text in documents.list_of("concepts", "text")
        ),
        displays={_code(row): row["display"] for row in rows},
        strengths={
            _code(row): KnownStrength(row["drug"], Decimal(row["strength"]), row["strength_unit"])
            for row in rows
            if row["strength"]
        },
        relatives=tuple(
            RelativeRisk(
                frozenset(one["has"]),
                pattern(one, documents.toml["concepts"]),
                one.get("concept", ""),
                one.get("ask", ""),
            )
            for one in documents.list_of("concepts", "relative")
        ),
    )


def pattern(text: Document, table: Document) -> str:
    """The whole pattern of one text: its own words, not denied and not in another sense."""
    words = text["pattern"]
    before = rf"(?!.*(?:{table['denied_before']})\W+(?:\w+\W+){{0,4}}(?:{words}))"
    after = rf"(?!.*(?:{words})\w*\W+(?:\w+\W+){{0,2}}(?:{table['denied_after']}))"
    other = rf"(?!.*(?:{text['unless']}))" if "unless" in text else ""
    return rf"(?s)\A{before}{after}{other}.*?(?:{words})"


def _code(row: dict[str, str]) -> Code:
    return Code(row["system"], row["code"])
