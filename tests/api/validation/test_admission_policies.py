"""Expressions of policies; texts are a kube-apiserver's. What is not about expressions is in test_declared_kinds.py."""

import pytest

VALIDATING = """
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
spec:
  matchConstraints: {{resourceRules: [{{operations: [CREATE], apiGroups: [""], apiVersions: [v1], resources: [pods]}}]}}
  {}
"""
MUTATING = VALIDATING.replace("Validating", "Mutating").replace(
    "spec:\n", "spec:\n  reinvocationPolicy: Never\n"
)
UNKNOWN = "ERROR: <input>:1:1: undeclared reference to '{0}' (in container '')\n | {0}\n | ^"


def unknown(path, name, shown=""):
    return f'{path}: Invalid value: "{shown or name}": compilation failed: {UNKNOWN.format(name)}'


@pytest.mark.parametrize(
    ("spec", "texts"),
    [
        ("validations: [{expression: nothing}]", [unknown("spec.validations[0].expression", "nothing")]),
        ("validations: [{expression: '1'}]",
         ['spec.validations[0].expression: Invalid value: "1": must evaluate to bool but got int']),
        ("validations: [{expression: 'true', messageExpression: object.a}]",
         ['spec.validations[0].messageExpression: Invalid value: "object.a": must evaluate to string but got dyn']),
        ("validations: [{expression: 'true', messageExpression: ' ', message: ' '}]",
         [f'spec.validations[0].{field}: Invalid value: " ": must be non-empty if specified'
          for field in ("messageExpression", "message")]),
        ("auditAnnotations: [{key: k, valueExpression: ' nothing '}]",
         [unknown("spec.auditAnnotations[0].valueExpression", "nothing", " nothing ")]),
        ("auditAnnotations: [{key: k, valueExpression: '1'}]",
         ['spec.auditAnnotations[0].valueExpression: Invalid value: "1": must evaluate to one of [string null_type] '
          "but got int"]),
        ("validations: [{expression: 'true'}]\n  matchConditions: [{name: c, expression: ' nothing '}]",
         [unknown("spec.matchConditions[0].expression", "nothing")]),
        ("validations: [{expression: 'true'}]\n  matchConditions: [{name: c, expression: 'null'}]",
         ['spec.matchConditions[0].expression: Invalid value: "null": must evaluate to bool but got null_type']),
        ("validations: [{expression: 'true'}]\n  variables: [{name: v, expression: nothing}]",
         [unknown("spec.variables[0].expression", "nothing")]),
        # Without variables there is no such thing.
        ("validations: [{expression: variables.x}]",
         ['spec.validations[0].expression: Invalid value: "variables.x": compilation failed: ERROR: <input>:1:1: '
          "undeclared reference to 'variables' (in container '')\n | variables.x\n | ^"]),
        ("validations: [{expression: variables.a}, {expression: variables.b}]\n"
         "  variables: [{name: a, expression: 'true'}]",
         ['spec.validations[1].expression: Invalid value: "variables.b": compilation failed: ERROR: <input>:1:10: '
          "undefined field 'b'\n | variables.b\n | .........^"]),
        ("validations: [{expression: params.x == 1}]",
         ['spec.validations[0].expression: Invalid value: "params.x == 1": compilation failed: ERROR: <input>:1:1: '
          "undeclared reference to 'params' (in container '')\n | params.x == 1\n | ^"]),
        ("validations: [{expression: params.x == 1}]\n  paramKind: {apiVersion: v1, kind: ConfigMap}\n"
         "  matchConditions: [{name: c, expression: params.x == 1}]", []),
    ],
)  # fmt: skip
def test_validating(rules, spec, texts):
    assert rules.create(VALIDATING.format(spec)) == texts


@pytest.mark.parametrize(
    ("mutations", "texts"),
    [
        ("{patchType: ApplyConfiguration, applyConfiguration: {expression: 'Object{a: 1}'}}", []),
        ("{patchType: ApplyConfiguration, applyConfiguration: {expression: object}}",
         ['spec.mutations[0].applyConfiguration.expression: Invalid value: "object": must evaluate to Object but got '
          "dyn"]),
        ("{patchType: ApplyConfiguration, applyConfiguration: {expression: ' nothing '}}",
         [unknown("spec.mutations[0].applyConfiguration.expression", "nothing")]),
        ("{patchType: JSONPatch, jsonPatch: {expression: \"[JSONPatch{op: 'add'}]\"}}", []),
        ("{patchType: JSONPatch, jsonPatch: {expression: '[1]'}}",
         ['spec.mutations[0].jsonPatch.expression: Invalid value: "[1]": must evaluate to list(JSONPatch) but got '
          "list(int)"]),
        ("{patchType: JSONPatch, jsonPatch: {expression: ' '}}",
         ["spec.mutations[0].jsonPatch.expression: Required value"]),
    ],
)  # fmt: skip
def test_mutating(rules, mutations, texts):
    assert rules.create(MUTATING.format(f"mutations: [{mutations}]")) == texts


def test_conditions_that_stay_are_not_looked_at_again(rules):
    def policy(condition, message="m", more=""):
        return VALIDATING.format(
            f"validations: [{{expression: 'true', message: {message}}}]\n"
            f"  matchConditions: [{{name: c, expression: {condition}}}]{more}"
        )

    bad = [unknown("spec.matchConditions[0].expression", "nothing")]
    with_params = "\n  paramKind: {apiVersion: v1, kind: ConfigMap}"
    assert rules.update(policy("nothing"), policy("nothing", "other")) == []
    assert rules.update(policy("'true'"), policy("nothing")) == bad
    assert rules.update(policy("nothing"), policy("nothing", more=with_params)) == bad
