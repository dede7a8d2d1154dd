"""Everything that is checked on a transaction before it leaves the house.

A server is no safety net: HAPI stores resources without required elements and drops unknown ones
silently. Three nets here: the R4B models (structure), the required codes they do not enforce, and
our own invariants (`b12fhir.fhir.invariants`). Problems name a place and a rule, never a value.
"""

from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from typing import Any, get_args

from b12fhir.fhir.invariants import broken_invariants
from b12fhir.fhir.json import decode, encode
from b12fhir.ports import Resource

# Statuses whose list in fhir.resources 8.3.0 is cut off (it ends in "+"): R4 4.0.1, full.
_STATUS = {
    "Observation": "registered preliminary final amended corrected cancelled entered-in-error "
    "unknown",
    "Task": "draft requested received accepted rejected ready cancelled in-progress on-hold failed "
    "completed entered-in-error",
    "DetectedIssue": "registered preliminary final amended corrected cancelled entered-in-error "
    "unknown",
    "RiskAssessment": "registered preliminary final amended corrected cancelled entered-in-error "
    "unknown",
    "Encounter": "planned arrived triaged in-progress onleave finished cancelled entered-in-error "
    "unknown",
    "DiagnosticReport": "registered partial preliminary final amended corrected appended cancelled "
    "entered-in-error unknown",
}
STATUS_CODES = {kind: frozenset(codes.split()) for kind, codes in _STATUS.items()}
_TRUNCATED = "+"
_NO_RESOURCE = "resourceType: is no FHIR resource"
# Bytes of a part that may come again: a code, a quantity, a reference, a dosage.
_SMALL = 1_000


def validate(bundle: Resource) -> list[str]:
    """Every problem of a transaction Bundle; an empty list if it may be sent."""
    return [*structure(bundle), *broken_invariants(bundle)]


def structure(resource: Resource) -> list[str]:
    """What the R4B models and the required code lists find wrong with any resource."""
    # Imported late: it costs 0.6 s and 35 MB, which a dry run or a CDS hook need not pay.
    from fhir.resources.R4B import get_fhir_model_class  # noqa: PLC0415
    from pydantic import ValidationError  # noqa: PLC0415

    try:
        model: Any = get_fhir_model_class(str(resource.get("resourceType")))
    except ValueError:
        return [_NO_RESOURCE]
    try:
        parsed = _parsed(model, resource)
    except (ValidationError, ValueError):
        # Once more as a whole: only so an error knows its place.
        try:
            parsed = model.model_validate(dict(resource))
        except ValidationError as error:
            return [f"{'.'.join(map(str, e['loc']))}: {e['type']}" for e in error.errors()]
        except (KeyError, TypeError):
            # So the library answers to an unknown type of a resource within another.
            return [_NO_RESOURCE]
    return sorted(_wrong_codes(parsed, parsed.get_resource_type()))


def _parsed(model: Any, data: Mapping[str, Any]) -> Any:
    """What ``model`` makes of ``data``, each part for itself.

    The same small parts come again and again, and to check one takes a hundred times as long as to
    know it. Raises `ValidationError`, and `ValueError` for a resource of an unknown type.
    """
    parts = _parts(model)
    given = dict(data)
    for name, value in data.items():
        part = parts.get(name)
        if part is None:
            continue
        if isinstance(value, dict):
            given[name] = _part(part, value)
        elif isinstance(value, list):
            given[name] = [_part(part, one) if isinstance(one, dict) else one for one in value]
    return model.model_validate(given)


def _part(model: Any, data: Mapping[str, Any]) -> Any:
    if "resourceType" in data:
        from fhir.resources.R4B import get_fhir_model_class  # noqa: PLC0415 - see `structure`

        return _parsed(get_fhir_model_class(str(data["resourceType"])), data)
    raw = encode(data)
    return _known(model, raw) if len(raw) <= _SMALL else _parsed(model, data)


@lru_cache(maxsize=4096)
def _known(model: Any, raw: bytes) -> Any:
    """A part that was checked before. Nobody changes one: they are read once and let go."""
    return _parsed(model, decode(raw))


@cache
def _parts(model: Any) -> Mapping[str, Any]:
    """The models of the elements of a model that have parts themselves, by name."""
    found = {}
    for name, field in model.model_fields.items():
        kinds = [field.annotation]
        # A list of them, or one or none.
        while kinds and not hasattr(kinds[0], "get_model_klass"):
            kinds = [one for one in get_args(kinds[0]) if one is not type(None)]
        if kinds:
            found[field.alias or name] = kinds[0].get_model_klass()
    return found


def _wrong_codes(model: Any, path: str) -> Iterator[str]:
    """Codes outside their required list, which the models carry but do not enforce."""
    lists = _lists(model.__class__)
    if path in STATUS_CODES:
        lists = {**lists, "status": STATUS_CODES[path]}
    # A model has some thirty elements and their extensions; what was sent are a few of them.
    for name in model.model_fields_set:
        value = getattr(model, name)
        for index, item in enumerate(value if isinstance(value, list) else (value,)):
            if isinstance(item, str):
                if name in lists and item not in lists[name]:
                    yield f"{_where(path, name, value, index)}: code is not in the required list"
            elif hasattr(item, "get_resource_type"):
                yield from _wrong_codes(item, _path(_where(path, name, value, index), item))


def _where(path: str, name: str, value: Any, index: int) -> str:
    return f"{path}.{name}[{index}]" if isinstance(value, list) else f"{path}.{name}"


def _path(where: str, item: Any) -> str:
    """Begin a path of its own for a resource in a Bundle, so that its status list is found."""
    kind = item.get_resource_type()
    return kind if kind in STATUS_CODES else where


@cache
def _lists(model: Any) -> Mapping[str, frozenset[str]]:
    """The codes of each element of a model that must come from a list.

    Kept: a transaction has hundreds of elements of a few dozen models.
    """
    known = {
        name: frozenset((field.json_schema_extra or {}).get("enum_values") or ())
        for name, field in model.model_fields.items()
    }
    return {name: codes for name, codes in known.items() if codes and _TRUNCATED not in codes}
