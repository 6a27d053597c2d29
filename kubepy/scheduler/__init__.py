"""The scheduler. Reading order: framework.py (protocols in the order a pod meets them), plugins/ (one file each),
queue.py, cache.py, profiles.py, runtime.py, scheduler.py (schedule_one, top to bottom).
May import client and api, never apiserver or store. Upstream: pkg/scheduler.
"""
