"""Cases from kube-openapi pkg/openapiconv/testdata_generated_from_k8s."""

from kubepy.apiserver.aggregation.openapi_conversion import v3_of


def test_a_document_of_version_2_becomes_one_of_version_3():
    pretty = {"name": "pretty", "in": "query", "type": "string", "uniqueItems": True}
    body = {"name": "body", "in": "body", "required": True, "schema": {"$ref": "#/definitions/a.Flunder"}}
    operation = {
        "operationId": "createFlunder",
        "consumes": ["application/json"],
        "produces": ["application/json", "application/yaml"],
        "parameters": [body, {"$ref": "#/parameters/dryRun"}],
        "responses": {
            "200": {"description": "OK", "schema": {"$ref": "#/definitions/a.Flunder"}},
            "401": {"description": "Unauthorized"},
        },
        "x-kubernetes-action": "post",
    }
    document = {
        "swagger": "2.0",
        "info": {"title": "x"},
        "paths": {"/apis/a/v1/flunders": {"parameters": [pretty], "post": operation}},
        "parameters": {"dryRun": {"name": "dryRun", "in": "query", "type": "string", "description": "none"}},
        "definitions": {"a.Flunder": {"properties": {"spec": {"items": {"$ref": "#/definitions/a.Spec"}}}}},
    }
    reference = {"schema": {"$ref": "#/components/schemas/a.Flunder"}}
    assert v3_of(document) == {
        "openapi": "3.0.0",
        "info": {"title": "x"},
        "paths": {
            "/apis/a/v1/flunders": {
                "parameters": [
                    {"name": "pretty", "in": "query", "schema": {"type": "string", "uniqueItems": True}}
                ],
                "post": {
                    "operationId": "createFlunder",
                    "x-kubernetes-action": "post",
                    "parameters": [
                        {"name": "dryRun", "in": "query", "description": "none", "schema": {"type": "string"}}
                    ],
                    "requestBody": {"required": True, "content": {"application/json": reference}},
                    "responses": {
                        "200": {
                            "description": "OK",
                            "content": {"application/json": reference, "application/yaml": reference},
                        },
                        "401": {"description": "Unauthorized"},
                    },
                },
            }
        },
        "components": {
            "schemas": {
                "a.Flunder": {"properties": {"spec": {"items": {"$ref": "#/components/schemas/a.Spec"}}}}
            }
        },
    }


def test_what_names_no_media_type_may_have_any():
    operation = {"responses": {"200": {"schema": {"type": "string"}}}}
    found = v3_of({"paths": {"/x": {"get": operation}}})["paths"]["/x"]["get"]
    assert found["responses"]["200"] == {
        "description": "",
        "content": {"*/*": {"schema": {"type": "string"}}},
    }
