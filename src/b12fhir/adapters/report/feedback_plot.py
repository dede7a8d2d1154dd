"""The feedback report as a picture, PNG or SVG. It needs what the extra `server` installs."""

import io

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from b12fhir.service.hooks.rates import ALL, FeedbackReport, Rates, Share

# Colours that the colour-blind can tell apart (Okabe and Ito), and a shape for each as well.
_MARKS = (
    ("accepted", "#009E73", "o", -0.22),
    ("overridden", "#D55E00", "s", 0.0),
    ("unanswered", "#7F7F7F", "^", 0.22),
)
_BAR = "#D55E00"
_PERCENT = 100


def plot(report: FeedbackReport, kind: str) -> bytes:
    """The picture, ``png`` or ``svg``; the same report gives the same bytes."""
    stream = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "b12fhir"}):
        # A date would make another file of the same report.
        undated = {"Date": None} if kind == "svg" else None
        draw(report).savefig(stream, format=kind, metadata=undated)
    return stream.getvalue()


def draw(report: FeedbackReport) -> Figure:
    """Rates with their intervals by rule, and the reasons of overrides if there are any."""
    rows = (*report.rules, report.total)
    reasons = [(one.reason, one.share) for one in report.reasons if one.rule == ALL]
    heights = [0.62 * len(rows) + 1.3, *([0.38 * len(reasons) + 1.0] if reasons else [])]
    figure = Figure(figsize=(9, sum(heights)), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
    _rates(panels[0], rows, report)
    figure.legend(loc="outside upper right", ncols=3, frameon=False)
    if reasons:
        _reasons(panels[1], reasons)
    return figure


def _rates(axes: Axes, rows: tuple[Rates, ...], report: FeedbackReport) -> None:
    for name, colour, marker, shift in _MARKS:
        shares: list[Share] = [getattr(one, name) for one in rows]
        known = [(place, one) for place, one in enumerate(shares) if one.rate is not None]
        axes.errorbar(
            [_percent(one.rate) for _, one in known],
            [place + shift for place, _ in known],
            xerr=_reach([one for _, one in known]),
            fmt=marker,
            color=colour,
            capsize=3,
            label=name,
        )
    axes.set_yticks(range(len(rows)), [_label(one) for one in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    since = f" since {report.since.date()}" if report.since else ""
    axes.set_title(f"What became of {report.total.issued} cards{since}", loc="left")
    axes.set_xlabel("per cent of the cards shown, with 95 % intervals")
    axes.axhline(len(rows) - 1.5, color="#777777", linewidth=0.8)
    _scale(axes)


def _reasons(axes: Axes, shares: list[tuple[str, Share]]) -> None:
    values = [_percent(one.rate) for _, one in shares]
    bounds = _reach([one for _, one in shares])
    axes.barh(range(len(shares)), values, 0.5, xerr=bounds, color=_BAR, ecolor="#333333", capsize=3)
    names = [f"{name} ({one.count})" for name, one in shares]
    axes.set_yticks(range(len(shares)), names)
    axes.set_ylim(len(shares) - 0.5, -0.5)
    axes.set_title(f"Why {shares[0][1].of} were overridden", loc="left")
    axes.set_xlabel("per cent of the overrides, with 95 % intervals")
    _scale(axes)


def _scale(axes: Axes) -> None:
    axes.set_xlim(-1, _PERCENT + 1)
    axes.set_xticks(range(0, _PERCENT + 1, 20))
    axes.grid(axis="x", color="#DDDDDD")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _label(one: Rates) -> str:
    name = "all cards" if one.rule == ALL else f"{one.rule} {one.indicator}"
    return f"{name} ({one.issued})"


def _reach(shares: list[Share]) -> list[list[float]]:
    """How far the interval reaches below and above each rate."""
    return [
        [max(_percent(one.rate) - _percent(one.low), 0) for one in shares],
        [max(_percent(one.high) - _percent(one.rate), 0) for one in shares],
    ]


def _percent(part: object) -> float:
    return _PERCENT * float(str(part))
