"""What a claim is about: models, accelerators, networks, formats, phase, as its cells name them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from llmsweep.claims.facts import squeezed, words
from llmsweep.claims.interval import Interval
from llmsweep.claims.numerals import parse_number
from llmsweep.claims.problem import Problem
from llmsweep.claims.rules import rules

if TYPE_CHECKING:
    from collections.abc import Collection

    from llmsweep.claims.facts import Facts

ANY = re.compile(r"|-|–|\?|n/a|none|(any|all|every|various|several|many)( .*)?", re.IGNORECASE)
REMARK = re.compile(r"\s*\([^)]*\)")
SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([MBT])", re.IGNORECASE)
SCALE = {"m": 1e6, "b": 1e9, "t": 1e12}
SIDES = re.compile(r"\s+(?:vs\.?|versus|→|->)\s+")


@dataclass(frozen=True)
class Model:
    """A model, or a size that people name without one; parameters as an interval of conventions."""

    name: str
    ids: tuple[str, ...]
    parameters: Interval
    active: Interval
    # What a decode step reads: no embedding table.
    read: float


@dataclass(frozen=True)
class Hardware:
    """Accelerators that a name leaves open, how many, and links."""

    name: str
    ids: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    devices: Interval | None = None
    # Whether the claim counts them itself, or they are what a rack of that name has.
    counted: bool = False


@dataclass(frozen=True)
class Subject:
    """Sides of a comparison, or one side; unknown names have no ids."""

    models: tuple[tuple[Model, ...], ...] = ()
    hardware: tuple[Hardware, ...] = ()
    precisions: tuple[str, ...] = ()
    kv_precisions: tuple[str, ...] = ()
    mixed: bool = False
    phase: str = ""
    concurrency: float | None = None
    strangers: tuple[str, ...] = field(default=())

    @property
    def model(self) -> tuple[Model, ...]:
        """The first side."""
        return self.models[0] if self.models else ()

    @property
    def chips(self) -> tuple[str, ...]:
        """Accelerators of the first side."""
        return tuple(dict.fromkeys(i for part in self.hardware for i in part.ids))


def refuse_typo(kind: str, name: str, known: Collection[str]) -> None:
    """Refuses a name that is nearly one of the catalogue's.

    Raises:
        Problem: With the nearest name.
    """
    near = {squeezed(other): other for other in known}
    looks_like_id = re.fullmatch(r"[a-z][a-z0-9.]*(-[a-z0-9.]+)+", name) and re.search(r"\d", name)
    match = next(iter(get_close_matches(squeezed(name), list(near), n=1, cutoff=0.5 if looks_like_id else 0.75)), None)
    if re.search(r"\d", name) and (match or looks_like_id):
        raise Problem(
            f'the catalogue has no {kind} "{name}"',
            f'; did you mean "{near[match]}"?' if match else f"; see llmsweep catalog list {kind}s",
        )


def model_of(identifier: str, facts: Facts) -> Model:
    """A model of the catalogue: its parameters as published and as counted, with and without embeddings."""
    entry = facts.models[identifier]
    counts = entry["active_parameters"]
    total, active = float(entry["parameters"]), float(counts["with_embeddings"])
    published = entry.get("published_parameters")
    published_active = entry.get("published_active_parameters") or (published if active == total else None)
    return Model(
        identifier,
        (identifier,),
        Interval.hull([total, *([float(published)] if published else [])]),
        Interval.hull([float(counts["without_embeddings"]), float(published_active or active)]),
        float(counts["without_input_embedding"]),
    )


def model_of_size(text: str, facts: Facts) -> Model:
    """A size such as "7B": that many parameters, or as many as the catalogue's models of this size have.

    >>> from llmsweep.api import open_catalog
    >>> from llmsweep.claims.facts import Facts
    >>> found = model_of_size("70B", Facts(open_catalog()))
    >>> found.ids, found.parameters.low, found.parameters.high
    (('llama2-70b',), 68976648192.0, 70554000000.0)
    """
    number, suffix = SIZE.fullmatch(text).groups()  # type: ignore[union-attr] # the caller matched it
    size = float(number) * SCALE[suffix.lower()]
    ids = facts.models_of_size(size, f"{float(number):g}{suffix.lower()}")
    usual = [i for i in ids if i.startswith(("llama", "gpt3", "class"))] or ids
    known = [model_of(identifier, facts) for identifier in usual]
    return Model(
        text,
        tuple(usual[:1]),
        Interval.hull([size, *(model.parameters for model in known)]),
        Interval.hull([size, *(model.active for model in known)]),
        min([size, *(model.read for model in known)]),
    )


def models_in(cell: str, facts: Facts) -> tuple[tuple[tuple[Model, ...], ...], list[str]]:
    """The models of a cell, by side of a comparison, and names that nobody knows."""
    sides: list[tuple[Model, ...]] = []
    strangers: list[str] = []
    for side in SIDES.split(REMARK.sub("", cell).strip()):
        found: list[Model] = []
        for part in re.split(r"\s*/\s*|\s*,\s*|\s+and\s+|\s+or\s+", side):
            named = _models_named(part.strip(), facts)
            if named is None:
                strangers.append(part.strip())
            else:
                found += named
        if found:
            sides.append(tuple(found))
    return tuple(sides), strangers


def _models_named(name: str, facts: Facts) -> list[Model] | None:
    name = re.sub(r"[- ](?:size|class|scale)$", "", name)
    if ANY.fullmatch(name):
        return []
    if name == "frontier":
        return [
            model_of(i, facts)
            for i, entry in facts.models.items()
            if (entry.get("training") or {}).get("flops")
            and float(entry["parameters"]) >= rules().open("frontier_parameters").low
        ]
    span = re.fullmatch(rf"(?:.* )?({SIZE.pattern})\s*(?:-|–|to)\s*({SIZE.pattern})", name, re.IGNORECASE)
    if span:
        return [model_of_size(end.replace(" ", ""), facts) for end in (span[1], span[4])]
    if SIZE.fullmatch(name):
        return [model_of_size(name.replace(" ", ""), facts)]
    if ids := facts.models_named(name):
        return [model_of(identifier, facts) for identifier in ids]
    refuse_typo("model", name, [*(str(entry["name"]) for entry in facts.models.values()), *facts.models])
    return None


COUNT = re.compile(
    r"(?P<low>\d[\d,]*)\+?(?:\s*[-–]\s*(?P<high>\d[\d,]*))?(?:\s*[x×]\s*|\s+)(?P<name>\D.*|\d{4}(?: .*)?)"
)
BEHIND = re.compile(r"(?P<name>.+?)\s*[x×]\s*(?P<low>\d[\d,]*)")
RATE = re.compile(r"\d{1,3}(?:\.\d+)?\s*[GT]?(?:b/s|bps|B/s)?")
LINKS = re.compile(
    r"nvlink\s*-?(?P<nvlink>\d)|\b(?P<ib>edr|hdr|ndr|xdr|gdr)(?![a-z])|\broce[- ]?(?P<roce>\d00)"
    r"|\bpcie\s*(?:gen\s*)?(?P<pcie>\d)(?:\.0)?(?!\d)",
    re.IGNORECASE,
)
FILLER = {"gpu", "gpus", "card", "cards", "nvidia", "amd", "geforce", "instinct", "tesla", "per", "infiniband", "ib"}
FILLER |= {"hbm", "hbm2", "hbm2e", "hbm3", "hbm3e", "hbm4", "gddr6", "gddr6x", "gddr7"}
FILLER |= {"google", "apple", "intel", "huawei", "aws", "cluster", "node", "server", "a", "one", "single"}
SYSTEMS = {"dgx", "hgx"}


def hardware_in(cell: str, facts: Facts) -> tuple[tuple[Hardware, ...], list[str]]:
    """Accelerators and links of a cell, and names that nobody knows."""
    found: list[Hardware] = []
    strangers: list[str] = []
    for part in re.split(r"\s*/\s*(?!s\b)|\s*,\s+|\s+and\s+|\s+or\s+|\s+vs\.?\s+", REMARK.sub("", cell).strip()):
        name = part.strip()
        if ANY.fullmatch(name) or RATE.fullmatch(name):
            continue
        one = _hardware_named(name, facts)
        if one is None:
            strangers.append(name)
        else:
            found.append(one)
    return tuple(found), strangers


def _hardware_named(name: str, facts: Facts) -> Hardware | None:
    if name in facts.accelerators or name in facts.networks:
        chip = name in facts.accelerators
        return Hardware(name, (name,) if chip else (), () if chip else (name,))
    if link := LINKS.search(name):
        shapes = {"nvlink": "nvlink{}", "ib": "ib-{}", "pcie": "pcie{}-x16", "roce": "roce-{}"}
        network = next(shape.format(link[kind].lower()) for kind, shape in shapes.items() if link[kind])
        if network in facts.networks:
            return Hardware(name, networks=(network,))
    devices, bare = None, name
    count = COUNT.fullmatch(name)
    if count is None and not facts.accelerators_named(words(name)):
        count = BEHIND.fullmatch(name)
    if count:
        low = parse_number(count["low"])
        high = count.groupdict().get("high")
        devices, bare = Interval(low, parse_number(high) if high else low), count["name"]
    wanted = [word for word in words(bare) if word not in FILLER and word not in SYSTEMS and word not in FORMATS]
    rack = next((word for word in wanted if re.fullmatch(r"nvl\d{2,}", word)), None)
    ids = facts.accelerators_named(wanted) if wanted else []
    if not ids and rack:
        ids = facts.accelerators_named([word for word in wanted if word != rack])
    if ids and rack is not None and "-" not in name:
        size = Interval.point(float(rack[3:]))
        return Hardware(name, tuple(ids), (), devices * size if devices else size, devices is not None)
    if ids or (devices is not None and not wanted):
        return Hardware(name, tuple(ids), (), devices, devices is not None)
    refuse_typo("accelerator", bare, [*(i.partition("-")[0] for i in facts.accelerators), *facts.accelerators])
    return None


FORMATS: dict[str, str] = {
    **{
        name: name for name in ("fp32", "tf32", "fp16", "bf16", "fp8", "int8", "fp4", "int4", "nvfp4", "mxfp4", "mxfp8")
    },
    **{name: name for name in ("w8a16", "w4a16", "q4_k_m", "fp8_block")},
    "float32": "fp32",
    "single": "fp32",
    "half": "fp16",
    "float16": "fp16",
    "bfloat16": "bf16",
    "awq": "w4a16",
    "gptq": "w4a16",
    "full": "fp32",
}
OTHER_WORDS = {"mixed", "adam", "adamw", "grads", "gradients", "kv", "cache", "precision", "depends", "weights", "only"}


def precisions_in(cell: str) -> tuple[tuple[str, ...], tuple[str, ...], bool]:
    """Formats of weights, formats of the cache, and whether training mixes formats.

    Raises:
        Problem: A word is no format.

    >>> precisions_in("FP16/INT4"), precisions_in("FP4/FP8 KV"), precisions_in("bf16 mixed Adam")
    ((('fp16', 'int4'), (), False), (('fp4',), ('fp8',), False), (('bf16',), (), True))
    """
    plain = REMARK.sub("", cell).strip().lower().rstrip("?")
    if ANY.fullmatch(plain):
        return (), (), False
    found: list[str] = []
    for word in re.findall(r"[a-z0-9_]+", plain):
        if word in FORMATS:
            found.append(FORMATS[word])
        elif word not in OTHER_WORDS:
            near = next(iter(get_close_matches(word, list(FORMATS), n=1)), None)
            raise Problem(
                f'"{word}" is no precision', f'; did you mean "{near}"?' if near else f"; allowed: {', '.join(FORMATS)}"
            )
    mixed = "mixed" in plain
    if re.search(r"\bkv\b", plain):
        head = re.split(r"[/,]", plain)[0]
        only_kv = len(found) == 1 or "kv" in head
        split = 0 if only_kv else (1 if found[0] in {"fp4", "nvfp4", "int4"} else 0)
        return tuple(found[:split]), tuple(found[split:]), mixed
    return tuple(dict.fromkeys(found)), (), mixed


PHASES: dict[str, tuple[str, ...]] = {
    "train": ("train", "training", "pretraining", "pre-training"),
    "fine-tune": ("fine-tune", "fine-tuning", "finetune", "finetuning"),
    "decode": ("decode", "decoding", "generation"),
    "prefill": ("prefill", "ttft"),
    "fleet": ("multi-model", "fleet"),
    "serving": ("serving", "offline", "throughput"),
    "inference": ("inference", "infer"),
    "both": ("both",),
}


def phase_in(cell: str) -> tuple[str, float | None]:
    """The phase and the batch of a cell.

    Raises:
        Problem: It is no phase.

    >>> phase_in("decode b=1"), phase_in("multi-model serving"), phase_in("-")
    (('decode', 1.0), ('fleet', None), ('', None))
    """
    batch = re.search(r"\bb(?:atch)?\s*=\s*(\d+)", cell)
    plain = re.sub(r"\bb(?:atch)?\s*=\s*\d+", "", cell).strip().lower()
    if ANY.fullmatch(plain):
        return "", float(batch[1]) if batch else None
    found = re.findall(r"[a-z]+(?:-[a-z]+)*", plain)
    if "vs" in found:
        return "both", None
    for phase, names in PHASES.items():
        if any(word in names for word in found):
            return phase, float(batch[1]) if batch else None
    near = next(iter(get_close_matches(plain, [n for names in PHASES.values() for n in names], n=1)), None)
    raise Problem(f'"{cell}" is no phase', f'; did you mean "{near}"?' if near else f"; allowed: {', '.join(PHASES)}")


def subject_of(cells: dict[str, str], facts: Facts) -> Subject:
    """Reads the cells ``model``, ``hardware``, ``precision`` and ``phase``.

    Raises:
        Problem: A name is nearly one that is known; its ``args`` name the cell first.
    """
    found: dict[str, Any] = {}
    readers = {
        "model": lambda text: models_in(text, facts),
        "hardware": lambda text: hardware_in(text, facts),
        "precision": precisions_in,
        "phase": phase_in,
    }
    for name, reader in readers.items():
        try:
            found[name] = reader(cells.get(name, ""))
        except Problem as problem:
            raise CellProblem(name, str(problem)) from problem
    precisions, kv, mixed = found["precision"]
    if not precisions:
        in_hardware = [FORMATS[w] for w in words(cells.get("hardware", "")) if w in FORMATS and w != "full"]
        precisions = tuple(dict.fromkeys(in_hardware))
    phase, concurrency = found["phase"]
    models, strange_models = found["model"]
    hardware, strange_hardware = found["hardware"]
    return Subject(models, hardware, precisions, kv, mixed, phase, concurrency, (*strange_models, *strange_hardware))


class CellProblem(Problem):
    """A problem, and the cell that has it."""

    def __init__(self, cell: str, says: str) -> None:
        super().__init__(says)
        self.cell = cell
