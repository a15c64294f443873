"""Which layout a file of events has: by the names of its columns, or the shape of its lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from operator import itemgetter

from ingest.errors import SensoriumError
from ingest.event_layouts import FORMATS, LAYOUTS, OWN, Layout
from ingest.event_records import FIELDS, NEEDED, NESTED

ENTRIES = tuple(f"{field}." for field in NESTED)
"""A column whose name begins so fills one entry."""


class EventFileError(SensoriumError):
    """A file as a whole cannot be read as events."""

    code = "event_file"


def check_choices(layout: str, mapping: Mapping[str, str]) -> None:
    """Refuse names that mean nothing, before a file is opened.

    Args:
        layout: one of ``FORMATS``, or auto.
        mapping: field by column.

    Raises:
        EventFileError: there is no such layout or field.
    """
    if layout not in {"auto", *FORMATS}:
        raise EventFileError(f"no layout is called {layout}", f"choose auto, {', '.join(FORMATS)}")
    for column, field in mapping.items():
        if field not in FIELDS and not field.startswith(ENTRIES):
            hint = f"choose {', '.join(FIELDS)}, context.NAME or properties.NAME"
            raise EventFileError(f"column {column} cannot be {field}: no such field", hint)


def layout_of_columns(columns: Sequence[str], name: str) -> Layout | None:
    """Give the first layout of this name, or of any for auto, whose columns are all there."""
    for layout in LAYOUTS:
        named = name in {"auto", layout.name}
        if named and layout.needed and layout.needed.issubset(columns):
            return layout
    return OWN if name == OWN.name else None


def layout_of_lines(lines: Sequence[str], name: str) -> Layout | None:
    """Give the layout whose shape most lines have.

    Those must be more than half of all where nobody named the layout. A named one with a single
    shape is taken as it is.
    """
    shapes = [
        (sum(layout.line.fullmatch(line) is not None for line in lines), layout)
        for layout in LAYOUTS
        if layout.line is not None and name in {"auto", layout.name}
    ]
    if not shapes:
        return None
    fitting, best = max(shapes, key=itemgetter(0))
    needed = len(lines) // 2 + 1 if name == "auto" else min(len(shapes) - 1, 1)
    return best if fitting >= needed else None


def adapt(
    layout: Layout | None, columns: Sequence[str], mapping: Mapping[str, str], event_type: str
) -> Layout:
    """Fit a layout to one file.

    Args:
        layout: what the file was recognised as; None for nothing known.
        columns: names of its columns, or what is known of them.
        mapping: field by column, over those of the layout.
        event_type: type of rows that name none; empty for the layout's.

    Raises:
        EventFileError: a column is not there, or a field that every event needs has none.
    """
    base = layout or OWN
    for column in mapping.keys() - set(columns):
        hint = f"its columns are {', '.join(columns)}"
        raise EventFileError(f"the file has no column {column}", hint)
    found = {column: field for column, field in base.columns.items() if column in columns}
    found |= {column: column for column in columns if column.startswith(ENTRIES)}
    taken = set(mapping.values())
    found = {column: field for column, field in found.items() if field not in taken}
    found |= mapping
    fitted = replace(base, columns=found, event_type=event_type or base.event_type)
    if base.header and not mapping:
        return fitted
    for field in NEEDED:
        if field not in found.values():
            names = ", ".join(columns) or "not named"
            raise EventFileError(
                f"no column is known as the {field}: the columns are {names}",
                f"name it with --map COLUMN={field}",
            )
    if not fitted.event_type and "event_type" not in found.values():
        hint = "say it with --type click, or name the column with --map COLUMN=event_type"
        raise EventFileError("the file does not say what was done", hint)
    return fitted
