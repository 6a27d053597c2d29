"""THE table: (group, kind) -> its rules. A kind that is not here has the metadata rules and a DNS subdomain as name."""

from __future__ import annotations

from kubepy.api.validation.admission_policies import ADMISSION_POLICIES
from kubepy.api.validation.admissionregistration import ADMISSION_REGISTRATION
from kubepy.api.validation.apiservices import API_REGISTRATION
from kubepy.api.validation.apps import APPS
from kubepy.api.validation.autoscaling import AUTOSCALING
from kubepy.api.validation.batch import BATCH
from kubepy.api.validation.certificates import CERTIFICATES
from kubepy.api.validation.core import CORE
from kubepy.api.validation.crds import API_EXTENSIONS
from kubepy.api.validation.csi import CSI
from kubepy.api.validation.devices import DEVICES
from kubepy.api.validation.flowcontrol import FLOW_CONTROL
from kubepy.api.validation.networking import NETWORKING
from kubepy.api.validation.pod_certificates import POD_CERTIFICATES
from kubepy.api.validation.policy import POLICY
from kubepy.api.validation.rules import Kind
from kubepy.api.validation.storage import STORAGE
from kubepy.api.validation.workloads import WORKLOADS

KINDS: dict[tuple[str, str], Kind] = {
    **CORE, **APPS, **BATCH, **NETWORKING, **POLICY, **STORAGE, **CSI, **CERTIFICATES, **FLOW_CONTROL, **DEVICES,
    **AUTOSCALING, **ADMISSION_REGISTRATION, **ADMISSION_POLICIES, **API_REGISTRATION, **API_EXTENSIONS,
    **POD_CERTIFICATES, **WORKLOADS,
}  # fmt: skip
