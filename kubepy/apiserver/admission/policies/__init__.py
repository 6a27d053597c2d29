"""Admission policies: CEL in the API that refuses (ValidatingAdmissionPolicy) or changes (MutatingAdmissionPolicy).

    hooks.py        which policies there are, with their bindings, compiled, by the kind of request they are about
    params.py       the objects that a binding hands to its policy
    evaluation.py   expressions one after the other: variables, budget, authorizer
    validating.py   a policy's verdict about one request
    mutating.py     a policy's mutations, by apply_configuration.py and api/json_patch.py
    metrics.py      what came of it, counted

The plugins of the two names put these together and say what comes of it. Rules, selectors and matchConditions are those
of webhooks: matching.py and match_conditions.py beside this package; compiling is api.celpolicies.

Not here: policies from files (ManifestBasedAdmissionControlConfig, alpha).

Source: apiserver pkg/admission/plugin/policy.
"""
