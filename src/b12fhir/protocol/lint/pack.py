"""The head of a pack, its products and its monitoring."""

from collections.abc import Iterator

from b12fhir.protocol.documents import Document, Documents
from b12fhir.protocol.lint.repeats import repeats
from b12fhir.protocol.names import INJECTED, MONITORING_SETS
from b12fhir.protocol.problems import Problem

STATUSES = frozenset({"unreviewed", "reviewed"})


def pack_problems(documents: Documents) -> Iterator[Problem]:
    """Everything that is wrong with pack.toml, products.toml and monitoring.toml."""
    yield from _head(documents)
    yield from _products(documents)
    yield from _monitoring(documents)


def _head(documents: Documents) -> Iterator[Problem]:
    head = documents.toml["pack"]
    if head["id"] != documents.pack_id:
        text = f"is {head['id']}, and the folder is named {documents.pack_id}"
        yield Problem("pack.toml", "id", text)
    review = head["review"]
    if review["status"] not in STATUSES:
        known = ", ".join(sorted(STATUSES))
        yield Problem("pack.toml", "review", f"has status '{review['status']}'; known: {known}")
    if review["status"] != "unreviewed" and not {"by", "on"} <= review.keys():
        yield Problem("pack.toml", "review", "names nobody (by) or no day (on): nobody has signed")


def _products(documents: Documents) -> Iterator[Problem]:
    products = documents.list_of("products", "product")
    yield from repeats("products.toml", "product", (product["id"] for product in products))
    for product in products:
        injected = {route for route in product["routes"] if route in INJECTED}
        liquid = product["strength_unit"] == "ug/mL"
        if liquid != bool(injected) or (injected and injected != set(product["routes"])):
            text = f"strength in {product['strength_unit']} does not go with its routes"
            yield Problem("products.toml", f"product {product['id']}", text)


def _monitoring(documents: Documents) -> Iterator[Problem]:
    file = "monitoring.toml"
    sets = documents.list_of("monitoring", "set")
    ids = [one["id"] for one in sets]
    tests = {test["id"] for test in documents.list_of("tests", "test")}
    yield from repeats(file, "set", ids)
    yield from repeats(file, "item", (item["id"] for one in sets for item in one["items"]))
    for name in sorted(MONITORING_SETS.difference(ids)):
        yield Problem(file, f"set {name}", "is missing: plans ask for it")
    for name in sorted(set(ids) - MONITORING_SETS - _in_rows(documents)):
        yield Problem(file, f"set {name}", "is asked for by no plan and no row")
    for one in sets:
        for item in one["items"]:
            yield from _item(one["id"], item, tests)


def _in_rows(documents: Documents) -> set[str]:
    return {
        name
        for row in documents.list_of("regimens", "regimen")
        for name in (*row.get("prophylaxis_monitoring", []), *row.get("monitoring", []))
    }


def _item(name: str, item: Document, tests: set[str]) -> Iterator[Problem]:
    key = f"set {name}, item {item['id']}"
    if item["test"] not in tests:
        yield Problem("monitoring.toml", key, f"names test {item['test']}, which is not known")
    if item.get("yearly", False) and not item.get("months"):
        yield Problem("monitoring.toml", key, "is yearly after no month")
