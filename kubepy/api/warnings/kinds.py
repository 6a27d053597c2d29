"""Warnings about the built-in kinds.

Source: kubernetes pkg/registry/*/*/strategy.go and what they call in
pkg/api/{service,node,persistentvolume,persistentvolumeclaim,storage,job}.
"""

from __future__ import annotations

import base64
from collections.abc import Callable

from kubepy.api import names, quantity, x509
from kubepy.api.errors import quote
from kubepy.api.objects import Obj, annotations_of, labels_of
from kubepy.api.warnings.parts import BETA_CLASS, NONE, Texts, of_cidr, of_claim_spec, of_ip
from kubepy.api.warnings.pods import DEPRECATED_LABELS, DEPRECATED_VOLUMES, SHOWN, of_node_term, of_pod_spec


def of_name_in_pods(obj: Obj, where: str = "Pod names and hostnames") -> Texts:
    if messages := names.dns1123_label(obj["metadata"].get("name") or ""):
        why = "which can result in surprising behavior; a DNS label is recommended"
        yield f"metadata.name: this is used in {where}, {why}: [{' '.join(messages)}]"


def of_pod(pod: Obj) -> Texts:
    yield from of_name_in_pods(pod, "the Pod's hostname")
    yield from of_pod_spec(pod, "")


def of_template(obj: Obj) -> Texts:
    yield from of_pod_spec((obj.get("spec") or {}).get("template") or {}, "spec.template.")


def of_named_template(obj: Obj) -> Texts:
    yield from of_name_in_pods(obj)
    yield from of_template(obj)


def of_pod_template(obj: Obj) -> Texts:
    yield from of_pod_spec(obj.get("template") or {}, "template.")


def of_stateful_set(obj: Obj) -> Texts:
    yield from of_template(obj)
    yield from of_stateful_set_extras(obj)


def of_stateful_set_extras(obj: Obj) -> Texts:
    spec = obj.get("spec") or {}
    for index, claim in enumerate(spec.get("volumeClaimTemplates") or NONE):
        yield from of_claim_spec(claim.get("spec") or {}, f"spec.volumeClaimTemplates[{index}]")
    if (spec.get("revisionHistoryLimit") or 0) < 0:
        why = "a negative value retains all historical revisions; a value >= 0 is recommended"
        yield f"spec.revisionHistoryLimit: {why}"


def of_job_spec(spec: Obj, path: str) -> Texts:
    if spec.get("completionMode") == "Indexed":
        if (spec.get("completions") or 0) > 100_000 and (spec.get("parallelism") or 0) > 10_000:
            yield (
                f"{path}: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than "
                "10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail"
            )
    yield from of_pod_spec(spec.get("template") or {}, f"{path}.template.")


def of_job(obj: Obj) -> Texts:
    yield from of_name_in_pods(obj)
    yield from of_job_spec(obj.get("spec") or {}, "spec")


def of_cron_job_template(obj: Obj) -> Texts:
    template = (obj.get("spec") or {}).get("jobTemplate") or {}
    yield from of_job_spec(template.get("spec") or {}, "spec.jobTemplate.spec")


def of_cron_job(obj: Obj) -> Texts:
    yield from of_name_in_pods(obj)
    yield from of_cron_job_template(obj)


def of_cron_job_zone(obj: Obj) -> Texts:
    if "TZ" in ((obj.get("spec") or {}).get("schedule") or ""):
        where = "https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/"
        yield (
            "cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, "
            f"see {where} for more details"
        )


def of_service(obj: Obj) -> Texts:
    """Source: pkg/api/service/warnings.go."""
    spec, annotations = obj.get("spec") or {}, annotations_of(obj)
    hints = "service.kubernetes.io/topology-aware-hints"
    if hints in annotations:
        yield f"annotation {hints} is deprecated, please use service.kubernetes.io/topology-mode instead"
    type_, external = spec.get("type"), spec.get("externalIPs") or NONE
    for index, ip in enumerate(spec.get("clusterIPs") or NONE):
        if ip != "None":
            yield from of_ip(ip, f"spec.clusterIPs[{index}]")
    is_headless = type_ == "ClusterIP" and spec.get("clusterIP") == "None"
    if is_headless:
        if spec.get("loadBalancerIP"):
            yield "spec.loadBalancerIP is ignored for headless services"
        if external:
            yield "spec.externalIPs is ignored for headless services"
        if spec.get("sessionAffinity") != "None":
            yield "spec.SessionAffinity is ignored for headless services"
    for index, ip in enumerate(external):
        yield from of_ip(ip, f"spec.externalIPs[{index}]")
    if external and not is_headless and type_ != "ExternalName":
        yield "spec.externalIPs is deprecated and may no longer be implemented in some clusters"
    if spec.get("loadBalancerIP"):
        yield from of_ip(spec["loadBalancerIP"], "spec.loadBalancerIP")
    for index, text in enumerate(spec.get("loadBalancerSourceRanges") or NONE):
        yield from of_cidr(text, f"spec.loadBalancerSourceRanges[{index}]")
    if type_ == "ExternalName" and external:
        yield 'spec.externalIPs is ignored when spec.type is "ExternalName"'
    if type_ != "ExternalName" and spec.get("externalName"):
        yield 'spec.externalName is ignored when spec.type is not "ExternalName"'
    if spec.get("trafficDistribution") == "PreferClose":
        yield 'spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"'


def of_endpoints(obj: Obj) -> Texts:
    if labels_of(obj).get("endpoints.kubernetes.io/managed-by") == "endpoint-controller":
        return
    for index, subset in enumerate(obj.get("subsets") or NONE):
        for field in ("addresses", "notReadyAddresses"):
            for number, address in enumerate(subset.get(field) or NONE):
                yield from of_ip(address.get("ip") or "", f"subsets[{index}].{field}[{number}].ip")


_SLICE_CONTROLLERS = ("endpointslice-controller.k8s.io", "endpointslicemirroring-controller.k8s.io")


def of_endpoint_slice(obj: Obj) -> Texts:
    if obj.get("addressType") == "FQDN":
        yield "spec.addressType: FQDN endpoints are deprecated"
    yield from of_slice_addresses(obj)


def of_slice_addresses(obj: Obj) -> Texts:
    if labels_of(obj).get("endpointslice.kubernetes.io/managed-by") in _SLICE_CONTROLLERS:
        return
    for index, endpoint in enumerate(obj.get("endpoints") or NONE):
        for number, address in enumerate(endpoint.get("addresses") or NONE):
            yield from of_ip(address, f"endpoints[{index}].addresses[{number}]")


def of_node(obj: Obj) -> Texts:
    spec = obj.get("spec") or {}
    if spec.get("configSource") is not None:
        yield "spec.configSource: the feature is removed"
    if spec.get("externalID"):
        yield "spec.externalID: this field is deprecated, and is unused by Kubernetes"
    for index, cidr in enumerate(spec.get("podCIDRs") or NONE):
        yield from of_cidr(cidr, f"spec.podCIDRs[{index}]")


def of_claim(obj: Obj) -> Texts:
    if BETA_CLASS in annotations_of(obj):
        why = 'deprecated since v1.8; use "storageClassName" attribute instead'
        yield f"metadata.annotations[{BETA_CLASS}]: {why}"
    yield from of_claim_spec(obj.get("spec") or {}, "spec")


_VOLUME_ANNOTATIONS = {
    BETA_CLASS: 'deprecated since v1.8; use "storageClassName" attribute instead',
    "volume.beta.kubernetes.io/mount-options": 'deprecated since v1.31; use "mountOptions" attribute instead',
}


def of_persistent_volume(obj: Obj) -> Texts:
    spec, annotations = obj.get("spec") or {}, annotations_of(obj)
    for key, message in _VOLUME_ANNOTATIONS.items():
        if key in annotations:
            yield f"metadata.annotations[{key}]: {message}"
    if spec.get("persistentVolumeReclaimPolicy") == "Recycle":
        yield (
            "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended "
            "approach is to use dynamic provisioning."
        )
    required = (spec.get("nodeAffinity") or {}).get("required") or {}
    for index, term in enumerate(required.get("nodeSelectorTerms") or NONE):
        yield from of_node_term(term, f"spec.nodeAffinity.required.nodeSelectorTerms[{index}]")
    for field in ("cephfs", "photonPersistentDisk", "scaleIO", "storageos", "glusterfs", "rbd"):
        if spec.get(field) is not None:
            yield f"spec.{SHOWN.get(field, field)}: {DEPRECATED_VOLUMES[field]}"


def of_resource_quota(obj: Obj) -> Texts:
    hard = (obj.get("spec") or {}).get("hard") or {}
    for name in ("cpu", "memory", "storage", "ephemeral-storage"):
        request, limit = f"requests.{name}", f"limits.{name}"
        if request not in hard and name in ("cpu", "memory"):
            request = name
        if request in hard and limit in hard and quantity.nano(hard[request]) > quantity.nano(hard[limit]):
            yield f"ResourceQuota {request} ({hard[request]}) should be less than {limit} ({hard[limit]})"


def of_secret(secret: Obj) -> Texts:
    """Whether somebody can serve with it."""
    if secret.get("type") == "kubernetes.io/tls":
        data = secret.get("data") or {}
        certificate, key = (base64.b64decode(data.get(name) or "") for name in ("tls.crt", "tls.key"))
        if why := x509.pair_fault(certificate, key):
            yield why


_MOUNTABLE = "kubernetes.io/enforce-mountable-secrets"


def of_service_account(obj: Obj) -> Texts:
    if _MOUNTABLE in annotations_of(obj):
        why = "deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets"
        yield f"metadata.annotations[{_MOUNTABLE}]: {why}"


_INGRESS_CLASS = "kubernetes.io/ingress.class"


def of_ingress(obj: Obj) -> Texts:
    if _INGRESS_CLASS in annotations_of(obj) and (obj.get("spec") or {}).get("ingressClassName") is None:
        yield f"annotation {quote(_INGRESS_CLASS)} is deprecated, please use 'spec.ingressClassName' instead"


def of_network_policy(obj: Obj) -> Texts:
    spec = obj.get("spec") or {}
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        for index, rule in enumerate(spec.get(direction) or NONE):
            for number, peer in enumerate(rule.get(peers) or NONE):
                block, path = peer.get("ipBlock"), f"spec.{direction}[{index}].{peers}[{number}].ipBlock"
                if block:
                    yield from of_cidr(block.get("cidr") or "", f"{path}.cidr")
                    for count, text in enumerate(block.get("except") or NONE):
                        yield from of_cidr(text, f"{path}.except[{count}]")


def of_runtime_class(obj: Obj) -> Texts:
    for key in (obj.get("scheduling") or {}).get("nodeSelector") or NONE:
        if message := DEPRECATED_LABELS.get(key):
            yield f"scheduling.nodeSelector: {message}"


def of_storage_class(obj: Obj) -> Texts:
    for index, topology in enumerate(obj.get("allowedTopologies") or NONE):
        for number, expression in enumerate(topology.get("matchLabelExpressions") or NONE):
            if message := DEPRECATED_LABELS.get(expression.get("key") or ""):
                yield f"allowedTopologies[{index}].matchLabelExpressions[{number}].key: {message}"


def of_storage_capacity(obj: Obj) -> Texts:
    topology = obj.get("nodeTopology") or {}
    for index, expression in enumerate(topology.get("matchExpressions") or NONE):
        key = expression.get("key") or ""
        if message := DEPRECATED_LABELS.get(key):
            yield f"nodeTopology.matchExpressions[{index}].key: {key} is {message}"
    for key in topology.get("matchLabels") or NONE:
        if message := DEPRECATED_LABELS.get(key):
            yield f"nodeTopology.matchLabels.{key}: {message}"


def of_csi_driver(obj: Obj) -> Texts:
    spec = obj.get("spec") or {}
    if spec.get("tokenRequests") and spec.get("serviceAccountTokenInSecrets") is None:
        yield (
            "spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent "
            "possible logging of tokens in volume attributes"
        )


def of_csi_driver_update(new: Obj, old: Obj) -> Texts:
    if (new.get("spec") or {}).get("tokenRequests") != (old.get("spec") or {}).get("tokenRequests"):
        yield from of_csi_driver(new)


def of_resource_slice(obj: Obj) -> Texts:
    driver = (obj.get("spec") or {}).get("driver") or ""
    if driver != driver.lower():
        yield f"spec.driver: driver names should be lowercase; {quote(driver)} contains uppercase characters"


def of_static_name(obj: Obj) -> Texts:
    """Source: admissionregistration/validation WarningsForStaticSuffix."""
    if (obj["metadata"].get("name") or "").endswith(".static.k8s.io"):
        yield (
            'metadata.name: names ending with ".static.k8s.io" are reserved for static manifest-based configurations '
            "and cannot be managed via the API"
        )


def if_changed(about: Callable[[Obj], Texts]) -> Callable[[Obj, Obj], Texts]:
    """Only when the generation moved: when something was asked for."""

    def on_update(new: Obj, old: Obj) -> Texts:
        if new["metadata"].get("generation") != old["metadata"].get("generation"):
            yield from about(new)

    return on_update


def of_cron_job_update(new: Obj, old: Obj) -> Texts:
    yield from if_changed(of_cron_job_template)(new, old)
    yield from of_cron_job_zone(new)


def of_stateful_set_update(new: Obj, old: Obj) -> Texts:
    yield from if_changed(of_template)(new, old)
    yield from of_stateful_set_extras(new)


def of_service_account_update(new: Obj, old: Obj) -> Texts:
    if _MOUNTABLE not in annotations_of(old):
        yield from of_service_account(new)
