"""The house rules as tests: each reads the source as a tree and names file and line of a breach."""
