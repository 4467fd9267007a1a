"""Schemes of classes: which emotions of which database are a class."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from off_tanet.types import CLASSES

from off_tanet_export.errors import OptionError

SPELLINGS: Mapping[str, str] = MappingProxyType(
    {
        "angry": "anger",
        "contemptuous": "contempt",
        "disgusted": "disgust",
        "fearful": "fear",
        "happy": "happiness",
        "happyiness": "happiness",  # in CAS(ME)^2
        "other": "others",
        "positively surprise": "surprise",  # in 4DME
        "negatively surprise": "surprise",
        "repressed": "repression",
        "sad": "sadness",
        "surprised": "surprise",
    }
)
"""Other spellings of emotions, as they are found in the databases' sheets."""

_NEGATIVE = ("anger", "contempt", "disgust", "fear", "repression", "sadness", "negative")
_UNCLASSED = (
    *("others", "tense", "neutral", "helpless", "pain", "sympathy", "confused"),
    *("micro", "macro"),  # of sheets without emotions
)

KNOWN = frozenset((*_NEGATIVE, "happiness", "positive", "surprise", *_UNCLASSED))
"""The emotions of the databases. Another word is a spelling that somebody has to look at."""


@dataclass(frozen=True, slots=True)
class Published:
    """What is published of a scheme's clips of a database.

    Attributes:
        clips: The number of clips of each class.
        people: The number of people.
    """

    clips: tuple[int, ...]
    people: int

    def __str__(self) -> str:
        parts = " + ".join(map(str, self.clips))
        return f"{parts} = {sum(self.clips)} clips of {self.people} people"


@dataclass(frozen=True, slots=True)
class Scheme:
    """The class of each emotion.

    Attributes:
        name: The scheme's name.
        classes: The names of the classes, in the order of their indices.
        by_emotion: The class of each emotion that has one.
        left_out: Emotions that have no class in a database, although they have one in others.
        with_apex: Databases of which clips are left out whose apex is not marked, or is the onset.
        published: What is published of the clips of databases.
        title: The scheme's name in sentences.
    """

    name: str
    classes: tuple[str, ...]
    by_emotion: Mapping[str, str]
    left_out: Mapping[str, frozenset[str]] = field(default_factory=dict)
    with_apex: frozenset[str] = frozenset()
    published: Mapping[str, Published] = field(default_factory=dict)
    title: str = ""

    def label(self, database: str, emotion: str) -> int | None:
        """Return the class's index of an emotion in a database; None if it has no class.

        Args:
            database: The database, as `database_name` returns it.
            emotion: The emotion, as `emotions` returns it.
        """
        if self.excludes(database, emotion) or emotion not in self.by_emotion:
            return None
        return self.classes.index(self.by_emotion[emotion])

    def excludes(self, database: str, emotion: str) -> bool:
        """Return whether a database's clips of an emotion are left out.

        Args:
            database: The database, as `database_name` returns it.
            emotion: The emotion, as `emotions` returns it.
        """
        return emotion in self.left_out.get(database, ())

    def knows(self, emotion: str) -> bool:
        """Return whether an emotion is a word of the databases or of this scheme."""
        return emotion in KNOWN or emotion in self.by_emotion


def _emotions_as_classes(name: str, *classes: str) -> Scheme:
    return Scheme(name, classes, MappingProxyType({emotion: emotion for emotion in classes}))


MEGC2019 = Scheme(
    "megc2019",
    CLASSES,
    MappingProxyType(
        dict.fromkeys(_NEGATIVE, "negative")
        | dict.fromkeys(("happiness", "positive"), "positive")
        | {"surprise": "surprise"}
    ),
    MappingProxyType({"casme2": frozenset({"fear", "sadness"})}),
    frozenset({"casme2"}),
    MappingProxyType(
        {
            "casme2": Published((88, 32, 25), 24),
            "samm": Published((92, 26, 15), 28),
            "smic": Published((70, 51, 43), 16),
        }
    ),
    "MEGC2019",
)
"""The classes of MEGC2019, which left out the few clips of fear and sadness in CASME II.

J. See, M. H. Yap, J. Li, X. Hong, S.-J. Wang, "MEGC 2019 - The Second Facial Micro-Expressions
Grand Challenge", FG 2019. CASME II has two more clips of these classes than the challenge counts:
taken are those of which an apex is marked after the onset.
"""

SCHEMES: Mapping[str, Scheme] = MappingProxyType(
    {
        "megc2019": MEGC2019,
        "casme2-5": _emotions_as_classes(
            "casme2-5", "disgust", "happiness", "others", "repression", "surprise"
        ),
        "emotions-7": _emotions_as_classes(
            "emotions-7",
            *("anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise"),
        ),
    }
)
"""The schemes that have a name."""


def emotions(text: str) -> tuple[str, ...]:
    """Return the emotions in a cell, which may name several, in their usual spelling."""
    words = re.split(r"[,;/+&、，；|]| and ", text.casefold())
    names = [" ".join(word.split()) for word in words]
    return tuple(dict.fromkeys(SPELLINGS.get(name, name) for name in names if name))


def custom_scheme(texts: Sequence[str]) -> Scheme:
    """Make a scheme of `CLASS=EMOTION,EMOTION`, or `CLASS` for the emotion of that name.

    Raises:
        OptionError: There are fewer than two classes, or an emotion has two.
    """
    pairs: list[tuple[str, str]] = []
    for text in texts:
        name, _, listed = text.partition("=")
        name = " ".join(name.split())
        found = emotions(listed or name)
        if not name or not found or "=" in listed:
            raise OptionError(f"--classes: {text!r} is not CLASS or CLASS=EMOTION,EMOTION")
        pairs += [(emotion, name) for emotion in found]
    by_emotion: dict[str, str] = {}
    for emotion, name in pairs:
        if by_emotion.setdefault(emotion, name) != name:
            raise OptionError(f"--classes: {emotion} is in two classes")
    classes = tuple(dict.fromkeys(name for _, name in pairs))
    if len(classes) < 2:
        raise OptionError("--classes: there must be two classes")
    return Scheme("custom", classes, MappingProxyType(by_emotion))
