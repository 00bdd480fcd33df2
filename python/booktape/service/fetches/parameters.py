"""Which fetch."""

from typing import Annotated, TypeAlias

from litestar.params import PathParameter

from booktape.service.parameters.examples import examples

FetchId: TypeAlias = Annotated[
    str,
    PathParameter(
        description="A fetch's id, as `/api/v1/fetches` lists it.", examples=examples(one="fetch-9f86d081884c7d65")
    ),
]
