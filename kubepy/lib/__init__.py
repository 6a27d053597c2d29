"""What knows nothing of Kubernetes. Imports nothing of kubepy.

clock.py (real and virtual time), random.py (the system's, or from a seed), aio.py (tasks that somebody owns),
backoff.py, cron.py, yaml.py. Only this room touches the wall clock, the system's randomness and bare asyncio timers;
everything else is handed a `Clock` and a `Random`, so that time can be stopped and a run replayed.
"""
