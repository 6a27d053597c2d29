"""Updates and deletions of something else.

Sources: door.py."""

from __future__ import annotations

from tests.e2e.bad_input.door import DEPLOYMENTS, MAP, MERGE, STRATEGIC, Door

CHANGED = "the object has been modified; please apply your changes to the latest version and try again"


def test_updates_of_something_else(door: Door) -> None:
    of_map = {"name": "a", "kind": "configmaps"}
    uid = door.ask("GET", MAP).obj["metadata"]["uid"]
    for metadata, expected in [
        ({"name": "b"}, (400, "BadRequest", "the name of the object (b) does not match the name on the URL (a)", None)),
        ({}, (400, "BadRequest",
              "the name of the object (a based on URL) was undeterminable: name must be provided", None)),
        ({"name": "a", "resourceVersion": "1"},
         (409, "Conflict", f'Operation cannot be fulfilled on configmaps "a": {CHANGED}', of_map)),
    ]:  # fmt: skip
        door.ask("PUT", MAP, {"metadata": metadata}).is_status(*expected)
        patch = {"metadata": {"name": None, "uid": None} | metadata}
        for content_type in (MERGE, STRATEGIC):
            door.ask("PATCH", MAP, patch, content_type).is_status(*expected)
    where = "/registry/configmaps" + MAP.partition("/namespaces")[2].replace("/configmaps", "")
    door.ask("PUT", MAP, {"metadata": {"name": "a", "uid": "x"}}).is_status(
        409, "Conflict", 'Operation cannot be fulfilled on configmaps "a": StorageError: invalid object, Code: 4, Key: '
        f"{where}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: x, UID in object "
        f"meta: {uid}", of_map,
    )  # fmt: skip
    answer = door.ask("PUT", MAP, {"metadata": {"name": "a", "resourceVersion": "x"}})
    assert answer.status == 500 and "reason" not in answer.obj
    assert answer.obj["message"] == 'strconv.ParseUint: parsing "x": invalid syntax'
    door.ask("PUT", f"{DEPLOYMENTS}/nope", {"metadata": {"name": "nope"}}).is_status(
        404, "NotFound", 'deployments.apps "nope" not found',
        {"name": "nope", "group": "apps", "kind": "deployments"},
    )  # fmt: skip


def test_deletions_of_something_else(door: Door) -> None:
    found = door.ask("GET", MAP).obj["metadata"]
    for preconditions, why in [
        ({"uid": "x"},
         f"the UID in the precondition (x) does not match the UID in record ({found['uid']}). The object might have "
         "been deleted and then recreated"),
        ({"resourceVersion": "1"},
         "the ResourceVersion in the precondition (1) does not match the ResourceVersion in record "
         f"({found['resourceVersion']}). The object might have been modified"),
    ]:  # fmt: skip
        answer = door.ask("DELETE", MAP, {"preconditions": preconditions})
        message = f'Operation cannot be fulfilled on ConfigMap "a": {why}'
        answer.is_status(409, "Conflict", message, {"name": "a", "kind": "ConfigMap"})
    for body, code, message in [
        (b'{"kind":"Pod","apiVersion":"v1"}', 400, None),
        (b"{", 400, None),
        (b"[]", 400, None),
        (b'{"gracePeriodSeconds":"x"}', 400, None),
        (b'{"propagationPolicy":"Nope"}', 422,
         'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "Nope": supported values: '
         '"Foreground", "Background", "Orphan", "nil"'),
        (b'{"propagationPolicy":"Orphan","orphanDependents":true}', 422,
         'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Invalid value: "Orphan": orphanDependents and '
         "deletionPropagation cannot be both set"),
        (b'{"dryRun":["Some"]}', 422,
         'DeleteOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["Some"]: supported values: "All"'),
    ]:  # fmt: skip
        answer = door.ask("DELETE", MAP, body)
        assert answer.status == code, (body, answer.body)
        assert message in (None, answer.obj["message"])
    assert door.ask("GET", MAP).obj["metadata"] == found
