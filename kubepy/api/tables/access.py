"""Who may do what, what is admitted, signed and let through."""

from __future__ import annotations

from kubepy.api import objects
from kubepy.api.objects import Obj
from kubepy.api.tables import parts
from kubepy.api.tables.parts import Cells, Column, Doc, Printer


def _role_binding(obj: Obj, now: float) -> Cells:
    role = obj.get("roleRef") or {}
    subjects: dict[str, list[str]] = {"User": [], "Group": [], "ServiceAccount": []}
    for subject in obj.get("subjects") or ():
        kind, name = subject.get("kind"), subject.get("name", "")
        if kind in subjects:
            is_account = kind == "ServiceAccount"
            subjects[kind].append(f"{subject.get('namespace', '')}/{name}" if is_account else name)
    return [
        parts.name(obj),
        f"{role.get('kind', '')}/{role.get('name', '')}",
        parts.age(obj, now),
        *(", ".join(texts) for texts in subjects.values()),
    ]


def _signing_request(obj: Obj, now: float) -> Cells:
    spec, status = parts.spec(obj), parts.status(obj)
    types = {condition.get("type") for condition in objects.conditions(obj)}
    word = "Denied" if "Denied" in types else "Approved" if "Approved" in types else "Pending"
    if "Failed" in types:
        word += ",Failed"
    if status.get("certificate"):
        word += ",Issued"
    seconds = spec.get("expirationSeconds")
    return [
        parts.name(obj),
        parts.age(obj, now),
        spec.get("signerName") or "<none>",
        spec.get("username") or "",
        "<none>" if seconds is None else parts.human_duration(seconds),
        word,
    ]


def _trust_bundle(obj: Obj, now: float) -> Cells:
    return [parts.name(obj), parts.spec(obj).get("signerName") or "<none>"]


def _pod_certificate_request(obj: Obj, now: float) -> Cells:
    spec, state = parts.spec(obj), "Pending"
    for condition in parts.status(obj).get("conditions") or parts.NONE:
        if condition.get("type") in ("Issued", "Denied", "Failed"):
            state = condition["type"]
    fields = ("podName", "serviceAccountName", "nodeName", "signerName")
    annotations = parts.format_labels(spec.get("unverifiedUserAnnotations"))
    return [parts.name(obj), *(spec.get(field) or "" for field in fields), state, annotations]


def _migration(obj: Obj, now: float) -> Cells:
    resource, status = parts.spec(obj).get("resource") or {}, "Unknown"
    for condition in parts.status(obj).get("conditions") or parts.NONE:
        is_state = condition.get("type") in ("Running", "Failed", "Succeeded")
        if is_state and condition.get("status") == "True":
            status = condition["type"]
    name, group = resource.get("resource") or "", resource.get("group") or ""
    return [parts.name(obj), f"{name}.{group}" if group else name, status]


def _webhooks(obj: Obj, now: float) -> Cells:
    return [parts.name(obj), len(obj.get("webhooks") or ()), parts.age(obj, now)]


def _admission_policy(obj: Obj, now: float) -> Cells:
    spec = parts.spec(obj)
    count = len(spec.get("validations") or spec.get("mutations") or ())
    param = spec.get("paramKind")
    shown = f"{param.get('apiVersion', '')}/{param.get('kind', '')}" if param else "<unset>"
    return [parts.name(obj), count, shown, parts.age(obj, now)]


def _admission_binding(obj: Obj, now: float) -> Cells:
    spec = parts.spec(obj)
    param = spec.get("paramRef") or {}
    shown = "<unset>"
    if param.get("name"):
        shown = f"{param.get('namespace') or '*'}/{param['name']}"
    elif param.get("selector"):
        shown = parts.selector(param["selector"])
    return [parts.name(obj), spec.get("policyName") or "", shown, parts.age(obj, now)]


def _flow_schema(obj: Obj, now: float) -> Cells:
    spec = parts.spec(obj)
    dangling = objects.condition(obj, "Dangling")
    return [
        parts.name(obj),
        (spec.get("priorityLevelConfiguration") or {}).get("name") or "",
        spec.get("matchingPrecedence") or 0,
        (spec.get("distinguisherMethod") or {}).get("type") or "<none>",
        parts.age(obj, now),
        "?" if dangling is None else dangling.get("status") or "",
    ]


def _priority_level(obj: Obj, now: float) -> Cells:
    spec = parts.spec(obj)
    limited = spec.get("limited")
    queuing = ((limited or {}).get("limitResponse") or {}).get("queuing")
    return [
        parts.name(obj),
        spec.get("type") or "",
        limited.get("nominalConcurrencyShares", 0) if limited else "<none>",
        *(
            queuing.get(field, 0) if queuing else "<none>"
            for field in ("queues", "handSize", "queueLengthLimit")
        ),
        parts.age(obj, now),
    ]


def _api_service(obj: Obj, now: float) -> Cells:
    service = parts.spec(obj).get("service")
    available = objects.condition(obj, "Available")
    shown = "Unknown"
    if available is not None:
        status = available.get("status") or ""
        shown = status if status == "True" else f"{status} ({available.get('reason') or ''})"
    at = f"{service.get('namespace')}/{service.get('name')}" if service else "Local"
    return [parts.name(obj), at, shown, parts.age(obj, now)]


_WEBHOOKS = Column(
    "Webhooks",
    "integer",
    description="Webhooks indicates the number of webhooks registered in this configuration",
)
_PARAM_KIND = Column(
    "ParamKind",
    description="ParamKind specifies the kind of resources used to parameterize this policy",
)
_BINDING_COLUMNS = (
    parts.NAME,
    Column(
        "PolicyName",
        description="PolicyName indicates the policy definition which the policy binding binded to",
    ),
    Column(
        "ParamRef", description="ParamRef indicates the param resource which sets the configuration param"
    ),
    parts.AGE,
)


# Of v1beta1, which the definitions no longer have.
_ROLE_REF = " If the RoleRef cannot be resolved, the Authorizer must return an error."
_SIGNER_NAME = (
    "Requested signer for the request. It is a qualified name in the form: `scope-hostname.io/name`. If empty, it will "
    "be defaulted:\n 1. If it's a kubelet client certificate, it is assigned\n    "
    '"kubernetes.io/kube-apiserver-client-kubelet".\n 2. If it\'s a kubelet serving certificate, it is assigned\n    '
    '"kubernetes.io/kubelet-serving".\n 3. Otherwise, it is assigned "kubernetes.io/legacy-unknown".\nDistribution of '
    "trust for signers happens out of band. You can select on this field using `spec.signerName`."
)


def _bindings(called: str, role_ref: str) -> Printer:
    columns = (
        parts.NAME,
        parts.text("Role", f"RoleRef can {role_ref} in the global namespace.{_ROLE_REF}"),
        parts.AGE,
        *(parts.wide(who, f"{who} in the {called}") for who in ("Users", "Groups", "ServiceAccounts")),
    )
    return Printer(columns, _role_binding)


PRINTERS: dict[tuple[str, str], Printer] = {
    ("rbac.authorization.k8s.io", "RoleBinding"): _bindings(
        "roleBinding", "reference a Role in the current namespace or a ClusterRole"
    ),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): _bindings(
        "clusterRoleBinding", "only reference a ClusterRole"
    ),
    ("certificates.k8s.io", "CertificateSigningRequest"): Printer(
        (
            parts.NAME,
            parts.AGE,
            parts.text("SignerName", _SIGNER_NAME),
            parts.text("Requestor", "Base64-encoded PKCS#10 CSR data"),
            parts.text(
                "RequestedDuration", Doc("certificates.v1.CertificateSigningRequestSpec.expirationSeconds")
            ),
            parts.text("Condition", "Conditions applied to the request, such as approval or denial."),
        ),
        _signing_request,
    ),
    ("certificates.k8s.io", "ClusterTrustBundle"): Printer(
        (parts.NAME, parts.text("SignerName", Doc("certificates.v1.ClusterTrustBundleSpec.signerName"))),
        _trust_bundle,
    ),
    ("certificates.k8s.io", "PodCertificateRequest"): Printer(
        (
            parts.NAME,
            parts.text("PodName", Doc("certificates.v1.PodCertificateRequestSpec.podName")),
            parts.text(
                "ServiceAccountName", Doc("certificates.v1.PodCertificateRequestSpec.serviceAccountName")
            ),
            parts.text("NodeName", Doc("certificates.v1.PodCertificateRequestSpec.nodeName")),
            parts.text("SignerName", Doc("certificates.v1.PodCertificateRequestSpec.signerName")),
            parts.text("State", "Is the request Pending, Issued, Denied, or Failed?"),
            parts.text(
                "UnverifiedUserAnnotations",
                Doc("certificates.v1.PodCertificateRequestSpec.unverifiedUserAnnotations"),
            ),
        ),
        _pod_certificate_request,
    ),
    ("storagemigration.k8s.io", "StorageVersionMigration"): Printer(
        (
            parts.text("Name", parts.NAME.description),
            parts.text("Resource", "GroupResource to migrate"),
            parts.text("Status", "Status of the migration"),
        ),
        _migration,
    ),
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"): Printer(
        (parts.NAME, _WEBHOOKS, parts.AGE), _webhooks
    ),
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"): Printer(
        (parts.NAME, _WEBHOOKS, parts.AGE), _webhooks
    ),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"): Printer(
        (
            parts.NAME,
            parts.number(
                "Validations",
                "Validations indicates the number of validation rules defined in this configuration",
            ),
            _PARAM_KIND,
            parts.AGE,
        ),
        _admission_policy,
    ),
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicy"): Printer(
        (
            parts.NAME,
            parts.number(
                "Mutations", "Mutation indicates the number of mutations rules defined in this configuration"
            ),
            _PARAM_KIND,
            parts.AGE,
        ),
        _admission_policy,
    ),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"): Printer(
        _BINDING_COLUMNS, _admission_binding
    ),
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding"): Printer(
        _BINDING_COLUMNS, _admission_binding
    ),
    ("flowcontrol.apiserver.k8s.io", "FlowSchema"): Printer(
        (
            parts.NAME,
            parts.text("PriorityLevel", Doc("flowcontrol.v1.PriorityLevelConfigurationReference.name")),
            parts.text("MatchingPrecedence", Doc("flowcontrol.v1.FlowSchemaSpec.matchingPrecedence")),
            parts.text("DistinguisherMethod", Doc("flowcontrol.v1.FlowSchemaSpec.distinguisherMethod")),
            parts.AGE,
            parts.text("MissingPL", "references a broken or non-existent PriorityLevelConfiguration"),
        ),
        _flow_schema,
        lambda schema: (
            (schema.get("spec") or {}).get("matchingPrecedence") or 0,
            parts.name(schema),
        ),
    ),
    ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"): Printer(
        (
            parts.NAME,
            parts.text("Type", Doc("flowcontrol.v1.PriorityLevelConfigurationSpec.type")),
            parts.text(
                "NominalConcurrencyShares",
                Doc("flowcontrol.v1.LimitedPriorityLevelConfiguration.nominalConcurrencyShares"),
            ),
            parts.text("Queues", Doc("flowcontrol.v1.QueuingConfiguration.queues")),
            parts.text("HandSize", Doc("flowcontrol.v1.QueuingConfiguration.handSize")),
            parts.text("QueueLengthLimit", Doc("flowcontrol.v1.QueuingConfiguration.queueLengthLimit")),
            parts.AGE,
        ),
        _priority_level,
    ),
    ("apiregistration.k8s.io", "APIService"): Printer(
        (
            parts.NAME,
            parts.text("Service", "The reference to the service that hosts this API endpoint."),
            parts.text("Available", "Whether this service is available."),
            parts.AGE,
        ),
        _api_service,
    ),
}
