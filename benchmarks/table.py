"""The results as a table for people."""

from typing import Any


def number(value: float) -> str:
    """Three digits that mean something."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def measured(spread: dict[str, float]) -> str:
    """The median, and how far runs went from it."""
    median, lowest, highest = (number(spread[name]) for name in ("median", "lowest", "highest"))
    return median if lowest == highest else f"{median} ({lowest} to {highest})"


def agreement(line: dict[str, Any]) -> str:
    """Whether a subject ended with the same books as ours."""
    difference = line.get("difference")
    if difference is None:
        return ""
    if not difference["differing"]:
        return "same levels"
    return f"{difference['differing']} of {difference['levels']} levels differ"


def row_lines(row: dict[str, Any]) -> list[str]:
    """A row: its title, its subjects, its targets."""
    lines = ["", row["title"]]
    for line in row["subjects"]:
        if "error" in line:
            lines.append(f"  {line['name']:32} failed: {line['error']}")
            continue
        figures = "; ".join(f"{measured(spread)} {name}" for name, spread in line["figures"].items())
        ratio = f"{line['ratio']:.3g}x" if "ratio" in line else ""
        share = "" if line["cpu_share"] is None else f"{line['cpu_share']:.0%} CPU"
        lines.append(f"  {line['name']:32} {figures:42} {share:>9} {ratio:>8}  {agreement(line)}".rstrip())
    for target in row["targets"]:
        bound = f"{'at least' if target['at_least'] else 'at most'} {number(target['bound'])}"
        reached = "not measured" if target["reached"] is None else f"reached {number(target['reached'])}"
        verdict = {True: " met", False: " missed", None: ""}[target["met"]]
        lines.append(f"  target{verdict}: {bound} {target['figure']}, {reached}")
    return lines


def growth_lines(growth: list[dict[str, Any]]) -> list[str]:
    """Nanoseconds a record by size, ours and the textbook's."""
    lines = []
    for shape, title in (
        ("levels", "price levels, one coming and one going at random"),
        ("queue", "orders in one queue, leaving from anywhere"),
        ("records", "records"),
    ):
        lines += ["", f"ns a record by the number of {title}"]
        by_size: dict[int, dict[str, str]] = {}
        for one in growth:
            if one["shape"] == shape:
                by_size.setdefault(one["size"], {})[one["book"]] = measured(one["ns"])
        lines += [
            f"  {size:>12,}  booktape {row['book']:28} textbook {row['textbook']}" for size, row in by_size.items()
        ]
    return lines


def table(results: dict[str, Any]) -> str:
    """Everything."""
    machine, versions = results["machine"], results["versions"]
    peers = ", ".join(f"{name} {version}" for name, version in versions["peers"].items())
    lines = [
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB, {machine['system']}",
        f"load before: {machine['load_before']}; medians of {results['runs']} runs (lowest to highest)",
        f"booktape {versions['commit']}, {versions['rustc']}, Python {versions['python']}",
        f"peers on Python {versions['peers_python']}: {peers}",
        "x: how many times as fast the first line of a row is",
    ]
    for row in results["rows"]:
        lines += row_lines(row)
    if results["growth"]:
        lines += growth_lines(results["growth"])
    return "\n".join(lines)
