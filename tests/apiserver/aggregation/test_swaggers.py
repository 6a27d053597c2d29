"""Two OpenAPI v2 documents in one."""

import copy

from kubepy.apiserver.aggregation.swaggers import merge


def path(name):
    return {"get": {"responses": {"200": {"schema": {"$ref": f"#/definitions/{name}"}}}}}


OTHER = {
    "paths": {"/apis/a/v1/x": path("X"), "/apis/a/v1/y": path("Same"), "/apis/b/v1/z": path("Z")},
    "definitions": {
        "X": {"properties": {"meta": {"$ref": "#/definitions/Meta"}, "of": [{"$ref": "#/definitions/X"}]}},
        "Meta": {"type": "object"},
        "Same": {"type": "string"},
        "Z": {},
    },
}


def test_what_the_group_version_needs_comes_along_and_nothing_else():
    ours = {"paths": {"/api/v1/pods": {}}, "definitions": {"Same": {"type": "string"}}}
    other = copy.deepcopy(OTHER)
    merge(ours, other, "/apis/a/v1")
    assert list(ours["paths"]) == ["/api/v1/pods", "/apis/a/v1/x", "/apis/a/v1/y"]
    assert set(ours["definitions"]) == {"X", "Meta", "Same"}
    assert other == OTHER


def test_a_name_we_use_for_something_else_gets_a_number():
    ours = {"paths": {}, "definitions": {"Meta": {"type": "array"}, "Meta_v2": {}}}
    merge(ours, OTHER, "/apis/a/v1")
    assert ours["definitions"]["X"]["properties"] == {
        "meta": {"$ref": "#/definitions/Meta_v3"},
        "of": [{"$ref": "#/definitions/X"}],
    }
    assert ours["definitions"]["Meta_v3"] == {"type": "object"}
    assert ours["definitions"]["Meta"] == {"type": "array"}


def test_definitions_that_differ_in_their_kinds_are_one_with_the_kinds_of_both():
    kinds = "x-kubernetes-group-version-kind"

    def meta(*groups):
        return {"type": "object", kinds: [{"group": group, "version": "v1", "kind": "E"} for group in groups]}

    ours = {"paths": {}, "definitions": {"Meta": meta("", "b")}}
    before = copy.deepcopy(ours["definitions"]["Meta"])
    shared = ours["definitions"]["Meta"]
    other = OTHER | {"definitions": OTHER["definitions"] | {"Meta": meta("", "a")}}
    merge(ours, other, "/apis/a/v1")
    assert ours["definitions"]["Meta"] == meta("", "a", "b") and "Meta_v2" not in ours["definitions"]
    assert shared == before


def test_our_paths_stay():
    ours = {"paths": {"/apis/a/v1/x": {"ours": True}}, "definitions": {}}
    merge(ours, OTHER, "/apis/a/v1")
    assert ours["paths"]["/apis/a/v1/x"] == {"ours": True}


def test_parameters_that_paths_share_come_along():
    item = {
        "parameters": [{"$ref": "#/parameters/p-1"}],
        "get": {"parameters": [{"$ref": "#/parameters/body-2"}]},
    }
    body = {"in": "body", "schema": {"$ref": "#/definitions/Meta"}}
    other = {
        "paths": {"/apis/a/v1/x": item},
        "parameters": {"p-1": {"in": "query"}, "body-2": body, "unused": {}},
        "definitions": {"Meta": {"type": "object"}},
    }
    ours = {"paths": {}, "definitions": {}, "parameters": {"p-1": {"in": "path"}}}
    merge(ours, other, "/apis/a/v1")
    assert ours["parameters"] == {"p-1": {"in": "path"}, "p-1_v2": {"in": "query"}, "body-2": body}
    assert ours["paths"]["/apis/a/v1/x"]["parameters"] == [{"$ref": "#/parameters/p-1_v2"}]
    assert ours["definitions"] == other["definitions"]
