"""Names of databases and people: each has one, however a spreadsheet or a file spells it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

_ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "casmeii": "casme2",
        "casme2": "casme2",
        "casmesq": "casme-sq",
        "cas(me)2": "casme-sq",
        "cas(me)^2": "casme-sq",
        "cas(me)²": "casme-sq",
        "casme3": "casme3",
        "cas(me)3": "casme3",
        "cas(me)^3": "casme3",
        "cas(me)³": "casme3",
        "smichs": "smic",
        "samm": "samm",
        "sammlv": "samm-lv",
        "sammlong": "samm-lv",
        "sammlongvideos": "samm-lv",
    }
)
"""Names of databases without spaces, hyphens and underscores, which people set as they like."""

_NUMBERED = re.compile(r"([a-z]*)[ ._-]*0*(\d+)(?:\.0+)?")
_WORDS = frozenset(("", "subject", "subj", "sub", "s", "sp", "spno", "person", "participant", "p"))
_DIGITS = 3  # of a number, so that names have its order

_PEOPLE_OF: Mapping[str, str] = MappingProxyType(
    {"samm-lv": "samm", "smic-vis": "smic", "smic-nir": "smic"}
)
"""Databases whose people are those of another one, with the same numbers."""


def database_name(text: str) -> str:
    """Return the name of a database: `CASME II` and `casme2` are one."""
    name = " ".join(text.casefold().split())
    return _ALIASES.get(re.sub(r"[ _-]", "", name), name)


def unique_person(database: str, subject: str) -> str:
    """Return the name of a person among those of all databases.

    Args:
        database: The database, in any spelling.
        subject: The person's name in it, in any spelling.
    """
    name = database_name(database)
    return f"{_PEOPLE_OF.get(name, name)}/{person_name(subject)}"


def person_name(text: str) -> str:
    """Return the name of a person within a database.

    Databases number their subjects and spell the number in many ways: `1`, `01`, `1.0`, `sub01`,
    `s1` and `spNO.1` are one person, `001`. With any other word before it, the number has one
    spelling, too (`f1` and `F01` are `f001`); other names are kept, in lower case.
    """
    name = " ".join(text.casefold().split())
    number = _NUMBERED.fullmatch(name)
    if number is None:
        return name
    word, digits = number.groups()
    return ("" if word in _WORDS else word) + digits.zfill(_DIGITS)
