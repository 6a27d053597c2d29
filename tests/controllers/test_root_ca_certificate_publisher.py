"""kube-root-ca.crt: made, mended, and otherwise left alone. Source: rootcacertpublisher/publisher_test.go."""

from __future__ import annotations

from kubepy.controllers import root_ca_certificate_publisher as publisher
from kubepy.controllers.root_ca_certificate_publisher import DESCRIPTION, DESCRIPTION_ANNOTATION


def test_a_missing_one_is_made_with_its_explanation() -> None:
    made = publisher.plan("ns", None, "PEM").create
    assert made is not None
    assert made["metadata"] == {
        "name": "kube-root-ca.crt",
        "namespace": "ns",
        "annotations": {DESCRIPTION_ANNOTATION: DESCRIPTION},
    }
    assert publisher.plan("ns", made, "PEM") == publisher.Plan()


def test_changed_data_is_put_right_and_other_annotations_stay() -> None:
    made = publisher.plan("ns", None, "PEM").create
    assert made is not None
    metadata = made["metadata"] | {"annotations": {"mine": "yes"}, "resourceVersion": "7"}
    for changed in (
        made | {"data": {"ca.crt": "PEM", "more": "x"}},
        made | {"data": {}},
        made | {"metadata": metadata},
    ):
        mended = publisher.plan("ns", changed, "PEM").update
        assert mended is not None
        assert mended["data"] == {"ca.crt": "PEM"}
        assert mended["metadata"]["annotations"][DESCRIPTION_ANNOTATION] == DESCRIPTION
    assert mended["metadata"]["annotations"]["mine"] == "yes"
    assert mended["metadata"]["resourceVersion"] == "7"


def test_somebody_elses_explanation_is_good_enough() -> None:
    made = publisher.plan("ns", None, "PEM").create
    assert made is not None
    made["metadata"]["annotations"] = {DESCRIPTION_ANNOTATION: "because"}
    assert publisher.plan("ns", made, "PEM") == publisher.Plan()
