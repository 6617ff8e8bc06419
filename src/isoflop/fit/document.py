"""A fit as one JSON document: the law by recipe and formula, arrays as base64 doubles."""

from __future__ import annotations

from base64 import b64decode, b64encode
from functools import cache
from typing import Any

import msgspec
import numpy as np

from isoflop.errors import InputError
from isoflop.fit.result import SCHEMA, Fit
from isoflop.laws.law import Law
from isoflop.laws.recipe import declaration, declared_law, rebuild


class LawRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored of a law: enough to rebuild it, and to read it without the code."""

    name: str
    formula: str
    inputs: tuple[str, ...]
    parameters: tuple[str, ...]
    declaration: Any
    recipe: Any = None


def encode(fit: Fit) -> str:
    """Return the JSON document of a fit."""
    values = {name: getattr(fit, name) for name in fit.__struct_fields__}
    stored = _stored_type()(**{**values, "law": _record(fit.law)})
    return msgspec.json.encode(stored, enc_hook=encode_array).decode()


def decode(document: bytes | str) -> Fit:
    """Return the fit of a JSON document.

    Raises:
        InputError: if it is not one, or of another schema.
    """
    try:
        stored = msgspec.json.decode(document, type=_stored_type(), dec_hook=decode_array)
    except (msgspec.MsgspecError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"this is not a fit: {error}.") from error
    if stored.schema != SCHEMA:
        raise InputError(f"this fit has schema {stored.schema}, not {SCHEMA}.")
    values = {name: getattr(stored, name) for name in stored.__struct_fields__}
    return Fit(**{**values, "law": _checked(law_of(stored.law), values)})


def _checked(law: Law, values: dict[str, Any]) -> Law:
    """Return the law, if estimates and samples are of its parameters."""
    missing = [name for name in law.parameter_names if name not in values["estimate"]]
    if missing:
        raise InputError(f"this fit of `{law.name}` has no estimate of {', '.join(missing)}.")
    samples = values["samples"]
    if samples is not None and samples.shape[1:] != (len(law.parameter_names),):
        raise InputError(
            f"this fit has samples of shape {samples.shape}; `{law.name}` has"
            f" {len(law.parameter_names)} parameters."
        )
    return law


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


def encode_array(value: Any) -> Any:
    """Return an array as JSON types, for msgspec's `enc_hook`."""
    if isinstance(value, np.ndarray):
        data = np.ascontiguousarray(value, dtype="<f8")
        return {"shape": list(data.shape), "float64": b64encode(data.tobytes()).decode()}
    raise NotImplementedError(f"{type(value).__name__} has no JSON form")


def _record(law: Law) -> LawRecord:
    return LawRecord(
        name=law.name,
        formula=law.formula,
        inputs=law.input_names,
        parameters=law.parameter_names,
        declaration=declaration(law),
        recipe=law.recipe,
    )


def law_of(record: LawRecord) -> Law:
    """Return the law of a record: rebuilt from its recipe, else from its own formula.

    A law that is neither known nor a formula keeps its declaration; calling it says so.
    """
    for recipe in (record.recipe, record.declaration):
        try:
            law = rebuild(recipe)
        except InputError:
            continue
        if law.parameter_names == record.parameters:
            return law

    def missing(**_: Any) -> Any:
        raise InputError(
            f"the law `{record.name}` is not known here.",
            "Its fit was read without the code that declares it.",
            f"Declare it again; its formula is {record.formula or 'not recorded'}",
        )

    return declared_law(record.declaration, missing)


def decode_array(wanted: type, value: Any) -> Any:
    """Return the array of `encode_array`, for msgspec's `dec_hook`."""
    if wanted is np.ndarray:
        flat = np.frombuffer(b64decode(value["float64"]), dtype="<f8")
        return flat.reshape(value["shape"]).astype(float)
    raise NotImplementedError(f"{wanted} has no JSON form")
