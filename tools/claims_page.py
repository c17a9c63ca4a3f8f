"""The generated parts of docs/claims.md; its prose is written there by hand."""

import re
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from llmsweep.claims import judged
from llmsweep.claims.claim import FIELDS, PARAMETERS, STATEMENTS
from llmsweep.claims.judge import Verdict
from llmsweep.claims.registry import QUANTITIES
from llmsweep.cli.verdicts import claimed, predicted
from llmsweep.directories import shipped_catalog

ROOT = Path(__file__).parents[1]
REFUTED = {"wrong", "unit-error", "infeasible"}
BLOCK = re.compile(r"(<!-- (?P<name>\w+) -->\n)(?P<text>.*?)(<!-- end -->)", re.DOTALL)
FIELD_DOCS = {
    "id": "name of the claim, its own; by default the number of the row",
    "says": "the statement, in English; words in it decide where a quantity or a direction is left open",
    "quote": "the statement as it was made",
    "section": "where it was made",
    "model": "of the catalogue, a size such as 7B, a list, a span `7B-405B`, or two sides with `vs`",
    "hardware": "accelerators or links of the catalogue, counted where the claim counts them, or two sides with `vs`",
    "precision": "formats of weights; `KV` after a format names the cache's, `mixed` a training in mixed precision",
    "phase": "train, fine-tune, inference, prefill, decode, serving, fleet or both",
    "quantity": "an id or another name from the list below",
    "value": "a number, `true` or `false`, a label, or a list of terms",
    "low": "lower end of a range; alone it is a limit",
    "high": "upper end of a range; alone it is a limit",
    "at_least": "`low` alone",
    "at_most": "`high` alone",
    "unit": "unit of the numbers",
    "statement": f"{', '.join(STATEMENTS)}: all but the first say what should be",
    "assumptions": "a table, or text `key=value; key=value`",
    "source": "who claims it",
}


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines) + "\n"


def fields() -> str:
    """What a claim may hold."""
    rows = [
        [f"`{name}`", ", ".join(f"`{other}`" for other in others[1:]), FIELD_DOCS[name]]
        for name, others in FIELDS.items()
    ]
    return table(["field", "also read as", "meaning"], rows)


def rules() -> str:
    """Tolerances by kind, and slips."""
    known: dict[str, Any] = tomllib.loads((shipped_catalog() / "claims" / "rules.toml").read_text(encoding="utf-8"))
    tolerance = known["tolerance"]
    kinds = [[kind, f"{100 * tolerance[kind]:g} %"] for kind in ("arithmetic", "fact", "predicted")]
    kinds += [[f"`{q.id}`", f"{100 * q.tolerance:g} %"] for q in QUANTITIES if q.tolerance is not None]
    slips = [[f"`{slip['id']}`", slip["name"], f"{slip['factor']:.6g}"] for slip in known["slip"]]
    return table(["kind", "tolerance"], kinds) + "\n" + table(["slip", "what was written", "factor"], slips)


def quantities() -> str:
    """The registry."""
    rows = [
        [
            f"`{q.id}`",
            " or ".join(unit or "–" for unit in q.units),
            q.kind,
            f"{q.doc} {q.interval[0].upper()}{q.interval[1:]}.",
            q.bound,
            ", ".join(q.slips),
            ", ".join(q.aliases),
        ]
        for q in QUANTITIES
    ]
    return table(["id", "unit", "kind", "meaning, and what it can be", "bound", "slips", "other names"], rows)


def expected() -> dict[str, dict[str, Any]]:
    """The independent recomputation."""
    path = ROOT / "tests" / "validation" / "claims.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


def agrees(verdict: Verdict, role: str) -> bool:
    """Whether a verdict is what the role asks for."""
    return verdict.verdict == "reproduced" if role == "P" else verdict.verdict in REFUTED


def blocks() -> dict[str, str]:
    """Every generated part, by its name."""
    found, roles = judged(), expected()
    weighed = [verdict for verdict in found.verdicts if roles[verdict.claim.id]["role"] in {"P", "N"}]
    apart = [verdict for verdict in weighed if not agrees(verdict, roles[verdict.claim.id]["role"])]
    agreement = f"**{len(weighed) - len(apart)} of {len(weighed)} agree.** Where they part:\n\n" + "".join(
        f"- {verdict.claim.id}, {verdict.verdict}: {roles[verdict.claim.id]['argument']}\n" for verdict in apart
    )
    rows = [
        [
            verdict.claim.id,
            roles[verdict.claim.id]["role"],
            verdict.claim.says,
            claimed(verdict.claim),
            predicted(verdict),
            f"**{verdict.verdict}**" if verdict in apart else verdict.verdict,
            verdict.reason or next(iter(verdict.notes), ""),
        ]
        for verdict in found.verdicts
    ]
    return {
        "rules": rules(),
        "fields": fields(),
        "parameters": table(["key", "meaning"], [[f"`{name}`", doc] for name, doc in PARAMETERS.items()]),
        "quantities": quantities(),
        "agreement": agreement,
        "claims": table(["id", "role", "claim", "claimed", "predicted", "verdict", "why"], rows),
        "contradictions": "".join(f"- {pair.says}\n" for pair in found.contradictions),
    }


def claims_page() -> str:
    """docs/claims.md with its generated parts put in."""
    parts = blocks()
    text = (ROOT / "docs" / "claims.md").read_text(encoding="utf-8")
    return BLOCK.sub(lambda block: f"{block[1]}{parts[block['name']]}{block[4]}", text)
