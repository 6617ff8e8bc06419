"""A fit as one JSON document: the law by recipe and formula, arrays as base64 doubles."""

from __future__ import annotations

from base64 import b64decode, b64encode
from functools import cache
from math import inf
from typing import Any

import msgspec
import numpy as np

from isoflop.errors import InputError
from isoflop.fit.result import SCHEMA, Fit
from isoflop.laws.dimensions import Dimension, Kind, Scaling
from isoflop.laws.law import Input, Law, Parameter


class ParameterRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored of a parameter: its `Kind`; a bound that is None is infinite."""

    parameter: str
    name: str
    lower: float | None
    upper: float | None
    scale: Scaling
    start: tuple[float, float]
    relative_to: str

    def declared(self) -> Parameter:
        """Return the parameter as it was declared."""
        low = -inf if self.lower is None else self.lower
        high = inf if self.upper is None else self.upper
        kind = Kind(self.name, low, high, self.scale, self.start, self.relative_to)
        return Parameter(self.parameter, kind)


class LawRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored of a law: enough to rebuild it, and to read it without the code."""

    name: str
    formula: str
    inputs: tuple[Input, ...]
    parameters: tuple[ParameterRecord, ...]
    output: Dimension
    levels: dict[str, tuple[str, ...]] = {}
    recipe: Any = None


def encode(fit: Fit) -> bytes:
    """Return the JSON document of a fit."""
    values = {name: getattr(fit, name) for name in fit.__struct_fields__}
    stored = _stored_type()(**{**values, "law": _record(fit.law)})
    return msgspec.json.encode(stored, enc_hook=_encode)


def decode(document: bytes | str) -> Fit:
    """Return the fit of a JSON document.

    Raises:
        InputError: if it is not one, or of another schema.
    """
    try:
        stored = msgspec.json.decode(document, type=_stored_type(), dec_hook=_decode)
    except (msgspec.MsgspecError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"this is not a fit: {error}.") from error
    if stored.schema != SCHEMA:
        raise InputError(f"this fit has schema {stored.schema}, not {SCHEMA}.")
    values = {name: getattr(stored, name) for name in stored.__struct_fields__}
    return Fit(**{**values, "law": law_of(stored.law)})


@cache
def _stored_type() -> Any:
    """The type of the document: a `Fit` with the record of its law instead of the law."""
    fields = [
        (f.name, LawRecord if f.type is Law else f.type)
        if f.default is msgspec.NODEFAULT and f.default_factory is msgspec.NODEFAULT
        else (f.name, f.type, f.default)
        for f in msgspec.structs.fields(Fit)
        if f.default_factory is msgspec.NODEFAULT
    ]
    fields.append(("convention", dict[str, str], msgspec.field(default_factory=dict)))
    return msgspec.defstruct("StoredFit", fields, frozen=True, kw_only=True)


def _encode(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        data = np.ascontiguousarray(value, dtype="<f8")
        return {"shape": list(data.shape), "float64": b64encode(data.tobytes()).decode()}
    raise NotImplementedError(f"{type(value).__name__} has no JSON form")


def _record(law: Law) -> LawRecord:
    return LawRecord(
        name=law.name,
        formula=law.formula,
        inputs=law.inputs,
        parameters=tuple(_parameter(p) for p in law.parameters),
        output=law.output,
        levels=dict(law.levels),
        recipe=law.recipe,
    )


def _parameter(p: Parameter) -> ParameterRecord:
    kind = {name: getattr(p.kind, name) for name in p.kind.__struct_fields__}
    for end in ("lower", "upper"):
        kind[end] = kind[end] if np.isfinite(kind[end]) else None
    return ParameterRecord(parameter=p.name, **kind)


def _decode(wanted: type, value: Any) -> Any:
    if wanted is np.ndarray:
        flat = np.frombuffer(b64decode(value["float64"]), dtype="<f8")
        return flat.reshape(value["shape"]).astype(float)
    raise NotImplementedError(f"{wanted} has no JSON form")


def law_of(record: LawRecord) -> Law:
    """Return the law of a record: rebuilt from its recipe, else read from its formula.

    A law that is neither registered nor a formula keeps its declaration; calling it says so.
    """
    from isoflop.laws.recipe import rebuild

    try:
        law = rebuild(record.recipe)
        if law.parameter_names == tuple(p.parameter for p in record.parameters):
            return law
    except InputError:
        pass

    def missing(**_: Any) -> Any:
        raise InputError(
            f"the law `{record.name}` is not registered here.",
            "Its fit was read without the code that declares it.",
            f"Declare it again; its formula is {record.formula or 'not recorded'}",
        )

    return Law(
        name=record.name,
        inputs=record.inputs,
        parameters=tuple(p.declared() for p in record.parameters),
        output=record.output,
        function=missing,
        levels=record.levels,
        recipe=record.recipe,
    )
