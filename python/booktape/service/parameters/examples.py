"""Examples of parameters."""

from litestar.openapi.spec import Example


def examples(**values: object) -> list[Example]:
    """Each under its name, in which `_` stands for a space."""
    return [Example(id=name, summary=name.replace("_", " "), value=value) for name, value in values.items()]
