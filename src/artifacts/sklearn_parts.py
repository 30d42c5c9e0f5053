"""scikit-learn's models taken apart into JSON and arrays, and put together without pickle.

An object says by `__reduce_ex__`, as it does to pickle, what it is made of. Here only what is on a
list is made of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

# By the address of its stop words a fitted vectorizer knows that they are checked; without it, they
# are checked again.
_ADDRESS = "_stop_words_id"


class ModelParts:
    """Takes values apart; `arrays` has the arrays that were found in them."""

    def __init__(self) -> None:
        self.arrays: list[NDArray[Any]] = []
        self._numbers: dict[int, int] = {}

    def of(self, value: Any) -> Any:
        """Return JSON that says what a value is made of; arrays are named by their numbers.

        Raises:
            ValueError: it holds something that is made in another way.
        """
        if value is None or type(value) in (bool, int, float, str):
            return value
        if type(value) is list:
            return [self.of(item) for item in value]
        if type(value) is dict:
            kept = {key: item for key, item in value.items() if key != _ADDRESS}
            return {"keys": self.of(list(kept)), "values": self.of(list(kept.values()))}
        if type(value) in (tuple, set):
            # The order of a set differs from process to process.
            items = sorted(value) if type(value) is set else value
            return {type(value).__name__: [self.of(item) for item in items]}
        if isinstance(value, type):
            return {"type": name_of(value)}
        if isinstance(value, np.generic):
            return {"scalar": value.item(), "dtype": value.dtype.str}
        if isinstance(value, np.random.Generator):
            return {"generator": self.of(value.bit_generator.state)}
        if isinstance(value, np.random.RandomState):
            return {"random_state": self.of(value.get_state(legacy=False))}
        if isinstance(value, np.ndarray):
            if value.dtype == object:
                return {"objects": self.of(value.ravel().tolist()), "shape": list(value.shape)}
            if id(value) not in self._numbers:
                self._numbers[id(value)] = len(self.arrays)
                self.arrays.append(value)
            return {"array": self._numbers[id(value)]}
        return self._object(value)

    def _object(self, value: Any) -> Any:
        parts: tuple[Any, ...] = value.__reduce_ex__(4)
        make, args, state, *more = (*parts, None)
        how = "call"
        # copyreg's function, and one of scikit-learn's trees of neighbours that does the same.
        if make.__name__ in ("__newobj__", "newObj"):
            how, (make, *args) = "new", args
        if any(part is not None for part in more):
            raise ValueError(f"{name_of(type(value))} holds more than its state")
        return {how: name_of(make), "args": self.of(list(args)), "state": self.of(state)}


def put_together(node: Any, arrays: Sequence[NDArray[Any]], known: Mapping[str, Any]) -> Any:
    """Return the value that `ModelParts.of` took apart.

    Args:
        node: what it returned.
        arrays: of its `arrays`.
        known: what the value may name, types and functions, by `name_of`.

    Raises:
        KeyError: it names something else.
        ValueError: it is put together in a way that is not known.
    """

    def join(node: Any) -> Any:
        match node:
            case list():
                return [join(item) for item in node] if _nests(node) else node
            case {"keys": keys, "values": values}:
                return dict(zip(join(keys), join(values), strict=True))
            case {"tuple": items}:
                return tuple(join(item) for item in items)
            case {"set": items}:
                return {join(item) for item in items}
            case {"type": name}:
                return known[name]
            case {"scalar": value, "dtype": dtype}:
                return np.array(value, dtype)[()]
            case {"generator": state}:
                generator = np.random.default_rng()
                generator.bit_generator.state = join(state)
                return generator
            case {"random_state": state}:
                random_state = np.random.RandomState()
                random_state.set_state(join(state))
                return random_state
            case {"objects": items, "shape": shape}:
                found = np.empty(len(items), object)
                found[:] = join(items)
                return found.reshape(shape)
            case {"array": number}:
                return arrays[number]
            case {"new": name, "args": args, "state": state}:
                return _with_state(known[name].__new__(known[name], *join(args)), join(state))
            case {"call": name, "args": args, "state": state}:
                return _with_state(known[name](*join(args)), join(state))
            case dict():
                raise ValueError(f"expected parts of a value; given {', '.join(node)}")
        return node

    return join(node)


def _with_state(made: Any, state: Any) -> Any:
    if state is not None and hasattr(made, "__setstate__"):
        made.__setstate__(state)
    elif state is not None:
        vars(made).update(state)
    return made


def names_in(node: Any) -> Iterator[str]:
    """Yield the names of the types and functions that a value is made by."""
    match node:
        case list():
            for item in node if _nests(node) else ():
                yield from names_in(item)
        case dict():
            yield from (node[key] for key in ("new", "call", "type") if key in node)
            for item in node.values():
                yield from names_in(item)


def _nests(items: list[Any]) -> bool:
    """Return whether anything in a list has parts; the words of a vocabulary have none."""
    return not {type(item) for item in items}.isdisjoint((dict, list))


def name_of(made_by: Any) -> str:
    """Return the name of a type or function, with its module."""
    return f"{made_by.__module__}.{made_by.__qualname__}"
