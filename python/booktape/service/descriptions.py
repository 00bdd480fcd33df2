"""Docstrings of structs and their fields, put into the OpenAPI schema: its readers see what the source says."""

import ast
import inspect
from collections.abc import Iterator
from types import ModuleType

import msgspec
from litestar.openapi.spec import OpenAPI, Reference, Schema


def describe(schema: OpenAPI, *modules: ModuleType) -> None:
    """Gives the components that are structs of these modules their descriptions, and those of their fields."""
    documented = dict(pair for module in modules for pair in _documented(module))
    for struct in documented:
        fields: dict[str, str] = {}
        for base in reversed(struct.__mro__):
            fields |= documented.get(base, {})
        component = schema.components.schemas.get(struct.__name__)
        if not isinstance(component, Schema) or not component.properties:
            continue
        component.description = inspect.getdoc(struct)
        for field, name in zip(struct.__struct_fields__, struct.__struct_encode_fields__, strict=True):
            component.properties[name] = _with_description(component.properties[name], fields.get(field))


def _with_description(field: Schema | Reference, text: str | None) -> Schema | Reference:
    if isinstance(field, Reference):
        return Reference(ref=field.ref, description=text)
    field.description = text
    return field


def _documented(module: ModuleType) -> Iterator[tuple[type[msgspec.Struct], dict[str, str]]]:
    """The structs of a module with the docstrings below their fields."""
    for node in ast.parse(inspect.getsource(module)).body:
        struct = getattr(module, node.name) if isinstance(node, ast.ClassDef) else None
        if isinstance(node, ast.ClassDef) and isinstance(struct, type) and issubclass(struct, msgspec.Struct):
            yield struct, dict(_field_docstrings(node))


def _field_docstrings(struct: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, below in zip(struct.body, struct.body[1:], strict=False):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str() as text)):
                yield name, inspect.cleandoc(text)
