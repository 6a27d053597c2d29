"""Composition: settings, keys, bootstrap objects, components in start order. Decides nothing a user could see.

Reading order: config.py (the table of settings; kinds of rows, checks and the file are its neighbours), daemon.py
(one cluster as a process), cluster.py (what a cluster is made of), api_server.py (what its API server is made of) and
components.py (those beside it), basis.py (what all stand on).

What settings come to: authentication.py and openid.py, authorization.py, admission.py, auditing.py, encryption.py with
ciphers.py, certificates.py, services.py (webhooks), stage_sets.py, scheduler_config.py, node_options.py; reloading.py
follows their files. What a cluster begins with: pki.py, bootstrap.py, rbac_policy.py. What its API server does for
itself: own_controllers.py (identity_lease.py, kubernetes_service.py), health_checks.py.

Components as processes of their own: component.py, component_settings.py, credentials.py, and the doors
why_door.py and metrics_door.py.
Where a cluster lives on a machine: instance.py, open_files.py.
"""
