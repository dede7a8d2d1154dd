"""Every test runs in hostile surroundings; the modules named here say which, and why.

Markers: `hapi` (uses the real server), `loopback` (starts a server on 127.0.0.1), `slow`.
Fixtures for tests: `hapi` (base URL of the real server), `postgres` (URL of a private one), `now`
(the frozen moment).
"""

import pytest
from hypothesis import settings

# Fixed seeds: a failure comes again. No deadline: other work on the machine is no fault.
settings.register_profile("house", derandomize=True, deadline=None)
settings.load_profile("house")

pytest.register_assert_rewrite("tests.support.phi")

pytest_plugins = [
    "pytester",
    "tests.support.surroundings",
    "tests.support.phi_guard",
    "tests.support.hapi_server",
    "tests.support.postgres",
]
