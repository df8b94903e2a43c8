"""What a setting may be, in words."""

import json

from msgspec import inspect


def bare(info: inspect.Type) -> inspect.Type:
    """`info` without what is said about it, and T for T | None: TOML has no null."""
    if isinstance(info, inspect.Metadata):
        return bare(info.type)
    if isinstance(info, inspect.UnionType):
        return bare(next(part for part in info.types if not isinstance(part, inspect.NoneType)))
    return info


def wanted(info: inspect.Type) -> str:
    """`info` in plain words: "a whole number from 1 to 64", "one of 0, 90, 180, 270"."""
    if isinstance(info, inspect.Metadata):
        return (info.extra or {}).get("wanted") or wanted(info.type)
    if isinstance(info, inspect.UnionType):
        return wanted(next(part for part in info.types if not isinstance(part, inspect.NoneType)))
    if isinstance(info, inspect.LiteralType):
        return f"one of {', '.join(json.dumps(value) for value in info.values)}"
    if isinstance(info, inspect.IntType):
        return f"a whole number{_limits(info)}"
    if isinstance(info, inspect.FloatType):
        return f"a number{_limits(info)}"
    words = {inspect.BoolType: "true or false", inspect.StructType: "a table", inspect.VarTupleType: "a list of tables"}
    return words.get(type(info), "text")


def _limits(info: inspect.IntType | inspect.FloatType) -> str:
    low = f" above {info.gt:g}" if info.gt is not None else f" from {info.ge:g}" if info.ge is not None else ""
    return low + (f" to {info.le:g}" if info.le is not None else "")
