#!/usr/bin/python3
"""Holds openapi.yaml to the route table, and every reply the tests saw to openapi.yaml.

contract.py routes OPENAPI ROUTES_PROGRAM    the document is valid and says what the table says
contract.py replies OPENAPI RECORD           each recorded reply is one the document promises; none is left unseen
"""
import json
import os
import re
import subprocess
import sys

import jsonschema
import yaml

METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}
DIALECT = "https://json-schema.org/draft/2020-12/schema"
# enum api_param_type, by value: the JSON type of the parameter's schema
LIMIT, ENUM, BOOL, UNIT, ATTR = 2, 5, 6, 7, 11
SKIPPED = 77  # what ctest takes for a skipped test
JSON_TYPES = {LIMIT: "integer", BOOL: "boolean", UNIT: "number", ATTR: "array"}


class Document:
    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.root = yaml.safe_load(file)

    def resolve(self, node):
        while isinstance(node, dict) and "$ref" in node:
            target = self.root
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            node = target
        return node

    def operations(self):
        for path, item in self.root["paths"].items():
            for method, operation in item.items():
                if method in METHODS:
                    yield method.upper(), path, operation

    def parameters(self, operation, place):
        found = (self.resolve(p) for p in operation.get("parameters", []))
        return {p["name"]: p for p in found if p["in"] == place}

    def errors_of(self, value, schema):
        whole = {"$schema": DIALECT, "components": self.root["components"], "allOf": [schema]}
        validator = jsonschema.Draft202012Validator(whole)
        return [f"{error.json_path}: {error.message[:300]}" for error in validator.iter_errors(value)]


def walk(node, path="#"):
    yield path, node
    if isinstance(node, dict):
        for key, value in node.items():
            yield from walk(value, f"{path}/{key}")
    elif isinstance(node, list):
        for i, value in enumerate(node):
            yield from walk(value, f"{path}/{i}")


def check_document(doc):
    """What a validator of OpenAPI 3.1 would refuse: dangling references, bad schemas, examples that do not fit."""
    if not doc.root["openapi"].startswith("3.1."):
        yield "openapi must be 3.1"
    for path, node in walk(doc.root):
        if isinstance(node, dict) and isinstance(node.get("$ref"), str):
            try:
                doc.resolve(node)
            except (KeyError, TypeError):
                yield f"{path}: {node['$ref']} leads nowhere"
    for name, schema in doc.root["components"]["schemas"].items():
        try:
            jsonschema.Draft202012Validator.check_schema(schema)
        except jsonschema.SchemaError as error:
            yield f"schema {name}: {error.message}"
            continue
        for example in schema.get("examples", []):
            yield from (f"example of schema {name}: {e}" for e in doc.errors_of(example, schema))
    names = [operation["operationId"] for _, _, operation in doc.operations()]
    yield from (f"operationId {name} is not unique" for name in set(names) if names.count(name) > 1)


def check_media(doc, where, content):
    for media_type, media in content.items():
        for name, example in media.get("examples", {}).items():
            for error in doc.errors_of(example["value"], media["schema"]):
                yield f"{where}: example {name} of {media_type}: {error}"


def check_operation(doc, where, path, operation):
    templates = set(re.findall(r"{(\w+)}", path))
    if templates != set(doc.parameters(operation, "path")):
        yield f"{where}: the path's parameters are not those of its template"
    for key in ("summary", "tags", "responses"):
        if not operation.get(key):
            yield f"{where}: has no {key}"
    yield from check_media(doc, where, operation.get("requestBody", {}).get("content", {}))
    for status, answer in operation["responses"].items():
        answer = doc.resolve(answer)
        if not answer.get("description"):
            yield f"{where}: {status} has no description"
        yield from check_media(doc, f"{where} {status}", answer.get("content", {}))


def check_spec(where, spec, documented):
    schema = documented["schema"]
    where = f"{where}: parameter {spec['name']}"
    if spec["is_required"] != documented.get("required", False):
        yield f"{where}: required differs"
    if schema.get("type") != JSON_TYPES.get(spec["type"], "string"):
        yield f"{where}: type {schema.get('type')} differs"
    if spec["type"] == LIMIT and (schema.get("maximum"), schema.get("minimum"), schema.get("default")) != (
            spec["max"], 1, spec["by_default"]):
        yield f"{where}: bounds or default differ"
    if spec["type"] == UNIT and schema.get("default") != spec["unit_default"]:
        yield f"{where}: default differs"
    if spec["type"] == ENUM and set(schema["enum"]) != set(spec["values"]):
        yield f"{where}: values differ"
    if spec["type"] == ENUM and schema.get("default", spec["values"][spec["by_default"]]) != spec["values"][spec["by_default"]]:
        yield f"{where}: default differs"


def security_of(scope):
    """What an operation of that scope has to say."""
    return [] if scope == "none" else [{"bearer": [scope]}, {"api_key": [scope]}]


def check_routes(doc, routes):
    table = {(r["method"], r["path"]): r for r in routes}
    documented = {(method, path): operation for method, path, operation in doc.operations()}
    yield from (f"{m} {p}: in the route table only" for m, p in table.keys() - documented.keys())
    yield from (f"{m} {p}: in openapi.yaml only" for m, p in documented.keys() - table.keys())
    for key in table.keys() & documented.keys():
        where, route, operation = " ".join(key), table[key], documented[key]
        if route["name"] != operation["operationId"]:
            yield f"{where}: operationId must be {route['name']}"
        if operation.get("security") != security_of(route["scope"]):
            yield f"{where}: security must be {security_of(route['scope'])}"
        specs = {spec["name"]: spec for spec in route["params"]}
        queries = doc.parameters(operation, "query")
        if specs.keys() != queries.keys():
            yield f"{where}: parameters differ: {sorted(specs.keys() ^ queries.keys())}"
        for name in specs.keys() & queries.keys():
            yield from check_spec(where, specs[name], queries[name])


def check_all_routes(doc, program):
    lines = subprocess.run([program], check=True, capture_output=True, text=True).stdout.splitlines()
    yield from check_document(doc)
    for method, path, operation in doc.operations():
        yield from check_operation(doc, f"{method} {path}", path, operation)
    yield from check_routes(doc, [json.loads(line) for line in lines])


def find_operation(doc, method, path):
    """The operation of a request's path; a template without braces goes first."""
    method = "GET" if method == "HEAD" else method
    matches = []
    for have, template, operation in doc.operations():
        pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template))
        if have == method and re.fullmatch(pattern, path.split("?")[0]):
            matches.append((template.count("{"), f"{have} {template}", operation))
    return min(matches, key=lambda m: m[0])[1:] if matches else (None, None)


def check_body(doc, media, reply):
    if "json" not in reply["content_type"]:
        return
    try:
        value = json.loads(reply["body"])
    except ValueError as error:
        yield f"is not JSON: {error}"
        return
    yield from doc.errors_of(value, media["schema"])


def check_reply(doc, operation, reply):
    answer = doc.resolve(operation["responses"].get(str(reply["status"])))
    if answer is None:
        yield f"status {reply['status']} is not documented"
        return
    media_type = reply["content_type"].split(";")[0].strip().lower()
    media = answer.get("content", {}).get(media_type)
    if media is None:
        yield f"media type '{media_type}' is not documented for {reply['status']}"
    elif reply["method"] != "HEAD":
        yield from check_body(doc, media, reply)


def check_stray(doc, reply):
    """A request that no operation matches: a problem, with 400, 404 or 405; OPTIONS; or what HTTP itself refused."""
    if reply["method"] == "OPTIONS" and reply["status"] == 204:
        return
    if reply["status"] not in (400, 404, 405, 413, 414, 431, 501, 505, 503):
        yield f"status {reply['status']} for what no operation takes"
    elif reply["content_type"].startswith("application/problem+json") and reply["method"] != "HEAD":
        yield from doc.errors_of(json.loads(reply["body"]), {"$ref": "#/components/schemas/Problem"})


def check_replies(doc, path):
    seen = set()
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            reply = json.loads(line)
            reply["content_type"] = reply["content_type"] or ""
            where, operation = find_operation(doc, reply["method"], reply["path"])
            found = check_stray(doc, reply) if operation is None else check_reply(doc, operation, reply)
            yield from (f"reply {number}, {reply['method']} {reply['path']} {reply['status']}: {e}" for e in found)
            if operation is not None and reply["status"] == 200:
                seen.add(where)
    for method, template, _ in doc.operations():
        if f"{method} {template}" not in seen:
            yield f"{method} {template}: no test saw it answer 200"


def main():
    if not os.path.exists(sys.argv[3]):
        print(f"there is no {sys.argv[3]}: the tests that record replies did not run")
        sys.exit(SKIPPED)
    checks = {"routes": check_all_routes, "replies": check_replies}
    errors = list(checks[sys.argv[1]](Document(sys.argv[2]), sys.argv[3]))
    for error in errors:
        print(error)
    sys.exit(1 if errors else 0)


if __name__ == "__main__":
    main()
