"""What knows nothing of Kubernetes: clock, randomness, tasks, backoff, YAML. Imports nothing of kubepy.

Only this room touches the wall clock, the system's randomness and bare asyncio timers; everything else is
handed a `Clock` and a `Random`, so that time can be stopped and a run replayed.
"""
