"""Audit: who did what, when, and how it ended, for those who have to know afterwards.

policy.py says which requests are recorded and how much of each, event.py what is written of one, backends.py where it
goes (a file that is rotated, standard output, a webhook that gets batches); filters/audit.py is where requests pass.
Without a policy or without a backend there is no filter, and nothing of this costs anything.

Source: apiserver pkg/audit, pkg/apis/audit, plugin/pkg/audit.
"""
