"""Cases of TestValidateLoadBalancerStatus, TestValidatePersistentVolumeClaimStatusUpdate (core/validation_test.go),
TestValidateIngressStatusUpdate, TestValidateConditions, storagemigration/validation_test.go."""

import pytest

BALANCER = """
apiVersion: v1
kind: Service
metadata: {{resourceVersion: "1"}}
spec: {{type: {}, ports: [{{port: 80, protocol: TCP}}]}}
status: {{loadBalancer: {{ingress: [{{{}}}]}}}}
"""
BAD_IP = '"must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"'.strip('"')


@pytest.mark.parametrize(
    ("type_", "ingress", "wanted"),
    [
        ("LoadBalancer", "ip: 1.2.3.4, ipMode: VIP", []),
        ("LoadBalancer", "hostname: a.example.com", []),
        (
            "ClusterIP",
            "ip: 1.2.3.4, ipMode: VIP",
            ["status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is 'LoadBalancer'"],
        ),
        (
            "LoadBalancer",
            "ip: 1.2.3.4, ipMode: Abc",
            [
                'status.loadBalancer.ingress[0].ipMode: Unsupported value: "Abc": supported values: "Proxy", "VIP"'
            ],
        ),
        (
            "LoadBalancer",
            "hostname: h, ipMode: VIP",
            ["status.loadBalancer.ingress[0].ipMode: Forbidden: may not be specified when `ip` is not set"],
        ),
        (
            "LoadBalancer",
            "ip: 300.1.1.1, ipMode: VIP",
            [f'status.loadBalancer.ingress[0].ip: Invalid value: "300.1.1.1": {BAD_IP}'],
        ),
        (
            "LoadBalancer",
            "hostname: 127.0.0.1",
            [
                'status.loadBalancer.ingress[0].hostname: Invalid value: "127.0.0.1": '
                "must be a DNS name, not an IP address"
            ],
        ),
    ],
)
def test_load_balancers_of_services(rules, type_, ingress, wanted):
    old = BALANCER.format(type_, "").replace("[{}]", "[]")
    assert rules.update(old, BALANCER.format(type_, ingress), "status") == wanted


def test_load_balancers_of_ingresses(rules):
    text = """
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{resourceVersion: "1"}}
spec: {{defaultBackend: {{service: {{name: a, port: {{number: 80}}}}}}}}
status: {{loadBalancer: {{ingress: [{}]}}}}
"""
    good, bad = text.format("{ip: 127.0.0.1}"), text.format("{ip: 127.0.0.500}")
    assert rules.update(text.format(""), good, "status") == []
    wanted = [f'status.loadBalancer.ingress[0].ip: Invalid value: "127.0.0.500": {BAD_IP}']
    assert rules.update(text.format(""), bad, "status") == wanted
    # What is there already may stay.
    assert rules.update(bad, bad, "status") == []


@pytest.mark.parametrize(
    ("status", "wanted"),
    [
        ("capacity: {storage: 10Gi}, allocatedResources: {storage: 10Gi}", []),
        ("allocatedResourceStatuses: {storage: NodeResizePending}", []),
        (
            "allocatedResourceStatuses: {cpu: NodeResizePending}",
            ['status.allocatedResourceStatuses: Unsupported value: "cpu": supported values: "storage"'],
        ),
        (
            "allocatedResources: {foo: 1}",
            ['status.allocatedResources: Unsupported value: "foo": supported values: "storage"'],
        ),
        (
            "allocatedResources: {storage: -10Gi}",
            [
                "status.allocatedResources[storage]: Invalid value: -10737418240: must be a valid resource quantity"
            ],
        ),
    ],
)
def test_claims(rules, status, wanted):
    text = """
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {resourceVersion: "1"}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 10Gi}}}
status: {STATUS}
"""
    found = rules.update(text.replace("STATUS", ""), text.replace("STATUS", status), "status")
    assert found == wanted


MIGRATION = """
apiVersion: storagemigration.k8s.io/v1
kind: StorageVersionMigration
metadata: {{resourceVersion: "1"}}
spec: {{resource: {{{}}}}}
status: {{{}}}
"""


@pytest.mark.parametrize(
    ("resource", "wanted"),
    [
        ("resource: pods, group: apps", []),
        ("group: apps", ["spec.resource.resource: Required value: resource is required to be set"]),
    ],
)
def test_migrations(rules, resource, wanted):
    assert rules.create(MIGRATION.format(resource, "")) == wanted


CONDITION = '{{type: {}, status: "{}", reason: R, lastTransitionTime: "2024-01-01T00:00:00Z"}}'
DONE, OPEN = CONDITION.format("Succeeded", "True"), CONDITION.format("Succeeded", "False")
FAILED = CONDITION.format("Failed", "True")


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        ("", f"conditions: [{DONE}]", ""),
        ("", f"conditions: [{DONE}, {FAILED}]", "Both success and failed conditions cannot be true at the same time"),
        (f"conditions: [{DONE}]", f"conditions: [{OPEN}]", "Success condition cannot be set to false once it is true"),
        ('resourceVersion: "5"', 'resourceVersion: "6"', "field is immutable"),
        ("", f"conditions: [{DONE}, {DONE}]", "status.conditions[1].type: Duplicate value"),
        ("", "conditions: [{type: Running, status: 'True'}]", "status.conditions[0].reason: Required value"),
    ],
)  # fmt: skip
def test_migrations_end_once(rules, before, after, wanted):
    resource = "resource: pods"
    found = rules.update(MIGRATION.format(resource, before), MIGRATION.format(resource, after), "status")
    assert any(wanted in each for each in found) if wanted else found == []


def test_a_health_check_port_stays_while_it_is_needed(rules):
    """Source: TestValidateServiceUpdate."""
    text = """
apiVersion: v1
kind: Service
metadata: {{resourceVersion: "1"}}
spec: {{type: LoadBalancer, externalTrafficPolicy: {}, healthCheckNodePort: {}, ports: [{{port: 80}}]}}
"""
    local = text.format("Local", 30001)
    assert rules.update(local, local) == []
    wanted = ["spec.healthCheckNodePort: Forbidden: field is immutable"]
    assert rules.update(local, text.format("Local", 30002)) == wanted
    assert rules.update(local, text.format("Cluster", 0)) == []


def test_a_node_keeps_its_external_id(rules):
    text = 'apiVersion: v1\nkind: Node\nmetadata: {{resourceVersion: "1"}}\nspec: {{externalID: {}}}\n'
    wanted = ["spec.externalID: Forbidden: may not be updated"]
    assert rules.update(text.format("a"), text.format("b")) == wanted
