"""Waiting for records with asyncio."""

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tslog._tslog import TSReader


async def wait(reader: "TSReader", every: int) -> int:
    """Returns how many records can be read, as soon as there is one."""
    while not (lag := reader.lag()):
        await asyncio.sleep(every / 1000)
    return lag
