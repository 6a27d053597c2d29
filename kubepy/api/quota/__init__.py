"""What objects count for in a ResourceQuota, as pure arithmetic.

    amounts.py      resource lists: add, subtract, compare, print
    scopes.py       does an object fall within a quota's scopes?
    evaluators.py   per kind: which resources it is counted in, and how much of each
    check.py        may this write happen, and what is used afterwards?
    count.py        what is used by the objects that there are?

The admission plugin (apiserver/admission/plugins/resource_quota.py) charges what enters; the controller
(controllers/resource_quota.py) counts again what is there. Both ask the same evaluators.

Source: apiserver pkg/quota/v1, kubernetes pkg/quota/v1/evaluator/core.
"""
