"""Conditions on rows in Milvus, as text: values are quoted here and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence

_ESCAPES = (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"))


def both(*conditions: str) -> str:
    """Return the condition that all of these hold; empty ones always do."""
    return " and ".join(f"({one})" for one in conditions if one)


def among(name: str, values: Sequence[int] | Sequence[str]) -> str:
    """Return the condition that a field has one of some values."""
    return f"{name} in [{', '.join(map(literal, values))}]"


def equals(name: str, value: int | str) -> str:
    """Return the condition that a field has a value."""
    return f"{name} == {literal(value)}"


def between(name: str, first: str, behind: str) -> str:
    """Return the condition that a text is `first` or comes after it, and before `behind`."""
    return f"{name} >= {literal(first)} and {name} < {literal(behind)}"


def literal(value: int | str) -> str:
    """Return a value as it is written in a condition."""
    if not isinstance(value, str):
        return str(int(value))
    for plain, escaped in _ESCAPES:
        value = value.replace(plain, escaped)
    return f'"{value}"'
