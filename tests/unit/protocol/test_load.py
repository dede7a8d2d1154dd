"""A protocol loaded wrongly decides wrongly for everyone: it is refused whole, and says all."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from shutil import copytree

import pytest

from b12fhir.errors import ProtocolError
from b12fhir.protocol.documents import Documents, home, pack_ids, read_documents
from b12fhir.protocol.load import build, load_protocol
from b12fhir.protocol.problems import Problem, refuse
from tests.support.documents import entry, shipped, spoiled

TODAY = date(2026, 11, 21)


def _root(tmp_path: Path) -> Path:
    """A copy of the protocol's files that a test may break."""
    return Path(copytree(str(home()), tmp_path / "protocol"))


def test_what_ships_loads_on_any_day_of_use() -> None:
    protocol = load_protocol()
    assert protocol.pack.id == "seed-default"
    assert protocol.packs == pack_ids() == ("seed-default",)
    assert load_protocol("seed-default", TODAY).limits == protocol.limits
    assert load_protocol("seed-default", date(2001, 1, 1)).limits == protocol.limits


def test_it_is_loaded_once_and_shared() -> None:
    assert load_protocol("seed-default", TODAY) is load_protocol("seed-default", TODAY)


@pytest.mark.parametrize("name", ["nice", "", "../seed-default", "seed-default/", "knowledge"])
def test_an_unknown_pack_names_the_known_ones(name: str) -> None:
    with pytest.raises(ProtocolError, match=r"Known: seed-default\.") as caught:
        load_protocol(name)
    assert caught.value.exit_code == 13


def test_no_number_becomes_a_float() -> None:
    """A float limit of 0.1 is not 0.1."""
    limits = load_protocol().limits
    assert limits.folic_acid_masks_above_mg == Decimal("0.1")
    for value in (getattr(limits, name) for name in limits.__slots__):
        assert not isinstance(value, float)
    for document in shipped().toml.values():
        assert not list(_floats(document))


def _floats(node: object) -> list[float]:
    if isinstance(node, dict):
        return [one for child in node.values() for one in _floats(child)]
    if isinstance(node, list):
        return [one for child in node for one in _floats(child)]
    return [node] if isinstance(node, float) else []


def _newer_limit(documents: Documents) -> None:
    limit = entry(documents, "limits", "limit", "stale_after_days")
    limit["version"].append({**limit["version"][0], "from": date(2027, 1, 1), "value": 180})


@pytest.mark.parametrize(
    ("on", "days"),
    [
        (date(2026, 12, 31), 365),
        (date(2027, 1, 1), 180),
        (date(2030, 1, 1), 180),
        (None, 180),
    ],
)
def test_the_version_in_force_on_the_day_counts(on: date | None, days: int) -> None:
    assert build(spoiled(_newer_limit), on).limits.stale_after_days == days


def test_a_day_before_the_first_version_is_refused() -> None:
    with pytest.raises(ProtocolError, match="no version in force on 1999-12-31"):
        build(shipped(), date(1999, 12, 31))


def test_every_problem_is_told_at_once_with_file_key_and_date() -> None:
    documents = shipped()
    entry(documents, "regimens", "regimen", "drug")["rule"] = "R-999"
    entry(documents, "limits", "limit", "join_days")["version"][0]["value"] = Decimal("90.5")
    documents.list_of("limits", "band")[0]["version"][0]["low"] = 351
    with pytest.raises(ProtocolError) as caught:
        build(documents)
    text = str(caught.value)
    assert "3 problems" in text
    assert "regimens.toml: regimen[drug]: cites rule R-999" in text
    assert "limits.toml: limit join_days (version of 2000-01-01): has the value 90.5" in text
    assert "limits.toml: band b12_total ng/L (version of 2000-01-01): low 351" in text


def test_one_problem_is_one() -> None:
    with pytest.raises(ProtocolError, match="1 problem:"):
        refuse("x", [Problem("a.toml", "b", "c"), Problem("a.toml", "b", "c")])
    refuse("x", [])


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    root = _root(tmp_path)
    (root / "knowledge" / "limits.toml").write_text("limit = [", encoding="utf-8")
    with pytest.raises(ProtocolError, match=r"limits\.toml of the protocol is no TOML"):
        read_documents("seed-default", root)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    root = _root(tmp_path)
    (root / "packs" / "seed-default" / "products.toml").unlink()
    with pytest.raises(ProtocolError, match=r"no file products\.toml in seed-default"):
        read_documents("seed-default", root)


def test_a_folder_without_a_head_is_no_pack(tmp_path: Path) -> None:
    root = _root(tmp_path)
    (root / "packs" / "draft").mkdir()
    assert pack_ids(root) == ("seed-default",)


def test_a_second_pack_is_found_and_checked_by_its_folder(tmp_path: Path) -> None:
    root = _root(tmp_path)
    copytree(root / "packs" / "seed-default", root / "packs" / "other")
    documents = read_documents("other", root)
    assert documents.packs == ("other", "seed-default")
    with pytest.raises(ProtocolError, match="is seed-default, and the folder is named other"):
        build(documents)
    documents.toml["pack"]["id"] = "other"
    assert build(documents).packs == ("other", "seed-default")
