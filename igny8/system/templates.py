"""Templates of prompts: declared variables are replaced, and nothing else means anything.

`{{name}}` stands for the value of a variable. A text is looked through once, so that what a value holds is never
looked at; there is no formatting, no attribute and no expression that could reach further than a name.
"""

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Final

import orjson

from igny8 import inputs
from igny8.errors import ValidationFailed
from igny8.inputs import Field

LONGEST: Final = 20_000

_PLACEHOLDER: Final = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_NAME: Final = re.compile(r"\s*([a-z][a-z0-9_]*)\s*")
#: Marks of template languages. They would do nothing here, so whoever writes them expects something else.
_TRICKS: Final = re.compile(r"\{\{|\}\}|\{%|%\}|\{#|#\}|\$\{|<%|%>|\{\s*\w[^{}\s\"]*\s*\}|%\([^)]*\)[sdrf]")


@dataclass(frozen=True, slots=True)
class Variable:
    """What a template may hold; `example` is for previews, `otherwise` stands where there is no value."""

    name: str
    description: str
    example: str
    required: bool = False
    otherwise: str = ""


def checked(template: str, variables: Sequence[Variable], field: Field) -> str:
    """The template as it is stored. Raises ValidationFailed, which names the variable or the mark at fault."""
    text = inputs.text(template, field, longest=LONGEST)
    if text is None:
        raise ValidationFailed("A prompt may not be empty. Reset it to get the built-in one.", field=field)
    known = {variable.name for variable in variables}
    used = set()
    for inner in _PLACEHOLDER.findall(text):
        name = _name(inner)
        if name is None:
            raise ValidationFailed(
                f"{{{{{inner}}}}} is not a variable: between the braces stands a name alone.", field=field
            )
        if name not in known:
            raise ValidationFailed(
                f"This prompt has no variable {{{{{name}}}}}. It has {_listed(known)}.",
                field=field,
                details={"variable": name},
            )
        used.add(name)
    trick = _TRICKS.search(_PLACEHOLDER.sub("", text))
    if trick is not None:
        raise ValidationFailed(
            f"{trick[0]} has no meaning in a prompt. A variable is written {{{{name}}}}.", field=field
        )
    for variable in variables:
        if variable.required and variable.name not in used:
            raise ValidationFailed(
                f"This prompt must hold {{{{{variable.name}}}}}: {variable.description}",
                field=field,
                details={"variable": variable.name},
            )
    return text


def filled(template: str, variables: Sequence[Variable], values: Mapping[str, str]) -> str:
    """The template with a value in each variable's place; those without one say what stands there otherwise."""
    unknown = values.keys() - {variable.name for variable in variables}
    if unknown:
        raise AssertionError(f"{_listed(unknown)}: not declared")
    texts = {variable.name: values.get(variable.name, variable.otherwise) for variable in variables}
    return _PLACEHOLDER.sub(lambda found: texts[_name(found[1]) or ""], template)


def delimited(data: object) -> str:
    """Material for a model, as JSON in a block that nothing in it can end: it is data, never instructions."""
    text = orjson.dumps(data, option=orjson.OPT_INDENT_2).decode()
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return f"<data>\n{text}\n</data>"


def _name(inner: str) -> str | None:
    found = _NAME.fullmatch(inner)
    return found[1] if found else None


def _listed(names: Set[str]) -> str:
    return ", ".join(f"{{{{{name}}}}}" for name in sorted(names))
