"""Plots of evaluation reports, as SVG to put into a page."""

import io
from collections.abc import Mapping, Sequence

from markupsafe import Markup

_COLOURS = ("#2f6fed", "#e4572e", "#17a398", "#8a4fff", "#f2a541", "#5c6b73")


def bars(title: str, rows: Mapping[str, Mapping[str, float]]) -> Markup:
    """Grouped bars: a group for each measure, a bar for each variant."""
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(name for row in rows.values() for name in row))
    figure = Figure(figsize=(max(5.0, 1.3 * len(names)), 3.4), layout="constrained")
    axes = figure.subplots()
    width = 0.8 / max(1, len(rows))
    for index, (variant, row) in enumerate(rows.items()):
        places = [position + (index - (len(rows) - 1) / 2) * width for position in range(len(names))]
        heights = [row.get(name, 0.0) for name in names]
        drawn = axes.bar(places, heights, width * 0.92, label=variant, color=_COLOURS[index % len(_COLOURS)])
        axes.bar_label(drawn, labels=[f"{height:.3f}" for height in heights], fontsize=7, padding=1)
    axes.set_xticks(range(len(names)), names, fontsize=8)
    axes.set_ylim(0, 1.08)
    axes.legend(fontsize=8, frameon=False, ncols=max(1, len(rows)), loc="lower left", bbox_to_anchor=(0, 1.0))
    axes.set_ylabel(title, fontsize=8)
    return _svg(figure)


def lines(title: str, curves: Mapping[str, Sequence[Sequence[float]]]) -> Markup:
    """A line for each variant through its (x, y) points."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.6, 3.4), layout="constrained")
    axes = figure.subplots()
    for index, (variant, points) in enumerate(curves.items()):
        xs, ys = [point[0] for point in points], [point[1] for point in points]
        axes.plot(xs, ys, label=variant, color=_COLOURS[index % len(_COLOURS)], linewidth=1.8)
    axes.set_title(title, fontsize=9)
    axes.grid(alpha=0.3)
    if curves:
        axes.legend(fontsize=8, frameon=False)
    return _svg(figure)


def _svg(figure: object) -> Markup:
    for spine in ("top", "right"):
        for axes in figure.axes:  # type: ignore[attr-defined]
            axes.spines[spine].set_visible(False)
    out = io.StringIO()
    figure.savefig(out, format="svg")  # type: ignore[attr-defined]
    text = out.getvalue()
    # matplotlib writes an XML prologue, which HTML does not take; titles are escaped by it.
    return Markup(text[text.index("<svg") :])  # noqa: S704
