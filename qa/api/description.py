"""The API described on one page of its own: no script, and no request to anywhere."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from qa.page.frame import asset
from qa.page.markup import Markup, element, join

OPENAPI = "/api/openapi.json"

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>Wenju API</title>
<style>{style}</style>
</head>
<body>
{body}
</body>
</html>
"""

_Schema = Mapping[str, Any]


def page(description: _Schema) -> str:
    """Return the page of an OpenAPI description."""
    return _PAGE.format(style=_style(), body=_body(description))


def policy() -> str:
    """Return the content security policy of the page: its own style and nothing else."""
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    )


def _style() -> str:
    return asset("api.css")


def _body(description: _Schema) -> Markup:
    info = description["info"]
    shapes = description.get("components", {}).get("schemas", {})
    return element(
        "main",
        element("h1", info["title"]),
        *(element("p", text) for text in info["description"].split("\n\n")),
        element("p", "For programs: ", element("a", OPENAPI, href=OPENAPI)),
        *_operations(description["paths"]),
        element("h2", "Shapes"),
        *(_shape(name, shape) for name, shape in sorted(shapes.items())),
    )


def _operations(paths: _Schema) -> Iterator[Markup]:
    tag = ""
    for path, methods in paths.items():
        for method, operation in methods.items():
            if operation["tags"][0] != tag:
                tag = operation["tags"][0]
                yield element("h2", tag[0].upper() + tag[1:])
            yield _operation(path, method, operation)


def _operation(path: str, method: str, operation: _Schema) -> Markup:
    return element(
        "section",
        element("h3", element("b", method.upper(), class_=method), " ", path),
        element("p", operation["summary"], ". ", operation.get("description", "")),
        _fields([_parameter(one) for one in operation.get("parameters", [])]),
        join(_bodies("takes", operation.get("requestBody", {}))),
        *(_response(status, one) for status, one in operation["responses"].items()),
    )


def _parameter(one: _Schema) -> tuple[str, str, str]:
    return one["name"], _type(one["schema"]), f"in the {one['in']}. {_about(one['schema'])}"


def _response(status: str, response: _Schema) -> Markup:
    return join(_bodies(status, response))


def _bodies(label: str, holder: _Schema) -> Iterator[Markup]:
    for kind, content in holder.get("content", {}).items():
        yield element(
            "p", element("b", label), " ", element("code", kind), " ",
            element("code", _type(content.get("schema", {}))), class_="body",
        )  # fmt: skip


def _shape(name: str, shape: _Schema) -> Markup:
    wanted = set(shape.get("required", ()))
    rows = [
        (field, _type(one), ("" if field in wanted else "may be left out. ") + _about(one))
        for field, one in shape.get("properties", {}).items()
    ]
    values = ", ".join(map(str, shape.get("enum", ())))
    return element(
        "section",
        element("h3", name, id=name),
        element("p", shape.get("description", ""), values and f" One of {values}."),
        _fields(rows),
    )


def _fields(rows: list[tuple[str, str, str]]) -> Markup:
    lines = [
        element(
            "tr", element("th", name), element("td", element("code", kind)), element("td", about)
        )
        for name, kind, about in rows
    ]
    return element("table", *lines) if lines else Markup()


def _about(schema: _Schema) -> str:
    limits = {
        "default": "default {}",
        "minimum": "at least {}",
        "maximum": "at most {}",
        "maxLength": "at most {} characters",
        "maxItems": "at most {}",
    }
    bounds = {**schema, **_bounds(schema)}
    told = [form.format(_value(bounds[key])) for key, form in limits.items() if key in bounds]
    return " ".join(part for part in (schema.get("description", ""), "; ".join(told)) if part)


def _bounds(schema: _Schema) -> dict[str, Any]:
    """Return the bounds of the first alternative, which the other (null) does not have."""
    first: dict[str, Any] = next(iter(schema.get("anyOf", ())), {})
    return {key: value for key, value in first.items() if key.startswith("max")}


def _value(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _type(schema: _Schema) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(map(_type, schema["anyOf"]))
    if "const" in schema:
        return _value(schema["const"])
    if "enum" in schema:
        return " or ".join(map(_value, schema["enum"]))
    if "prefixItems" in schema:
        return "[" + ", ".join(map(_type, schema["prefixItems"])) + "]"
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return str(schema.get("type", "anything"))
