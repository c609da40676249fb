"""JSON schemas for structured output, out of pydantic models.

Strict mode wants every property required and no others allowed, and knows few keywords besides (OpenAI's guide to
structured outputs, "Supported schemas"); lengths and bounds are checked by pydantic when the answer is parsed.
"""

from typing import Any, Final

from pydantic import BaseModel

_KNOWN: Final = frozenset(
    {"type", "properties", "required", "items", "enum", "const", "anyOf", "description", "$ref", "$defs"}
    | {"additionalProperties"}
)


def strict_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The model's schema as strict structured output takes it."""
    made: dict[str, Any] = _strict(model.model_json_schema())
    return made


def _strict(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return schema
    made = {name: value for name, value in schema.items() if name in _KNOWN}
    for name in ("properties", "$defs"):
        if name in made:
            made[name] = {key: _strict(part) for key, part in made[name].items()}
    if "items" in made:
        made["items"] = _strict(made["items"])
    if "anyOf" in made:
        made["anyOf"] = [_strict(part) for part in made["anyOf"]]
    if made.get("type") == "object":
        made["required"] = list(made.get("properties", {}))
        made["additionalProperties"] = False
    return made
