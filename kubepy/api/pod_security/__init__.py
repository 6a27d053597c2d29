"""The Pod Security Standards: what a pod may ask for at the levels privileged, baseline and restricted.

Reading order: levels.py (what a namespace's labels ask for), baseline.py and restricted.py (the checks, one function
each), evaluation.py (the table: which check counts at which level since which version; and how a refusal reads).

Source: kubernetes staging/src/k8s.io/pod-security-admission.
"""
