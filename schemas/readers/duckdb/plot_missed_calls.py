"""Answers missed_calls.sql over ./events.ndjson, prints the answer, and draws it.

    python plot_missed_calls.py missed_calls.png
"""

import sys
from pathlib import Path

import duckdb
import matplotlib

matplotlib.use("Agg")  # no display needed
import matplotlib.dates as dates  # noqa: E402
import matplotlib.pyplot as plt  # noqa: E402

QUESTION = Path(__file__).with_name("missed_calls.sql")


def main(picture: str) -> None:
    answer = duckdb.sql(QUESTION.read_text(encoding="utf-8"))
    print(",".join(answer.columns))
    rows = answer.fetchall()
    for row in rows:
        print(",".join(str(value) for value in row))
    draw(rows, picture)


def draw(rows: list[tuple], picture: str) -> None:
    """One small chart per provider, on one scale: missed calls in front of all inbound ones."""
    providers = sorted({provider for _, provider, _, _ in rows})
    figure, charts = plt.subplots(
        len(providers), 1, figsize=(8, 1.3 * len(providers) + 0.9), sharex=True, sharey=True, squeeze=False
    )
    for provider, (chart,) in zip(providers, charts):
        mine = [row for row in rows if row[1] == provider]
        hours = [hour for hour, *_ in mine]
        width = 0.8 / 24  # of a day: most of an hour
        chart.bar(hours, [inbound for *_, inbound, _ in mine], width, align="edge", color="#d5dbe3", label="inbound")
        chart.bar(hours, [missed for *_, missed in mine], width, align="edge", color="#c8442f", label="missed")
        chart.set_title(provider, loc="left", fontsize=9)
        chart.spines[["top", "right"]].set_visible(False)
    charts[0][0].legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False, fontsize=8)
    ticks = dates.AutoDateLocator()
    charts[-1][0].xaxis.set_major_locator(ticks)
    charts[-1][0].xaxis.set_major_formatter(dates.ConciseDateFormatter(ticks))
    charts[-1][0].set_xlabel("hour in which the call began, Kyiv", fontsize=8)
    figure.suptitle("Inbound calls per hour and provider", x=0.01, ha="left", fontsize=11)
    figure.tight_layout()
    figure.savefig(picture, dpi=110)


main(sys.argv[1])
