"""One pack: its head, products, courses, rows and monitoring."""

from b12fhir.kernel.codes import Code
from b12fhir.protocol.builders.numbers import decimal
from b12fhir.protocol.documents import Document, Documents
from b12fhir.protocol.model import (
    Course,
    MonitoringItem,
    Pack,
    PhaseTemplate,
    Product,
    Regimen,
    Review,
    Span,
)

# Keys of a row that are plain text and named as in the model.
_ROW_TEXTS = (
    "oral",
    "oral_mother",
    "load",
    "severe",
    "severe_neuro",
    "oral_maintenance",
    "im_maintenance",
    "im_maintenance_neuro",
    "condition",
    "prophylaxis",
    "prophylaxis_rule",
    "prophylaxis_route",
)


def pack(documents: Documents) -> Pack:
    """The pack of the documents."""
    head = documents.toml["pack"]
    products = [_product(entry) for entry in documents.list_of("products", "product")]
    courses = [_course(entry) for entry in documents.list_of("regimens", "course")]
    return Pack(
        id=head["id"],
        version=head["version"],
        date=head["date"],
        label=head["label"],
        review=_review(head["review"]),
        sources=tuple(head["sources"]),
        products={product.id: product for product in products},
        courses={course.id: course for course in courses},
        regimens=tuple(_regimen(entry) for entry in documents.list_of("regimens", "regimen")),
        monitoring={
            entry["id"]: tuple(_item(item) for item in entry["items"])
            for entry in documents.list_of("monitoring", "set")
        },
    )


def _review(entry: Document) -> Review:
    return Review(entry["status"], entry.get("by", ""), entry.get("on"))


def _product(entry: Document) -> Product:
    return Product(
        id=entry["id"],
        drug=entry["drug"],
        form=entry["form"],
        strength=decimal(entry["strength"]),
        strength_unit=entry["strength_unit"],
        routes=tuple(entry["routes"]),
        codes=tuple(Code(one["system"], one["code"]) for one in entry.get("codes", [])),
    )


def _course(entry: Document) -> Course:
    return Course(entry["id"], entry["label"], tuple(_phase(one) for one in entry["phase"]))


def _phase(entry: Document) -> PhaseTemplate:
    return PhaseTemplate(
        id=entry["id"],
        product=entry["product"],
        route=entry["route"],
        dose=decimal(entry["dose"]),
        interval=_span(entry["interval"]),
        count=entry["count"],
        rule=entry["rule"],
        dose_max=decimal(entry["dose_max"]) if "dose_max" in entry else None,
        after=_span(entry["after"]) if "after" in entry else None,
        duration=_span(entry["duration"]) if "duration" in entry else None,
        reviews=tuple(entry.get("reviews", [])),
        gate=entry.get("gate", ""),
        stop_rule=entry.get("stop_rule", ""),
        alternative=entry.get("alternative", ""),
        verified=entry.get("verified", False),
        days=tuple(entry.get("days", [])),
        step=_span(entry["step"]) if "step" in entry else None,
    )


def _span(entry: Document) -> Span:
    return Span(entry["value"], entry["unit"], entry.get("max"))


def _regimen(entry: Document) -> Regimen:
    return Regimen(
        id=entry["id"],
        label=entry["label"],
        causes=tuple(entry.get("causes", [])),
        rule=entry["rule"],
        monitoring=tuple(entry.get("monitoring", [])),
        prophylaxis_monitoring=tuple(entry.get("prophylaxis_monitoring", [])),
        advice=tuple(entry.get("advice", [])),
        **{key: entry[key] for key in _ROW_TEXTS if key in entry},
    )


def _item(entry: Document) -> MonitoringItem:
    return MonitoringItem(
        id=entry["id"],
        test=entry["test"],
        rule=entry["rule"],
        days=tuple(entry.get("days", [])),
        months=tuple(entry.get("months", [])),
        weekly_until=entry.get("weekly", 0),
        yearly=entry.get("yearly", False),
    )
