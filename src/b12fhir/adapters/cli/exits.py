"""The exit codes of every command, read off the error tree so that they cannot drift from it."""

from b12fhir import errors

INTERRUPTED = 130
BROKEN_PIPE = 141

_OTHERS = {
    errors.OK: "Done. Urgent findings do not change this: they are a line of the output.",
    errors.RefusedError.exit_code: "The server refused what was sent (another 4xx).",
    errors.PARTIAL: "Partly done: some of the input could not be processed, all the rest was.",
    errors.Defect.exit_code: "Our own mistake; the traceback is shown. Please report it.",
    INTERRUPTED: "Stopped with Ctrl-C, sync also with SIGTERM. Nothing is left half written.",
    BROKEN_PIPE: "The reader of the output went away (for example `| head`).",
}


def exit_codes() -> dict[int, str]:
    """Code and meaning of every way to end, in order."""
    codes = {kind.exit_code: _sentence(kind) for kind in _tree(errors.UserError)}
    codes[errors.UsageError.exit_code] = _sentence(errors.UsageError)
    return dict(sorted((codes | _OTHERS).items()))


def exit_table() -> str:
    """The codes as a Markdown table, for the README."""
    rows = "".join(f"| {code} | {text} |\n" for code, text in exit_codes().items())
    return f"| code | meaning |\n|---|---|\n{rows}"


def _tree(kind: type[errors.B12Error]) -> list[type[errors.B12Error]]:
    """The class and those below it, as the tree draws them; private ones elsewhere do not count."""
    below = [sub for sub in kind.__subclasses__() if sub.__module__ == errors.__name__]
    return [kind, *(deeper for sub in below for deeper in _tree(sub))]


def _sentence(kind: type[errors.B12Error]) -> str:
    lines = (kind.__doc__ or "").strip().splitlines()
    return lines[0].replace("``", "") if lines else kind.__name__
