"""Options of a prediction, in the query of a request or in fields of its form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Self, TypeVar, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from off_tanet.face_choice import (
    CONTRADICTION,
    EXPECTED,
    PATTERN,
    FaceChoice,
    FaceCount,
    is_contradiction,
    parse_face,
)
from off_tanet.schemas.prediction import Included
from off_tanet.schemas.validation import error_of, invalid

_INCLUDED: tuple[Included, ...] = get_args(Included)
_ANY = "|".join(_INCLUDED)
ONSET_INDEX = "Index of the onset frame, from 0; if omitted, it is found automatically."
APEX_INDEX = "Index of the apex frame, from 0; if omitted, it is found automatically."
_LISTS = frozenset({"include"})  # names that may be given several times
_MAX_CHARACTERS = 1000


def _text(content: object) -> object:
    if isinstance(content, bytes):
        try:
            content = content.decode("utf-8")
        except UnicodeDecodeError:
            raise PydanticCustomError("not_utf8", "not UTF-8") from None
    if isinstance(content, str) and len(content) > _MAX_CHARACTERS:
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


def _face(given: object) -> object:
    text = _text(given)
    try:
        return parse_face(text) if isinstance(text, str) else text
    except ValueError:
        raise PydanticCustomError(
            "unknown_face", "must be {expected}", {"expected": EXPECTED}
        ) from None


Face = Annotated[
    FaceChoice,
    BeforeValidator(_face),
    WithJsonSchema(
        {
            "type": "string",
            "default": "auto",
            "pattern": f"^({PATTERN})$",
            "examples": ["auto", "1", "10,20,200,200"],
        }
    ),
]
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
    """Options of every prediction."""

    model_config = ConfigDict(extra="forbid")

    face: Face = Field(
        "auto",
        description="The face to analyse: `auto` or `largest`; its index in the order of size, "
        "from 0, on the first frame that shows a face; or a box `x,y,width,height` in pixels that "
        "overlaps it there. With `none`, the frames are tight face crops.",
    )
    faces: Annotated[FaceCount, BeforeValidator(_text)] = Field(
        "one", description="`all` analyses every face, up to a limit."
    )
    include: Include = Field(
        frozenset(),
        description="Pictures and arrays to add to the response, separated by commas: "
        f"{', '.join(_INCLUDED)}.",
    )

    @model_validator(mode="after")
    def _check_faces(self) -> Self:
        """Refuse the choice of one face if all are requested."""
        if is_contradiction(self.face, self.faces):
            raise PydanticCustomError("contradiction", CONTRADICTION)
        return self


class ClipOptions(Options):
    """Options of a prediction from a clip."""

    onset_index: Index = Field(None, description=ONSET_INDEX)
    apex_index: Index = Field(None, description=APEX_INDEX)


T = TypeVar("T", str, bytes)
M = TypeVar("M", bound=BaseModel)
Query = dict[str, str]
"""A parsed query, in which each name occurs once."""


def read_query(model: type[Options], pairs: Iterable[tuple[str, str]]) -> Query:
    """Check the options in a query.

    Args:
        model: The options that the route accepts.
        pairs: The names and values of the query.

    Returns:
        The options, still as text.

    Raises:
        InvalidRequestError: An option is unknown, repeated or invalid.
    """
    given = combine(pairs, model, "query")
    validate(model, given, "query")
    return given


def combine(pairs: Iterable[tuple[str, T]], model: type[BaseModel], place: str) -> dict[str, T]:
    """Combine the values of each name.

    A list may be one text or several (`include=flow&include=attention`). `include[]`, which PHP and
    axios send, is `include`.

    Args:
        pairs: The names and values of a query or a form.
        model: The accepted fields.
        place: Where the names are from: `query` or `body`.

    Raises:
        InvalidRequestError: A name other than that of a list is given more than once.
    """
    found: dict[str, list[T]] = {}
    for name, value in pairs:
        found.setdefault(_field_name(name, model), []).append(value)
    repeated = [name for name, values in found.items() if len(values) > 1 and name not in _LISTS]
    if repeated:
        raise error_of(
            {"type": "given_twice", "loc": (place, name), "msg": "given more than once"}
            for name in repeated
        )
    return {name: _combine(values) for name, values in found.items()}


def validate(model: type[M], given: Mapping[str, object], place: str) -> M:
    """Validate the fields of a request.

    Args:
        model: The accepted fields.
        given: The names and values.
        place: Where they are from: `query` or `body`.

    Raises:
        InvalidRequestError: A field is missing, unknown or invalid.
        MalformedBase64Error: A file is not valid base64.
    """
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise invalid(error, place, known=model.model_fields) from None


def _field_name(name: str, model: type[BaseModel]) -> str:
    bare = name.removesuffix("[]")
    return bare if bare in model.model_fields else name


def _combine(values: list[T]) -> T:
    if len(values) == 1:
        return values[0]
    comma: T = "," if isinstance(values[0], str) else b","
    return comma.join(value for value in values if value.strip())
