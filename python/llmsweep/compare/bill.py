"""Section 6: devices, how they are laid out, money, energy and carbon."""

from llmsweep.choice import Row
from llmsweep.compare.answers import Answers, Section
from llmsweep.compare.durations import of
from llmsweep.compare.lines import cell, short, words

PARALLEL = (
    ("tensor_parallel", "TP"),
    ("pipeline_parallel", "PP"),
    ("context_parallel", "CP"),
    ("expert_parallel", "EP"),
    ("data_parallel", "DP"),
)


def section(answers: Answers) -> Section:
    """Devices and layout; rental, energy and carbon of a run and of a request."""
    made = Section("bill")
    rows, trained = answers.rows, answers.trained
    made.line("accelerator", "", {side: words(row["accelerator"]) for side, row in rows.items()})
    made.line("devices", "", of(answers, {"devices": trained, "device_count": ["inference"]}))
    made.line("layout", "", {side: words(layout(row)) for side, row in rows.items()})
    made.line("format", "", {side: words(row["precision"]) for side, row in rows.items()})
    made.line("batch, requests in flight", "", of(answers, {"global_batch": trained, "concurrency": ["inference"]}))
    made.line("rental", "USD/h", of(answers, {"usd_per_hour": list(rows)}, "devices · price"))
    made.line("cost of the run, of a request", "USD", of(answers, {"cost_usd": list(rows)}, "rental · time"))
    made.line(
        "cost per million tokens", "USD", of(answers, {"usd_per_million_tokens": list(rows)}, "cost / tokens · 10⁶")
    )
    made.line("energy of the run, of a request", "J", of(answers, {"energy_j": list(rows)}, "board power · time"))
    made.line("energy per token", "J", of(answers, {"j_per_token": list(rows)}, "energy / tokens"))
    made.line("carbon dioxide", "kg", of(answers, {"co2_kg": list(rows)}, "facility's energy · carbon of the grid"))
    spent = answers.rows.get("pretraining")
    served = answers.served
    if spent and served and spent["cost_usd"] and served["usd_per_hour"]:
        made.line(
            "serving for as much money",
            "tokens",
            {
                "pretraining": cell(
                    spent["cost_usd"] / served["usd_per_million_tokens"] * 1e6,
                    "cost of the run / cost of an answered token",
                    f"{short(spent['cost_usd'])} / {short(served['usd_per_million_tokens'] / 1e6)}",
                )
            },
        )
    return made


def layout(row: Row) -> str:
    """Ways to run in parallel that are used, in their usual short names.

    >>> layout({"tensor_parallel": 8, "pipeline_parallel": 2, "context_parallel": 1, "data_parallel": 4})
    'TP8 PP2 DP4'
    """
    ways = [f"{short_name}{row[name]}" for name, short_name in PARALLEL if row.get(name, 1) > 1]
    return " ".join(ways) or "one device"
