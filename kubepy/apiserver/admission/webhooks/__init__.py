"""Admission by webhooks: others are asked about writes, and may change or refuse them.

Reading order: hooks.py (the configurations as they stand), review.py (what is asked and answered; pure), calls.py (one
webhook asked once), mutating.py and validating.py (the plugins). Shared with policies: ../matching.py, ../versions.py,
../match_conditions.py, ../expressions.py. The HTTP is in apiserver/webhook_client.py.

Upstream: apiserver pkg/admission/plugin/webhook.
"""
