"""No version with a published weakness can be installed: declared floors and installed versions.

Advisory services answer "nothing known" where they cannot be reached; this table always answers.
"""

import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.architecture.source import ROOT

# package: the first version without the weaknesses named
FLOORS = {
    "requests": "2.32.4",  # CVE-2024-47081 .netrc leak, CVE-2024-35195, CVE-2023-32681
    "urllib3": "2.7.0",  # CVE-2026-44432 decompression bomb, CVE-2026-21441, CVE-2025-66418
    "pyjwt": "2.13.0",  # CVE-2026-32597, CVE-2026-48522 to -48526, CVE-2022-29217
    "cryptography": "46.0.5",  # CVE-2026-26007 points outside the group
    "werkzeug": "3.1.6",  # CVE-2026-27199, CVE-2026-21860, CVE-2024-34069
    "flask": "3.1.1",  # CVE-2025-47278, CVE-2023-30861
    "jinja2": "3.1.6",  # CVE-2025-27516 way out of the sandbox
    "authlib": "1.3.1",  # CVE-2024-37568
    "idna": "3.7",  # CVE-2024-3651 quadratic time
    "certifi": "2024.7.4",  # CVE-2024-39689 withdrawn root
}
REFUSED = {"python-jose"}  # unmaintained, with open weaknesses


def declared() -> list[Requirement]:
    """What pyproject asks for, extras included."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project.get("optional-dependencies", {}).values()
    named = [Requirement(line) for lines in (project["dependencies"], *extras) for line in lines]
    # One extra that asks for another names the project itself.
    return [one for one in named if canonicalize_name(one.name) != project["name"]]


def floor_of(requirement: Requirement) -> Version:
    """The lowest version a requirement admits; 0 where it names none."""
    floors = (Version(one.version) for one in requirement.specifier if one.operator in {">=", "=="})
    return max(floors, default=Version("0"))


def low_floors(requirements: Iterable[Requirement]) -> Iterator[str]:
    """Requirements that admit a version with a known weakness, or a package that is refused."""
    for requirement in requirements:
        name = canonicalize_name(requirement.name)
        if name in REFUSED:
            yield f"{name} is refused"
        elif floor_of(requirement) < Version(FLOORS.get(name, "0")):
            yield f"{requirement} admits versions below {FLOORS[name]}"


def test_no_declared_floor_is_too_low() -> None:
    assert list(low_floors(declared())) == []


def test_every_requirement_names_a_floor() -> None:
    assert [str(one) for one in declared() if floor_of(one) == Version("0")] == []


@pytest.mark.parametrize(("name", "floor"), FLOORS.items())
def test_no_installed_version_is_too_old(name: str, floor: str) -> None:
    try:
        installed = Version(version(name))
    except PackageNotFoundError:
        return  # nothing here uses it
    assert installed >= Version(floor)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("requests>=2.31", "requests>=2.31 admits versions below 2.32.4"),
        ("PyJWT", "PyJWT admits versions below 2.13.0"),
        ("python_jose>=3", "python-jose is refused"),
    ],
)
def test_a_seeded_low_floor_is_seen(line: str, problem: str) -> None:
    assert list(low_floors([Requirement(line)])) == [problem]


@pytest.mark.parametrize("line", ["requests>=2.32.4", "urllib3==2.8.0", "rich>=13", "rich"])
def test_a_good_floor_passes(line: str) -> None:
    assert list(low_floors([Requirement(line)])) == []
