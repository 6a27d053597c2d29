"""Structured logs, metrics, health checks. May import lib only.

Reading order: logs.py (one event per decision), metrics.py (one Prometheus registry per cluster), health.py (named
checks behind /livez and /readyz).
"""
