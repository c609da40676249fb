"""Work that needs more than a moment of CPU runs in a child process, so that the event loop goes on."""

import asyncio
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from typing import Final, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

_CHILDREN: Final = 2


async def in_child(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call a module's function in a child process, which starts with the first call; what goes over is pickled."""
    assert not kwargs, "arguments of a child are given by their place"
    return await asyncio.get_running_loop().run_in_executor(_children(), function, *args)


@cache
def _children() -> ProcessPoolExecutor:
    # Spawned, not forked: this process has threads and connections that a copy could only harm.
    return ProcessPoolExecutor(_CHILDREN, mp_context=multiprocessing.get_context("spawn"))
