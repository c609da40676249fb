"""Structured logs: one line an event, with the request id; readable in a terminal, JSON in production.

Stacks are logged without the values of their variables, because those may be passwords and tokens.
"""

import logging
import sys
from typing import Any

import orjson
import structlog
from structlog.tracebacks import ExceptionDictTransformer

from igny8.settings import Settings


def configure(settings: Settings) -> None:
    """Set up structlog for this process; libraries' own warnings take the same way."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if settings.log_format == "json":
        stack = structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False))
        last: list[Any] = [stack, structlog.processors.JSONRenderer(serializer=_as_json)]
    else:
        plain = structlog.dev.plain_traceback
        last = [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=24, exception_formatter=plain)]
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def _as_json(event: Any, **options: Any) -> str:
    return orjson.dumps(event, default=options["default"]).decode()
