"""All tests. A package only so that no installed package named `tests` can stand in its place."""
