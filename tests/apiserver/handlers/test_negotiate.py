from __future__ import annotations

import pytest

from kubepy.api.errors import NotAcceptable, UnsupportedMediaType
from kubepy.apiserver.handlers import negotiate
from kubepy.apiserver.handlers.negotiate import PROTOBUF, Format

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("", Format()),
        ("*/*", Format()),
        ("application/*", Format()),
        ("*", Format()),
        ("application/json", Format()),
        ("application/json; charset=utf-8", Format()),
        (PROTOBUF, Format(PROTOBUF)),
        (f"{PROTOBUF}, application/json", Format(PROTOBUF)),
        (f"{PROTOBUF},*/*", Format(PROTOBUF)),
        (f"application/json,{PROTOBUF}", Format()),
        (f"application/json;q=0.5,{PROTOBUF}", Format(PROTOBUF)),
        # What is named goes before whatever, however little it is wanted.
        (f"*/*;q=0.9,{PROTOBUF};q=0.1", Format(PROTOBUF)),
        (f"{PROTOBUF};q=x,application/json", Format()),
        (f"{PROTOBUF};stream=watch", Format(PROTOBUF)),
        (f"text/html,{PROTOBUF}", Format(PROTOBUF)),
        (f"application/json;sv=1,{PROTOBUF}", Format(PROTOBUF)),
        (
            f"{PROTOBUF};as=Table;v=v1;g=meta.k8s.io,{TABLE},application/json",
            Format(kind="Table", version="v1"),
        ),
        (
            f"{PROTOBUF};as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
            Format(PROTOBUF, "PartialObjectMetadata", "v1"),
        ),
        ("application/json;stream=x,application/yaml", Format("application/yaml")),
        ("application/yaml", Format("application/yaml")),
        ("application/json;q=0.5, application/yaml", Format("application/yaml")),
        (f"{TABLE},application/json", Format(kind="Table", version="v1")),
        ("application/json; as=Table; g=meta.k8s.io; v=v1beta1", Format(kind="Table", version="v1beta1")),
        ("application/json;as=Table;v=v2;g=meta.k8s.io,application/json", Format()),
        (
            "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
            Format(kind="PartialObjectMetadataList", version="v1"),
        ),
        ("application/json;stream=watch", Format()),
    ],
)
def test_accept(header: str, wanted: Format) -> None:
    assert negotiate.accepted(header) == wanted


@pytest.mark.parametrize(
    "header",
    [
        "text/html",
        "Application/JSON",
        'application/json;as="Table";v=v1;g=meta.k8s.io',
        "application/yaml;stream=watch",
        f"{PROTOBUF};as=Table;v=v1;g=meta.k8s.io",
        "application/json;as=Table;v=v2;g=meta.k8s.io",
        "application/json;as=Foo;v=v1;g=meta.k8s.io",
    ],
)
def test_what_is_not_spoken_is_406(header: str) -> None:
    with pytest.raises(NotAcceptable) as caught:
        negotiate.accepted(header)
    assert caught.value.message == (
        "only the following media types are accepted: application/json, application/yaml, "
        "application/vnd.kubernetes.protobuf"
    )


def test_custom_objects_have_no_protobuf_but_their_metadata_has() -> None:
    assert negotiate.accepted(f"{PROTOBUF},application/json", has_protobuf=False) == Format()
    partial = f"{PROTOBUF};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
    assert negotiate.accepted(partial, has_protobuf=False) == Format(
        PROTOBUF, "PartialObjectMetadataList", "v1"
    )
    with pytest.raises(NotAcceptable):
        negotiate.accepted(PROTOBUF, has_protobuf=False)


def test_what_has_no_table_is_not_given_as_one() -> None:
    with pytest.raises(NotAcceptable):
        negotiate.accepted(TABLE, has_tables=False)
    assert negotiate.accepted(f"{TABLE},application/json", has_tables=False) == Format()


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("", "application/json"),
        ("application/yaml, application/json", "application/yaml"),
        (TABLE, ""),
        (f"{TABLE},application/json", "application/json"),
        ("text/html", ""),
        (PROTOBUF, PROTOBUF),
        (f"{PROTOBUF};as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json", "application/json"),
    ],
)
def test_what_a_status_comes_in(accept: str, media_type: str) -> None:
    assert negotiate.of_status(accept) == media_type


@pytest.mark.parametrize(
    "header", ["application/json; charset", ";", "application/json; a=b c", "application"]
)
def test_content_types_that_do_not_parse(header: str) -> None:
    with pytest.raises(UnsupportedMediaType):
        negotiate.content_type(header)


def test_an_unknown_content_type_is_415() -> None:
    assert negotiate.content_type("") == "application/json"
    assert negotiate.content_type("application/yaml; charset=utf-8") == "application/yaml"
    with pytest.raises(UnsupportedMediaType) as caught:
        negotiate.content_type("text/plain")
    assert caught.value.message == (
        "the body of the request was in an unknown format - accepted media types include: application/json, "
        "application/yaml, application/vnd.kubernetes.protobuf"
    )
