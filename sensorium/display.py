"""What commands print: tables for people on a terminal, one JSON object a line for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sensorium.progress import format_seconds

if TYPE_CHECKING:
    from encoders.weights import WeightStatus
    from ray_jobs.manifest import Quarantined
    from sensorium.config import Config
    from sensorium.doctor import Check
    from sensorium.fusion_training import FusionOutcome
    from sensorium.reports import Answer, Answers, IndexOutcome, PlanReport, StatusReport
    from sensorium.settings import Loaded
    from sensorium.training import TrainingReport

MOST_EXAMPLES = 12
"""Rejected entries printed before the rest is only counted."""


def show_report(outcome: IndexOutcome, console: Console, as_json: bool) -> None:
    """Print what a run did; quarantined and rejected entries with their causes."""
    if as_json:
        print_json(console, asdict(outcome))
        return
    done = (
        f"{outcome.indexed} indexed, {outcome.unchanged} unchanged, {outcome.pruned} pruned "
        f"of {counted(outcome.items, 'item')} in {format_seconds(outcome.seconds)}"
    )
    console.print(f"[bold]{done}[/bold]")
    if outcome.duplicates:
        console.print(f"{counted(outcome.duplicates, 'item')} repeat another one")
    if outcome.skipped:
        console.print(f"{counted(outcome.skipped, 'file')} skipped: not media")
    if outcome.quarantined:
        total = sum(outcome.quarantined.values())
        console.print(f"[yellow]{counted(total, 'content')} quarantined[/yellow]")
        table = plain_table("code", "count", "for example")
        for code, count in sorted(outcome.quarantined.items()):
            table.add_row(code, str(count), escape(outcome.examples.get(code, "")))
        console.print(table)
        console.print("see them with sensorium status --failed; try again with sensorium retry")
    for entry in outcome.rejected[:MOST_EXAMPLES]:
        console.print(f"[yellow]rejected[/yellow] {escape(entry.where)}: {escape(entry.reason)}")
    if len(outcome.rejected) > MOST_EXAMPLES:
        console.print(f"and {len(outcome.rejected) - MOST_EXAMPLES} more; --json lists them all")
    _print_notes(console, outcome.notes)


def show_plan(plan: PlanReport, console: Console, as_json: bool) -> None:
    """Print what a run would do."""
    if as_json:
        print_json(console, asdict(plan))
        return
    if plan.model_changes:
        console.print(f"[yellow]the workspace was made with {escape(plan.model_changes)}[/yellow]")
        console.print("this is what --reembed would do, beside the old vectors:")
    table = plain_table("step", "count")
    table.add_row("items in scope", str(plan.items))
    for kind, count in sorted(plan.to_decode.items()):
        table.add_row(f"decode {kind}", str(count))
    for source, count in sorted(plan.to_encode.items()):
        table.add_row(f"encode {source}", str(count))
    table.add_row("write items", str(plan.to_write))
    table.add_row("left in quarantine", str(plan.quarantined))
    table.add_row(
        "time",
        "unknown before a first run"
        if plan.seconds is None
        else (f"about {format_seconds(plan.seconds)}"),
    )
    table.add_row("disk", f"about {plan.disk_bytes / 1e6:.1f} MB")
    console.print(table)


def show_status(status: StatusReport, console: Console, as_json: bool) -> None:
    """Print where the library stands."""
    if as_json:
        print_json(console, asdict(status))
        return
    table = plain_table("", "")
    table.show_header = False
    table.add_row("items", str(status.items))
    for state, count in sorted(status.states.items()):
        table.add_row(f"  {state}", str(count))
    for code, count in sorted(status.quarantined.items()):
        table.add_row(f"  quarantined: {code}", str(count))
    table.add_row("generation", status.generation or "none yet")
    if status.building:
        table.add_row("being built", f"{status.building} (go on with index --reembed)")
    for name, value in sorted(status.made_by.items()):
        table.add_row(f"  {name}", escape(value))
    table.add_row("disk", f"{status.disk_bytes / 1e6:.1f} MB")
    console.print(table)


def show_quarantine(entries: Iterable[Quarantined], console: Console, as_json: bool) -> None:
    """Print every quarantined content with its cause."""
    rows = sorted(entries, key=lambda entry: (entry.code, entry.uri))
    if as_json:
        for entry in rows:
            print_json(console, asdict(entry))
        return
    if not rows:
        console.print("nothing is quarantined")
        return
    table = plain_table("code", "tries", "file", "what happened")
    for entry in rows:
        table.add_row(entry.code, str(entry.attempts), escape(entry.uri), escape(entry.message))
    console.print(table)


def show_answers(
    answers: Answers, console: Console, as_json: bool, pictures: bool | None = False
) -> None:
    """Print what was found.

    Args:
        answers: what the search gave.
        console: stdout.
        as_json: one object per answer.
        pictures: thumbnails in the terminal; None shows them where it surely can.
    """
    if as_json:
        for answer in answers.answers:
            print_json(console, answer_row(answer))
        return
    if not answers.answers:
        withheld = f"; {answers.withheld} weak ones withheld" if answers.withheld else ""
        console.print(f"no good match{withheld} (--min-relevance 0 shows everything)")
    else:
        console.print(_answer_table(answers.answers, _picture_maker(console, pictures)))
    _print_notes(console, answers.notes)


def answer_row(answer: Answer) -> dict[str, Any]:
    """Give one answer as the JSON row that programs read."""
    candidate = answer.candidate
    segment = candidate.segment
    return {
        "item_id": candidate.item_id,
        "uri": answer.item.uri,
        "score": round(candidate.score, 6),
        "relevance": round(candidate.relevance, 4),
        "modality_weights": {k: round(v, 4) for k, v in answer.item.modality_weights.items()},
        "title": answer.item.title,
        "segment": None
        if segment is None
        else {"start_seconds": segment[0], "end_seconds": segment[1]},
    }


def show_config(loaded: Loaded[Config], console: Console, origin: bool, as_json: bool) -> None:
    """Print every setting in force."""
    from sensorium.settings import environment_name, flatten

    rows = list(flatten(loaded.config))
    if as_json:
        for key, value in rows:
            print_json(console, {"key": key, "value": value, "origin": loaded.origins[key]})
        return
    table = plain_table("setting", "value", *(["origin"] if origin else []), "environment")
    for key, value in rows:
        cells = [key, escape(str(value)), *([loaded.origins[key]] if origin else [])]
        table.add_row(*cells, environment_name(key))
    console.print(table)


def show_models(models: Iterable[WeightStatus], console: Console, as_json: bool) -> None:
    """Print the bundled models, their licences, and whether they are here."""
    if as_json:
        for model in models:
            print_json(console, asdict(model))
        return
    table = plain_table("model", "use", "here", "size", "licence", "what it is", "comes in")
    for model in models:
        table.add_row(
            model.name,
            model.use,
            "[green]yes[/green]" if model.present else "no",
            f"{model.size_bytes / 1e6:.0f} MB",
            model.licence,
            model.source,
            ", ".join(model.packages),
        )
    console.print(table)


def show_checks(checks: Sequence[Check], console: Console, as_json: bool) -> None:
    """Print what the doctor found."""
    if as_json:
        for check in checks:
            print_json(console, asdict(check))
        return
    marks = {"ok": "[green]ok[/green]", "note": "[yellow]note[/yellow]", "fail": "[red]fail[/red]"}
    table = plain_table("", "check", "finding", "advice")
    for check in checks:
        table.add_row(marks[check.state], check.name, escape(check.finding), escape(check.advice))
    console.print(table)


def show_training(report: TrainingReport, console: Console, as_json: bool) -> None:
    """Print what a training run learnt."""
    if as_json:
        print_json(console, asdict(report))
        return
    table = plain_table("tower", "pairs", "R@10 before", "R@10 after", "kept")
    for row in report.rows:
        table.add_row(row.tower, str(row.pairs), f"{row.before:.3f}", f"{row.after:.3f}", row.kept)
    console.print(table)
    console.print(escape(report.next_step))


def show_fusion_training(outcome: FusionOutcome, console: Console, as_json: bool) -> None:
    """Print what learning to fuse gave."""
    if as_json:
        print_json(console, asdict(outcome))
        return
    console.print(
        f"{outcome.items:,} items, {outcome.several:,} with several kinds of view, "
        f"{outcome.pairs:,} pairs liked together; {outcome.epochs} rounds, kept: {outcome.kept}",
        highlight=False,
    )
    table = plain_table("on items held out", "before", "after")
    table.add_row(outcome.judged_by, f"{outcome.before:.3f}", f"{outcome.after:.3f}")
    table.add_row("R@10 by words", f"{outcome.words_before:.3f}", f"{outcome.words_after:.3f}")
    console.print(table)
    console.print(escape(outcome.next_step))


def write_page(path: Path, pages: Sequence[Answers], title: str = "Sensorium search") -> None:
    """Write answers as one self-contained HTML page."""
    from sensorium.cards import Card
    from sensorium.contact_sheet import Section, write_contact_sheet

    sections = [
        Section(
            title=page.title,
            asked_with=page.asked_with,
            note=f"{page.withheld} weak answers withheld" if page.withheld else "",
            cards=[
                Card(
                    item=answer.item,
                    score=answer.candidate.relevance,
                    segment=answer.candidate.segment,
                )
                for answer in page.answers
            ],
        )
        for page in pages
    ]
    write_contact_sheet(path, title, sections)


def _answer_table(answers: Sequence[Answer], picture: Any) -> Table:
    moments = any(answer.candidate.segment for answer in answers)
    columns = ["#", *([""] if picture else []), "relevance", "item", "kind", "title"]
    table = plain_table(*columns, *(["moment"] if moments else []), "made of")
    for rank, answer in enumerate(answers, start=1):
        candidate = answer.candidate
        cells: list[Any] = [str(rank)]
        if picture:
            cells.append(picture(answer.item.thumbnail))
        cells += [_bar(candidate.relevance), escape(candidate.item_id), answer.item.kind]
        cells.append(escape(answer.item.title or answer.item.text[:60]))
        if moments:
            cells.append(_moment(candidate.segment))
        cells.append(_weights(answer.item.modality_weights))
        table.add_row(*cells)
    return table


def _picture_maker(console: Console, pictures: bool | None) -> Any:
    """Give a function from JPEG to something rich can draw, or None for no pictures."""
    if pictures is False or not console.is_terminal:
        return None
    import io

    import textual_image.renderable as graphics
    from PIL import Image

    if pictures is None and graphics.Image not in (graphics.TGPImage, graphics.SixelImage):
        return None
    return lambda jpeg: (
        graphics.Image(Image.open(io.BytesIO(jpeg)), width=16, height="auto") if jpeg else ""
    )


def _bar(relevance: float) -> str:
    filled = round(relevance * 8)
    return f"{relevance:.2f} [green]{'━' * filled}[/green][dim]{'━' * (8 - filled)}[/dim]"


def _moment(segment: tuple[float, float] | None) -> str:
    return "" if segment is None else f"{segment[0]:.1f} to {segment[1]:.1f} s"


def _weights(weights: Mapping[str, float]) -> str:
    ordered = sorted(weights.items(), key=lambda pair: -pair[1])
    return " ".join(f"{name} {share:.0%}" for name, share in ordered)


def plain_table(*columns: str) -> Table:
    """Give a table without lines."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def print_json(console: Console, value: Any) -> None:
    """Print one object as one line."""
    line = json.dumps(value, ensure_ascii=False, default=str)
    console.print(line, markup=False, highlight=False, soft_wrap=True)


def _print_notes(console: Console, notes: Iterable[str]) -> None:
    for note in notes:
        console.print(f"[dim]{escape(note)}[/dim]")


def counted(number: int, noun: str) -> str:
    """Write a number with its noun: 1 item, 2 items."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
