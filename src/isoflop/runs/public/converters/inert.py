"""What a pickle says, read without doing what it says.

A pickle is a program that may call anything. Here its opcodes (listed by the standard library's
disassembler) only build plain values: a class or function is a name, a call of it is a `Node`
with its arguments, and nothing is imported or called. `plain` then recognises the few nodes
that stand for arrays, frames and series of numpy and pandas.
"""

from __future__ import annotations

import pickletools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(eq=False)
class Node:
    """A call that a pickle asks for, as text: what would be called, with what."""

    name: str
    arguments: tuple[Any, ...] = ()
    state: Any = None


_VALUES = {
    *("SHORT_BINUNICODE", "BINUNICODE", "BINFLOAT", "BININT", "BININT1", "BININT2", "LONG1"),
    *("SHORT_BINBYTES", "BINBYTES", "BINBYTES8", "BYTEARRAY8"),
}
_MADE: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_DICT": dict,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


class _Machine:
    """A stack and a memory, on which opcodes place plain values and nodes."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memory: list[Any] = []

    def pop(self, count: int) -> list[Any]:
        taken = self.stack[len(self.stack) - count :]
        del self.stack[len(self.stack) - count :]
        return taken

    def since_mark(self) -> list[Any]:
        return self.pop(len(self.stack) - self.marks.pop())

    def step(self, opcode: str, value: Any) -> None:
        stack = self.stack
        if opcode in _VALUES:
            stack.append(value)
        elif opcode in _MADE:
            stack.append(_MADE[opcode]())
        elif opcode == "MEMOIZE":
            self.memory.append(stack[-1])
        elif opcode in ("BINGET", "LONG_BINGET"):
            stack.append(self.memory[value])
        elif opcode == "MARK":
            self.marks.append(len(stack))
        elif opcode in _TUPLES:
            stack.append(tuple(self.pop(_TUPLES[opcode])))
        elif opcode == "TUPLE":
            stack.append(tuple(self.since_mark()))
        else:
            self.change(opcode)

    def change(self, opcode: str) -> None:
        """Opcodes that fill a container or describe a call."""
        if opcode in ("APPEND", "APPENDS"):
            items = self.pop(1) if opcode == "APPEND" else self.since_mark()
            self.stack[-1].extend(items)
        elif opcode in ("SETITEM", "SETITEMS"):
            items = self.pop(2) if opcode == "SETITEM" else self.since_mark()
            self.stack[-1].update(zip(items[::2], items[1::2], strict=True))
        elif opcode == "STACK_GLOBAL":
            self.stack.append(Node(".".join(self.pop(2))))
        elif opcode in ("REDUCE", "NEWOBJ"):
            called, arguments = self.pop(2)
            self.stack.append(Node(called.name, arguments))
        elif opcode == "BUILD":
            (state,) = self.pop(1)
            self.stack[-1].state = state
        elif opcode not in ("PROTO", "FRAME", "STOP"):
            raise InputError(f"the pickle uses {opcode}, which is not read here.")


def read(data: bytes) -> Any:
    """Return the value that a pickle describes, with `Node` for every object.

    Raises:
        InputError: if it is broken or uses opcodes beyond plain containers and calls.
    """
    machine = _Machine()
    try:
        for opcode, value, _ in pickletools.genops(data):
            machine.step(opcode.name, value)
        (result,) = machine.stack
    except (ValueError, IndexError, AttributeError, TypeError) as error:
        raise InputError(f"the pickle is broken: {error}.") from error
    return result


def plain(value: Any) -> Any:
    """Return arrays, scalars, frames (name -> array) and series (array) for their nodes.

    Raises:
        InputError: if a node stands for something else.
    """
    if not isinstance(value, Node):
        return value
    kind = value.name.rsplit(".", 1)[-1]
    readers = {
        "_reconstruct": lambda: _array(value.state[1], value.state[2], value.state[4]),
        "_frombuffer": lambda: _array(value.arguments[2], value.arguments[1], value.arguments[0]),
        "scalar": lambda: float(_array((1,), *value.arguments)[0]),
        "_new_Index": lambda: plain(value.arguments[1]["data"]),
        "DataFrame": lambda: _frame(value.state["_mgr"]),
        "Series": lambda: plain(value.state["_mgr"].state[1][0]),
    }
    if kind not in readers:
        raise InputError(f"the pickle holds a `{value.name}`, which is not read here.")
    return readers[kind]()


def _array(shape: tuple[int, ...], kind: Node, data: Any) -> np.ndarray:
    """Return an array from its shape, dtype and bytes (or list of objects)."""
    code = kind.arguments[0]
    order = kind.state[1] if kind.state else "<"
    if code.startswith("O"):
        flat = np.empty(len(data), dtype=object)
        flat[:] = data
    elif code[0] in "fiub":
        flat = np.frombuffer(bytes(data), dtype=np.dtype(code).newbyteorder(order))
    else:
        raise InputError(f"the pickle holds an array of `{code}`, which is not read here.")
    return flat.reshape(shape)


def _frame(manager: Node) -> dict[str, np.ndarray]:
    """Return a frame's columns: blocks of rows of one type, and where each row belongs."""
    blocks, axes = manager.arguments
    names = plain(axes[0])
    columns: dict[str, np.ndarray] = {}
    for block in blocks:
        values, places = plain(block.arguments[0]), block.arguments[1]
        sliced = isinstance(places, Node) and places.name == "builtins.slice"
        rows = range(*places.arguments) if sliced else plain(places)
        for row, place in zip(values, rows, strict=True):
            columns[str(names[place])] = row
    return {str(name): columns[str(name)] for name in names}
