"""Where a fit starts: at the law of the catalogue for the nearest relative, or at the family's physical default."""

import json
from dataclasses import dataclass

from llmsweep import _core
from llmsweep.calibrate import fit
from llmsweep.calibrate.families import ANY, families
from llmsweep.calibrate.read import Key

DEFAULT = "default"


@dataclass(frozen=True)
class Start:
    """Coefficients, how far to trust them, and whose they are."""

    coefficients: tuple[float, ...]
    prior: float
    name: str


class Starts:
    """The laws of a catalogue."""

    def __init__(self, catalog: _core.Catalog) -> None:
        self.catalog = catalog
        self.laws: dict[Key, tuple[float, ...]] = {}
        for entry in json.loads(catalog.kernels()):
            key = Key(entry["family"], entry["accelerator"], entry["precision"], entry["engine"])
            coefficients = families()[key.family].coefficients
            self.laws[key] = tuple(entry["coefficients"][item.name] for item in coefficients)

    def law(self, key: Key) -> tuple[float, ...] | None:
        """The law of a key: of its engine, else of all engines pooled."""
        return self.laws.get(key) or self.laws.get(key._replace(engine=ANY))

    def relative(self, key: Key) -> Start | None:
        """The nearest relative that has a law of this family in this precision."""
        for name in self.catalog.relatives(key.accelerator):
            if law := self.law(key._replace(accelerator=name)):
                return Start(law, fit.STRONG, name)
        return None

    def start(self, key: Key, *, fresh: bool) -> Start:
        """Where the fit of a key starts."""
        if not fresh:
            if own := self.law(key):
                return Start(own, fit.STRONG, key.accelerator)
            if relative := self.relative(key):
                return relative
        return Start(families()[key.family].starts, fit.WEAK, DEFAULT)
