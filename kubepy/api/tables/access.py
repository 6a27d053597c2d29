"""Who may do what, what is admitted, signed and let through."""

from __future__ import annotations

from kubepy.api import objects
from kubepy.api.objects import Obj
from kubepy.api.tables import parts
from kubepy.api.tables.parts import Cells, Column, Printer


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
_ROLE_BINDING_COLUMNS = (
    parts.NAME,
    Column("Role", description="The role that the binding refers to."),
    parts.AGE,
    Column("Users", priority=1, description="Users in the roleBinding"),
    Column("Groups", priority=1, description="Groups in the roleBinding"),
    Column("ServiceAccounts", priority=1, description="ServiceAccounts in the roleBinding"),
)


PRINTERS: dict[tuple[str, str], Printer] = {
    ("rbac.authorization.k8s.io", "RoleBinding"): Printer(_ROLE_BINDING_COLUMNS, _role_binding),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): Printer(_ROLE_BINDING_COLUMNS, _role_binding),
    ("certificates.k8s.io", "CertificateSigningRequest"): Printer(
        (
            parts.NAME,
            parts.AGE,
            parts.text("SignerName", "signerName indicates the requested signer."),
            parts.text("Requestor", "Who asked for the certificate."),
            parts.text("RequestedDuration", "The requested duration of validity of the issued certificate."),
            parts.text("Condition", "conditions applied to the request."),
        ),
        _signing_request,
    ),
    ("certificates.k8s.io", "ClusterTrustBundle"): Printer(
        (parts.NAME, parts.text("SignerName")), _trust_bundle
    ),
    ("certificates.k8s.io", "PodCertificateRequest"): Printer(
        (
            parts.NAME,
            parts.text("PodName"),
            parts.text("ServiceAccountName"),
            parts.text("NodeName"),
            parts.text("SignerName"),
            parts.text("State", "Is the request Pending, Issued, Denied, or Failed?"),
            parts.text("UnverifiedUserAnnotations"),
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
            parts.text("PriorityLevel", "The name of the priority level configuration being referenced."),
            parts.text("MatchingPrecedence", "Which FlowSchema is chosen when several match: the lowest."),
            parts.text(
                "DistinguisherMethod", "How to compute the flow distinguisher for requests that match."
            ),
            parts.AGE,
            parts.text("MissingPL", "references a broken or non-existent PriorityLevelConfiguration"),
        ),
        _flow_schema,
        lambda schema: (
            (schema.get("spec") or {}).get("matchingPrecedence") or 0,
            schema["metadata"]["name"],
        ),
    ),
    ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"): Printer(
        (
            parts.NAME,
            parts.text("Type"),
            parts.text("NominalConcurrencyShares"),
            parts.text("Queues"),
            parts.text("HandSize"),
            parts.text("QueueLengthLimit"),
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
