"""Kubernetes' numbers for CEL.

Source: kubernetes 1.36 staging/src/k8s.io/apiserver/pkg/apis/cel/config.go, pkg/cel/limits.go;
cel-go parser/parser.go (expression limits). Those of rules in schemas: validation/crd_schemas.py.
"""

from __future__ import annotations

PER_CALL_LIMIT = 1_000_000  # actual cost of one evaluation: roughly 0.1 s upstream
RUNTIME_COST_BUDGET = 10_000_000  # of all rules of one custom resource, or of one policy binding
RUNTIME_COST_BUDGET_MATCH_CONDITIONS = 2_500_000
REQUEST_BYTES_MAX = 3 * 1024 * 1024
MESSAGE_EXPRESSION_BYTES_MAX = 5 * 1024
EXPRESSION_CHARS_MAX = 100_000
EXPRESSION_DEPTH_MAX = 250
UNBOUNDED = (1 << 64) - 1  # a size or cost that nothing bounds: math.MaxUint64
