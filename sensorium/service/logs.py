"""Lines of the service's log: one a record, without secrets.

What a client sent may stand in a message, so control characters are written out: nothing that comes
in over HTTP begins a line that looks like one of ours. Lines of a traceback are indented for the
same reason. API keys and passwords within URLs are left out wherever they stand.
"""

from __future__ import annotations

import logging
import re

KEYS = re.compile(r"(sns_[0-9a-f]{16}_)[A-Za-z0-9_-]+")
PASSWORDS = re.compile(r"(?<=://)([^\s/:@'\"]*):[^\s/'\"]*@")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class LineFormatter(logging.Formatter):
    """Writes a record as one line; a traceback follows, indented."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record."""
        trace, stack = record.exc_info, record.stack_info
        text = record.exc_text or (self.formatException(trace) if trace else "")
        head = logging.makeLogRecord({**record.__dict__, "exc_info": None, "exc_text": None})
        head.stack_info = None
        lines = [one_line(super().format(head))]
        lines += [f"    {one_line(line)}" for line in f"{text}\n{stack or ''}".splitlines() if line]
        return without_secrets("\n".join(lines))


def one_line(text: str) -> str:
    """Write control characters out."""
    return CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def without_secrets(text: str) -> str:
    """Leave out API keys, and passwords within URLs."""
    text = KEYS.sub(r"\1***", text)
    return PASSWORDS.sub(r"\1:***@", text)


def install() -> None:
    """Let every record of this process be written so, from here on to stderr."""
    handler = logging.StreamHandler()
    handler.setFormatter(LineFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(handlers=[handler])
    logging.getLogger("sensorium").setLevel(logging.INFO)
