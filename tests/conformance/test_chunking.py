"""Lists in chunks. Source: kubernetes test/e2e/apimachinery/chunking.go."""

from __future__ import annotations

import pytest

from tests.conformance.conftest import Conformance, Obj

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOTAL = 400


async def templates(k8s: Conformance) -> str:
    """A namespace with many PodTemplates; the path of them."""
    path = f"/api/v1/namespaces/{await k8s.namespace()}/podtemplates"
    for number in range(TOTAL):
        spec = {"containers": [{"name": "test", "image": "test2"}]}
        template = {"metadata": {"labels": {"a": "b"}}, "spec": spec}
        await k8s.ok("POST", path, {"metadata": {"name": f"template-{number:04}"}, "template": template})
    return path


async def page(k8s: Conformance, path: str, limit: int, token: str = "") -> Obj:
    return await k8s.ok("GET", path, query={"limit": str(limit)} | ({"continue": token} if token else {}))


async def test_should_return_chunks_of_results_for_list_calls(k8s: Conformance) -> None:
    path = await templates(k8s)
    for limit in (3, TOTAL // 3, TOTAL - 1):
        names: list[str] = []
        revisions, token = set(), ""
        while True:
            found = await page(k8s, path, limit, token)
            names += [item["metadata"]["name"] for item in found["items"]]
            revisions.add(found["metadata"]["resourceVersion"])
            assert len(found["items"]) <= limit
            token = found["metadata"].get("continue", "")
            assert found["metadata"].get("remainingItemCount", 0) == TOTAL - len(names)
            if not token:
                break
        assert names == [f"template-{number:04}" for number in range(TOTAL)]
        assert len(revisions) == 1
    assert len((await k8s.ok("GET", path))["items"]) == TOTAL


async def test_should_support_continue_listing_from_the_last_key_if_the_original_version_has_been_compacted_away(
    k8s: Conformance,
) -> None:
    path = await templates(k8s)
    first = await page(k8s, path, 40)
    store = k8s.cluster.store
    # What has not changed could still be read.
    await k8s.merge(f"{path}/template-0399", {"metadata": {"annotations": {"a": "b"}}})
    await store.compact(store.revision)
    expired = await k8s.error("GET", path, query={"limit": "40", "continue": first["metadata"]["continue"]})
    assert (expired.code, expired.reason) == (410, "Expired")
    inconsistent = expired.status()["metadata"]["continue"]
    assert inconsistent
    second = await page(k8s, path, 40, inconsistent)
    assert second["metadata"]["resourceVersion"] != first["metadata"]["resourceVersion"]
    assert second["metadata"]["remainingItemCount"] == TOTAL - 80
    assert [item["metadata"]["name"] for item in second["items"]] == [
        f"template-{number:04}" for number in range(40, 80)
    ]
    rest = await page(k8s, path, TOTAL, second["metadata"]["continue"])
    assert rest["metadata"]["resourceVersion"] == second["metadata"]["resourceVersion"]
    assert len(rest["items"]) == TOTAL - 80
    assert "continue" not in rest["metadata"]
