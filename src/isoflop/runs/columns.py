"""The columns isoflop knows by name, and how values become columns."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from isoflop.errors import InputError
from isoflop.runs.names import listed, plain, quoted
from isoflop.runs.phrases import OTHER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


class Known(NamedTuple):
    """A standard column: its unit and the other names it goes by, best first."""

    unit: str
    names: tuple[str, ...] = ()
    text: bool = False


#: Standard name -> unit and common names in lower case, with `_` for any other separator.
KNOWN: dict[str, Known] = {
    "N": Known(
        "parameters",
        _words(
            "n_nonembed_plus_head n_matrices_head params_matrices_head n_params params_n "
            "num_params params parameters parameter_count n_parameters num_parameters model_size "
            "model_params nparams param_count total_params params_total n_total n_all "
            "non_embedding_params params_non_embedding n_non_embedding n_nonembed n_matrices "
            "non_vocab_parameters active_params model_parameters"
        ),
    ),
    "D": Known(
        "tokens",
        _words(
            "tokens_d d_tokens tokens n_tokens num_tokens tokens_trained training_tokens "
            "train_tokens num_train_tokens total_tokens tokens_seen token_count tokens_processed "
            "throughput_total_tokens pretraining_data_size data_size dataset_size"
        ),
    ),
    "C": Known(
        "FLOP",
        _words(
            "flops_c c_flops flops flop total_flops train_flops training_flops num_flops "
            "compute_flops compute training_compute total_compute"
        ),
    ),
    "loss": Known(
        "",
        _words(
            "val_loss final_loss final_val_loss validation_loss eval_loss valid_loss test_loss "
            "loss_val val_loss_nats_per_token loss_nats_per_token cross_entropy cross_entropy_loss "
            "val_loss_bits_per_token loss_bits_per_token val_bits_per_token bits_per_token "
            "test_cross_entropy eval_cross_entropy val_bpb val_bits_per_byte bits_per_byte bpb "
            "train_loss"
        ),
    ),
    "bits_per_byte": Known("bits/byte", ("val_bits_per_byte", "val_bpb", "bpb", "eval_bpb")),
    "U": Known(
        "tokens", ("unique_tokens", "tokens_u", "num_unique_tokens", "n_unique_tokens", "u_tokens")
    ),
    "budget": Known(
        "FLOP",
        _words(
            "budget_flops flops_budget flop_budget compute_budget isoflop iso_flop isoflops"
            " iso_flops"
        ),
    ),
    "batch": Known(
        "sequences", ("batch_size", "global_batch_size", "train_batch_size", "bs", "gbs")
    ),
    "lr": Known("", ("learning_rate", "peak_lr", "max_lr", "lr_max", "lr_peak", "base_lr")),
    "steps": Known("", ("num_steps", "n_steps", "num_iterations", "total_steps", "train_steps")),
    "seed": Known("", ("random_seed",)),
    "weight": Known("", ("run_weight", "weights")),
    "id": Known("", ("run_id", "run_hash"), text=True),
    "run": Known("", ("run_name", "experiment_name", "exp_name"), text=True),
    "role": Known("", ("use",), text=True),
    "status": Known("", ("state", "run_status"), text=True),
    "family": Known("", (), text=True),
    "recipe": Known("", ("recipe_version",), text=True),
    "corpus": Known(
        "",
        _words(
            "train_dataset training_set dataset upstream_dataset pretrain_dataset training_data"
            " pretraining_dataset train_data data"
        ),
        text=True,
    ),
    "tokenizer": Known("", (), text=True),
    "N_matrices": Known("parameters"),
    "N_matrices_head": Known("parameters", ("n_nonembed_plus_head",)),
    "N_all": Known("parameters", ("n_total", "params_total", "total_params")),
    "C_6ND": Known("FLOP"),
}

#: What tokens are computed from: steps, sequences, tokens of a sequence; or tokens of a step.
_OF_TOKENS = (
    (*_words("steps step max_steps iterations"), *KNOWN["steps"].names),
    ("batch", *KNOWN["batch"].names),
    _words(
        "seq_len seq_length sequence_length context_length context_len ctx_len n_ctx block_size"
        " max_seq_len max_sequence_length seqlen context"
    ),
    _words("tokens_per_step batch_tokens tokens_per_batch batch_size_in_tokens batch_size_tokens"),
)
#: Parts of common names that say nothing of what a column holds.
_VAGUE = frozenset(_words("n d c of val total size model count num max train training"))
#: Of these, what may mean parameters where nothing better does.
_SIZE = frozenset(_words("size model"))
#: What N, D and C are by the other two where C counts 6ND.
_FROM_OTHERS = {"N": "C/(6*D)", "D": "C/(6*N)", "C": "6*N*D"}


def as_column(name: str, values: Any) -> np.ndarray:
    """Return values as a read-only column: float64 for numbers and truth, object for text.

    Integers become floats, so that products such as 6ND cannot overflow. Text stays text,
    also where it looks like numbers; missing text is "", a missing number NaN.

    Args:
        name: the column's name; standard text columns ("id", "run", ...) become text.
        values: array or sequence [run].

    Raises:
        InputError: if the values have more than one axis or are neither numbers nor text.
    """
    array = values if isinstance(values, np.ndarray) else _array(name, values)
    if array.ndim != 1:
        raise InputError(f"column `{name}` has {array.ndim} axes; a column has one, [run].")
    if array.dtype.kind not in "biufOUST":
        raise InputError(f"column `{name}` holds {array.dtype}, neither numbers nor text.")
    if not array.flags.writeable and array.base is None and array.dtype in (np.float64, object):
        return array  # one of ours
    text = name in KNOWN and KNOWN[name].text
    if array.dtype.kind in "biuf" and not text:
        column = array.astype(np.float64)
    else:
        column = _from_objects(array.tolist(), text or (array.dtype.kind != "O"))
    column.flags.writeable = False
    return column


def missing_column(wanted: str, present: Iterable[str], standard: str | None = None) -> InputError:
    """Return the error for a column that is not there: what there is, and the flag to paste.

    Args:
        wanted: the name that was looked up.
        present: the columns there are.
        standard: the standard column it was to be, if that is another name.
    """
    names = list(present)
    target = standard or wanted
    do = f"Name the column that holds it:  --column {quoted(f'{target}={_closest(target, names)}')}"
    if target in _FROM_OTHERS and set(names) >= {"N", "D", "C"} - {target}:
        do = f'Compute it where C is 6ND:  --column "{target}={_FROM_OTHERS[target]}"'
    elif target == "D" and (product := _tokens_of_steps(names)):
        do = f"Compute it from the steps:  --column {quoted(f'D={product}')}"
    return InputError(
        f"there is no column `{wanted}`; the table has {listed(names)}.",
        "A column is found by its own name or by one of its common names.",
        do,
    )


def _tokens_of_steps(names: list[str]) -> str:
    """Return steps x sequences x tokens of a sequence, or of a step, where columns say so."""
    by_plain = {plain(name): name for name in reversed(names)}
    parts = [next((by_plain[x] for x in known if x in by_plain), "") for known in _OF_TOKENS]
    steps, batch, length, tokens = (x if x.isidentifier() else f"`{x}`" * bool(x) for x in parts)
    if steps and tokens:
        return f"{steps}*{tokens}"
    return f"{steps}*{batch}*{length}" if steps and batch and length else ""


def check_lengths(columns: Mapping[str, np.ndarray]) -> None:
    """Raise InputError unless all columns have the same number of rows."""
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise InputError(f"columns have different lengths: {listed}.")


def _array(name: str, values: Any) -> np.ndarray:
    values = list(values)
    if any(isinstance(value, list | tuple | dict | np.ndarray) for value in values):
        raise InputError(f"column `{name}` holds lists or records; a cell is a number or text.")
    if not values:
        return np.empty(0)
    # Through objects: mixed and very long integers would otherwise become text or overflow.
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _from_objects(cells: list[Any], text: bool) -> np.ndarray:
    """Numbers if every cell that is not missing is one and `text` does not forbid it."""
    if not (text or not cells or any(isinstance(cell, str | bytes) for cell in cells)):
        try:
            return np.array([np.nan if is_missing(cell) else float(cell) for cell in cells])
        except (TypeError, ValueError, OverflowError):
            pass  # dates and the like: their text
    return np.array(["" if is_missing(cell) else _as_text(cell) for cell in cells], dtype=object)


def is_missing(cell: Any) -> bool:
    """Tell whether a cell is None or NaN."""
    return cell is None or (isinstance(cell, float) and math.isnan(cell))


def _as_text(cell: Any) -> str:
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def _closest(wanted: str, names: list[str]) -> str:
    """Return a column that may be meant, to put into the flag."""
    known = KNOWN[wanted].names if wanted in KNOWN else ()
    parts = {wanted.lower(), *(part for name in known for part in name.split("_"))}
    parts -= _VAGUE - {wanted.lower()} - (_SIZE if wanted == "N" else frozenset())
    words = {name: set(plain(name).split("_")) for name in names}
    # `tokens_per_sec` is a rate of tokens, not their number; `z_loss` is no loss to fit.
    others = {"per", *(OTHER if wanted == "loss" else ())}
    scores = {name: len(parts & own) * (not others & own) for name, own in words.items()}
    best = max(scores, key=lambda name: scores[name], default="")
    return best if best and scores[best] else "YOUR_COLUMN"
