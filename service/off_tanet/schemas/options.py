"""What may be asked for beside the media: by the query of a request, or by fields of its form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, TypeVar, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from off_tanet.schemas.prediction import Included
from off_tanet.schemas.validation import error_of, invalid
from off_tanet.types import FaceMode

_INCLUDED: tuple[Included, ...] = get_args(Included)
_ANY = "|".join(_INCLUDED)
_LISTS = frozenset({"include"})  # names that may come several times
_MOST_CHARACTERS = 1000


def _text(content: object) -> object:
    if isinstance(content, bytes):
        try:
            content = content.decode("utf-8")
        except UnicodeDecodeError:
            raise PydanticCustomError("not_utf8", "not UTF-8") from None
    if isinstance(content, str) and len(content) > _MOST_CHARACTERS:
        raise PydanticCustomError("too_long", "longer than any value here")
    return content


def _words(given: object) -> object:
    text = _text(given)
    if not isinstance(text, str):
        return text
    words = [word.strip() for word in text.split(",")] if text.strip() else []
    if not set(words) <= set(_INCLUDED):
        known = ", ".join(_INCLUDED)
        raise PydanticCustomError("unknown_word", "must be any of {known}", {"known": known})
    return frozenset(words)


Include = Annotated[
    frozenset[Included],
    BeforeValidator(_words),
    WithJsonSchema(
        {
            "type": "string",
            "default": "",
            "pattern": rf"^(({_ANY})(,({_ANY}))*)?$",
            "examples": ["flow,attention"],
        }
    ),
]
Index = Annotated[int | None, BeforeValidator(_text), Field(ge=0)]


class Options(BaseModel):
    """Those of every prediction."""

    model_config = ConfigDict(extra="forbid")

    face: Annotated[FaceMode, BeforeValidator(_text)] = Field(
        "auto",
        description="`auto` finds the face; `none`: the frames are already tight face crops.",
    )
    include: Include = Field(
        frozenset(),
        description=f"What to add, separated by commas: {', '.join(_INCLUDED)}.",
    )


class ClipOptions(Options):
    """Those of a clip: what is not to be sought in it."""

    onset_index: Index = Field(None, description="The onset's frame, from 0; none: it is found.")
    apex_index: Index = Field(None, description="The apex's frame, from 0; none: it is found.")


T = TypeVar("T", str, bytes)
M = TypeVar("M", bound=BaseModel)
Query = dict[str, str]
"""A query that was read, each name once."""


def read_query(model: type[Options], pairs: Iterable[tuple[str, str]]) -> Query:
    """The options in a query. Raises InvalidRequestError, which names what is wrong."""
    given = joined(pairs, model, "query")
    parsed(model, given, "query")
    return given


def joined(pairs: Iterable[tuple[str, T]], model: type[BaseModel], place: str) -> dict[str, T]:
    """Each name once, with its value. Raises InvalidRequestError for one that is given twice.

    A list comes as one text or as several (`include=flow&include=attention`), and PHP's and axios'
    `include[]` is `include`.
    """
    found: dict[str, list[T]] = {}
    for name, value in pairs:
        found.setdefault(_bare(name, model), []).append(value)
    twice = [name for name, values in found.items() if len(values) > 1 and name not in _LISTS]
    if twice:
        raise error_of(
            {"type": "given_twice", "loc": (place, name), "msg": "given more than once"}
            for name in twice
        )
    return {name: _one(values) for name, values in found.items()}


def parsed(model: type[M], given: Mapping[str, object], place: str) -> M:
    """`given` as a model of these fields. Raises InvalidRequestError and MalformedBase64Error."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise invalid(error, place, known=model.model_fields) from None


def _bare(name: str, model: type[BaseModel]) -> str:
    bare = name.removesuffix("[]")
    return bare if bare in model.model_fields else name


def _one(values: list[T]) -> T:
    if len(values) == 1:
        return values[0]
    comma: T = "," if isinstance(values[0], str) else b","
    return comma.join(value for value in values if value.strip())
