import pytest

from kubepy.api.cel import Type, escape, types, unescape
from kubepy.api.cel.limits import REQUEST_BYTES_MAX


@pytest.mark.parametrize(
    ("name", "escaped"),
    [
        ("abc", "abc"),
        ("a_b", "a_b"),
        ("namespace", "__namespace__"),
        ("true", "__true__"),
        ("foo.bar", "foo__dot__bar"),
        ("foo-bar", "foo__dash__bar"),
        ("foo/bar", "foo__slash__bar"),
        ("a__b", "a__underscores__b"),
        ("-", "__dash__"),
        ("1a", None),
        ("a b", None),
        ("", None),
        ("é", None),
    ],
)
def test_names_are_escaped(name: str, escaped: str | None) -> None:
    assert escape(name) == escaped
    if escaped is not None:
        assert unescape(escaped) == name


def schema_type(**schema: object) -> Type:
    found = Type.from_schema(schema)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("schema", "name", "most"),
    [
        ({"type": "string"}, "string", REQUEST_BYTES_MAX - 2),
        ({"type": "string", "maxLength": 10}, "string", 40),
        ({"type": "string", "enum": ["a", "abc"]}, "string", 3),
        ({"type": "string", "format": "byte", "maxLength": 5}, "bytes", 5),
        ({"type": "string", "format": "date-time"}, "google.protobuf.Timestamp", 32),
        ({"type": "string", "format": "date"}, "google.protobuf.Timestamp", 12),
        ({"type": "string", "format": "duration"}, "google.protobuf.Duration", 32),
        ({"type": "integer"}, "int", 0),
        ({"type": "number"}, "double", 0),
        ({"type": "boolean"}, "bool", 0),
        ({"x-kubernetes-int-or-string": True}, "dyn", REQUEST_BYTES_MAX - 2),
        ({"type": "array", "items": {"type": "integer"}}, "list", (REQUEST_BYTES_MAX - 2) // 2),
        ({"type": "array", "maxItems": 7, "items": {"type": "integer"}}, "list", 7),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "map", (REQUEST_BYTES_MAX - 2) // 8),
        ({"type": "object", "maxProperties": 3, "additionalProperties": {"type": "string"}}, "map", 3),
    ],
)
def test_schema_becomes_a_type_with_size(schema: dict[str, object], name: str, most: int) -> None:
    found = schema_type(**schema)
    assert (found.name, found.elements_max) == (name, most)


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"x-kubernetes-preserve-unknown-fields": True},
        {"type": "array"},
        {"type": "array", "items": {"x-kubernetes-preserve-unknown-fields": True}},
        {"type": "object", "additionalProperties": {}},
    ],
)
def test_schema_without_type_is_invisible(schema: dict[str, object]) -> None:
    assert Type.from_schema(schema) is None


def test_object_has_its_visible_fields() -> None:
    found = schema_type(
        type="object",
        required=["a-b", "withDefault"],
        properties={
            "a-b": {"type": "integer"},
            "any": {"x-kubernetes-preserve-unknown-fields": True},
            "withDefault": {"type": "string", "default": "x"},
            "not an identifier": {"type": "string"},
            "list": {"type": "array", "items": {"type": "object", "properties": {}}},
        },
    )
    assert found.fields is not None
    assert set(found.fields) == {"a__dash__b", "withDefault", "list"}
    assert found.fields["a__dash__b"].json_name == "a-b"
    # {}, and "a-b":1 with a comma; defaults need not be sent
    assert found.size_min == 2 + 3 + 1 + 4
    # nested objects are types of their own
    assert str(found.fields["list"].type) == "list(object.list.@idx)"


def test_root_of_a_resource_always_has_its_names() -> None:
    found = Type.from_schema({"type": "object", "properties": {"spec": {"type": "string"}}}, root=True)
    assert found is not None
    assert found.fields is not None
    assert set(found.fields) == {"spec", "kind", "apiVersion", "metadata"}
    metadata = found.fields["metadata"].type
    assert metadata.fields is not None
    assert set(metadata.fields) == {"name", "generateName"}


def test_embedded_resource_has_its_names() -> None:
    embedded = {"type": "object", "x-kubernetes-embedded-resource": True}
    found = schema_type(type="object", properties={"embedded": embedded})
    assert found.item_at(("embedded", "metadata", "name")) == types.STRING
    assert found.item_at(("embedded", "spec")) is None


def test_types_are_printed_as_in_messages() -> None:
    assert str(types.map_of(types.STRING, types.list_of(types.NULL))) == "map(string, list(null))"
    assert str(types.optional_of(types.DYN)) == "optional_type(dyn)"
    assert str(types.type_of(types.INT)) == "type(int)"
