"""Every test runs in hostile surroundings; the modules named here say which, and why.

Markers: `hapi` (uses the real server), `loopback` (starts a server on 127.0.0.1), `slow`.
Fixtures for tests: `hapi` (base URL of the real server), `now` (the frozen moment).
"""

import pytest

pytest.register_assert_rewrite("tests.support.phi")

pytest_plugins = [
    "pytester",
    "tests.support.surroundings",
    "tests.support.phi_guard",
    "tests.support.hapi_server",
]
