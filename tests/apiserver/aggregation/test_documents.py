"""Discovery documents of other servers, in the form of ours; fetching them is tested in test_proxy.py."""

from kubepy.apiserver.aggregation.documents import aggregated_resources, aggregated_version

NOTHING = {"group": "", "version": "", "kind": ""}


def test_an_old_list_becomes_the_new_form():
    entries = [
        {"name": "flunders", "singularName": "flunder", "namespaced": True, "kind": "Flunder", "verbs": ["get"],
         "shortNames": ["fl"]},
        {"name": "flunders/scale", "group": "autoscaling", "version": "v1", "kind": "Scale", "verbs": ["get"]},
        {"name": "parents/status", "namespaced": False, "kind": "Parent", "verbs": ["patch"]},
    ]  # fmt: skip
    assert aggregated_resources(entries) == [
        {
            "responseKind": {"group": "", "version": "", "kind": "Flunder"},
            "resource": "flunders",
            "scope": "Namespaced",
            "subresources": [
                {
                    "responseKind": {"group": "autoscaling", "version": "v1", "kind": "Scale"},
                    "subresource": "scale",
                    "verbs": ["get"],
                }
            ],
            "singularResource": "flunder",
            "verbs": ["get"],
            "shortNames": ["fl"],
        },
        # A subresource whose parent is not listed still needs one.
        {
            "responseKind": NOTHING,
            "resource": "parents",
            "scope": "Cluster",
            "subresources": [
                {
                    "responseKind": {"group": "", "version": "", "kind": "Parent"},
                    "subresource": "status",
                    "verbs": ["patch"],
                }
            ],
        },
    ]


def test_of_a_document_the_wanted_version_is_taken():
    resource = {"resource": "x", "subresources": [{"subresource": "status"}]}
    document = {
        "items": [
            {
                "metadata": {"name": "other.io"},
                "versions": [{"version": "v1", "resources": [{"resource": "no"}]}],
            },
            {
                "metadata": {"name": "a.io"},
                "versions": [{"version": "v2"}, {"version": "v1", "resources": [resource]}],
            },
        ]
    }
    assert aggregated_version(document, ("a.io", "v1")) == {
        "resources": [
            {
                "responseKind": NOTHING,
                "resource": "x",
                "subresources": [{"responseKind": NOTHING, "subresource": "status"}],
            }
        ]
    }
    assert resource == {"resource": "x", "subresources": [{"subresource": "status"}]}
    assert aggregated_version(document, ("a.io", "v3")) == {}
    assert aggregated_version(document, ("b.io", "v1")) == {}
