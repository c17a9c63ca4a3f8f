"""Rentals that are given in place of the catalogue's."""

import re
from collections.abc import Iterable

from llmsweep.errors import SpecError


def parse_prices(texts: Iterable[str], accelerators: Iterable[str]) -> dict[str, float]:
    """Rentals of one device, USD/h: ``2.5`` of every accelerator or ``h20-96=1.5`` of one.

    Raises:
        SpecError: It is neither, or negative.

    Example:
        >>> parse_prices(["2", "h20-96=1.5"], ["h20-96", "l40s"])
        {'h20-96': 1.5, 'l40s': 2.0}
    """
    prices: dict[str, float] = {}
    known = list(accelerators)
    # A price of one accelerator counts more than one of all, in whatever order they come.
    for text in sorted(texts, key=lambda text: "=" in text):
        name, equals, number = text.rpartition("=")
        if not re.fullmatch(r"\d+(\.\d*)?|\.\d+", number.strip()) or (equals and not name.strip()):
            raise SpecError(f'the price "{text}" must read USD or ACCELERATOR=USD, per device and hour')
        prices |= dict.fromkeys([name.strip()] if equals else known, float(number))
    return prices
