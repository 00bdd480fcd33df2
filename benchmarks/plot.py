"""Draws a result of `python -m benchmarks`: `plot.py RESULT.json` writes one SVG for light pages and one for dark ones.

Runs in the peers' environment, which has matplotlib.
"""

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullLocator

OURS, TEXTBOOK = "#2f81f7", "#db6d28"
THEMES = {
    "light": {"ink": "#1f2328", "faint": "#d1d9e0", "peer": "#818b98"},
    "dark": {"ink": "#e6edf3", "faint": "#3d444d", "peer": "#9198a1"},
}
#: Rows that are bars, and what the bars are called.
BARS = {
    "memory-clx5": "records in memory → book, CLX5",
    "memory-synthetic": "records in memory → book, synthetic",
    "memory-16": "records in memory → books, 16 instruments",
    "file-plain": "DBN file → final book from Python, plain",
    "file-zst": "DBN file → final book from Python, zstd",
}
LINES = {"levels": "number of price levels", "queue": "orders in one queue", "records": "number of records"}


def bars(axes: Axes, row: dict[str, Any], theme: dict[str, str]) -> None:
    """The medians of a row, ours in colour; the thin lines go from the lowest run to the highest.

    Limits do no work on books and are in the table alone: beside them the bars could not be compared.
    """
    lines = [line for line in row["subjects"] if "error" not in line and not line["name"].startswith("limit")][::-1]
    figure = next(iter(lines[-1]["figures"])) if lines else ""
    spreads = [line["figures"][figure] for line in lines]
    medians = [one["median"] for one in spreads]
    colours = [OURS if line["name"].startswith("booktape") else theme["peer"] for line in lines]
    errors = [[one["median"] - one["lowest"] for one in spreads], [one["highest"] - one["median"] for one in spreads]]
    drawn = axes.barh([line["name"] for line in lines], medians, color=colours, xerr=errors, ecolor=theme["ink"])
    axes.bar_label(drawn, [f"{median:,.3g}" for median in medians], padding=4, color=theme["ink"])
    axes.margins(x=0.12)
    axes.set_title(BARS[row["key"]], color=theme["ink"], loc="left")
    axes.set_xlabel("million records a second" if figure.endswith("/s") else "nanoseconds a record")


def lines(axes: Axes, growth: list[dict[str, Any]], shape: str) -> None:
    """Nanoseconds a record by size."""
    for book, name, colour in (("book", "booktape", OURS), ("textbook", "textbook", TEXTBOOK)):
        points = [(one["size"], one["ns"]["median"]) for one in growth if (one["shape"], one["book"]) == (shape, book)]
        axes.plot(*zip(*points, strict=True), marker="o", color=colour, label=name)
    axes.set(xscale="log", yscale="log", ylabel="nanoseconds a record", xlabel=LINES[shape], ylim=(10, 100_000))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axis.set_minor_locator(NullLocator())


def draw(result: dict[str, Any], theme: dict[str, str], path: Path) -> None:
    """Every panel that the result has figures for."""
    rows = [row for row in result["rows"] if row["key"] in BARS]
    shapes = [shape for shape in LINES if result["growth"]]
    panels = [*rows, *shapes]
    mpl.rcParams.update(
        {
            "text.color": theme["ink"],
            "axes.labelcolor": theme["ink"],
            "axes.edgecolor": theme["faint"],
            "xtick.color": theme["ink"],
            "ytick.color": theme["ink"],
            "axes.spines.top": False,
            "axes.spines.right": False,
            "font.size": 9,
            "svg.hashsalt": "booktape",
            # Text stays text: small, sharp, and found by searching the page.
            "svg.fonttype": "none",
        }
    )
    figure, grid = plt.subplots(-(-len(panels) // 2), 2, figsize=(12, 2.6 * -(-len(panels) // 2)), squeeze=False)
    for axes, panel in zip(grid.flat, panels, strict=False):
        if isinstance(panel, dict):
            bars(axes, panel, theme)
        else:
            lines(axes, result["growth"], panel)
            axes.set_title(f"how cost grows with the {LINES[panel]}", color=theme["ink"], loc="left")
            axes.legend(frameon=False, labelcolor=theme["ink"])
        axes.grid(axis="x", color=theme["faint"], linewidth=0.5)
        axes.set_axisbelow(True)
    for axes in grid.flat[len(panels) :]:
        axes.set_visible(False)
    figure.tight_layout()
    figure.savefig(path, transparent=True, metadata={"Date": None})
    plt.close(figure)


def main() -> None:
    """Draws both."""
    source = Path(sys.argv[1])
    result = json.loads(source.read_text())
    if not any(row["key"] in BARS for row in result["rows"]) and not result["growth"]:
        return
    for name, theme in THEMES.items():
        path = source.with_name(f"{source.stem}-{name}.svg")
        draw(result, theme, path)
        print(f"drawn: {path}")


if __name__ == "__main__":
    main()
