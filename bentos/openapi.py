"""The OpenAPI page: the models as they are, and the errors that really come.

BentoML's own generator keeps the first choice of every union, so that an optional field would not look optional, and
names errors that this service never gives.
"""

import inspect
from dataclasses import dataclass, field
from typing import Any

import attrs
from _bentoml_sdk.service.factory import Service
from bentoml._internal.service.openapi.specification import Info, OpenAPISpecification, PathItem

from streamrank import __version__

REFERENCE = "#/components/schemas/{model}"
INVALID = {
    "type": "object",
    "required": ["error", "detail"],
    "properties": {
        "error": {"type": "string"},
        "detail": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["type", "loc", "msg"],
                "properties": {
                    "type": {"type": "string", "description": "kind of mistake"},
                    "loc": {
                        "type": "array",
                        "items": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
                        "description": "the field, and the place in its list; empty where the body is not JSON",
                    },
                    "msg": {"type": "string"},
                    "url": {"type": "string"},
                },
            },
        },
    },
}
ERROR = {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}}


@dataclass(frozen=True)
class Described:
    """What is said of a service. answer: of its 200. ready: of /readyz. largest: how large a body may be.

    errors: status -> (text, schema), over the usual ones. schemas: those that these name. examples: of a request's
    body, name -> {"summary", "value"}.
    """

    title: str
    answer: str
    ready: str
    largest: str
    errors: dict[int, tuple[str, str]] = field(default_factory=dict)
    schemas: dict[str, Any] = field(default_factory=dict)
    examples: dict[str, Any] = field(default_factory=dict)

    def all_errors(self) -> dict[int, tuple[str, str]]:
        usual = {
            400: ("A field is missing, unknown or out of range; each is named", "Invalid"),
            413: (f"The body is larger than {self.largest}", "Error"),
            415: ("The body is not application/json", "Error"),
            429: ("More requests at once than this service takes", "Error"),
            504: ("Not answered within the service's time limit", "Error"),
        }
        return dict(sorted((usual | self.errors).items()))

    def infrastructure(self) -> dict[str, str]:
        return {
            "/livez": "200 while the process lives.",
            "/readyz": self.ready,
            "/metrics": "Prometheus metrics: streamrank_* of this service, bentoml_* of every request.",
        }


def described(said: Described) -> type[Service]:
    """The class of a BentoML service whose specification is written from its models instead of flattened."""

    class DescribedService(Service):
        @property
        def openapi_spec(self) -> OpenAPISpecification:
            """OpenAPI 3.1, the dialect of pydantic's JSON schemas."""
            made = super().openapi_spec
            schemas: dict[str, Any] = {"Invalid": INVALID, "Error": ERROR, **said.schemas}
            paths = {path: PathItem(get=_infrastructure(text)) for path, text in said.infrastructure().items()}
            for api in self.apis.values():
                paths[api.route] = PathItem(post=_operation(self.name, api, said, schemas))
            info = Info(title=said.title, version=__version__, description=self.description)
            return attrs.evolve(made, openapi="3.1.0", info=info, paths=paths, components={"schemas": schemas})

    return DescribedService


def _schema(model: Any, schemas: dict[str, Any]) -> str:
    """Adds a model and those it refers to; its name."""
    schema = model.model_json_schema(ref_template=REFERENCE)
    schema.pop("root_input", None)
    schemas |= schema.pop("$defs", {})
    schemas[model.__name__] = schema
    return model.__name__


def _operation(service: str, api: Any, said: Described, schemas: dict[str, Any]) -> dict[str, Any]:
    """One POST; adds the models of its request and answer to `schemas`."""
    request, response = _schema(api.input_spec, schemas), _schema(api.output_spec, schemas)
    errors = {str(status): _answer(text, schema) for status, (text, schema) in said.all_errors().items()}
    return {
        "operationId": f"{service}__{api.name}",
        "x-bentoml-name": api.name,
        "tags": ["Service APIs"],
        "description": inspect.cleandoc(api.doc or ""),
        "requestBody": {"required": True, "content": _json(request, said.examples)},
        "responses": {"200": _answer(said.answer, response), **errors},
    }


def _infrastructure(description: str) -> dict[str, Any]:
    return {"tags": ["Infrastructure"], "description": description, "responses": {"200": {"description": "Yes"}}}


def _answer(description: str, schema: str) -> dict[str, Any]:
    return {"description": description, "content": _json(schema)}


def _json(schema: str, examples: dict[str, Any] | None = None) -> dict[str, Any]:
    shown = {"examples": examples} if examples else {}
    return {"application/json": {"schema": {"$ref": REFERENCE.format(model=schema)}, **shown}}
