"""API groups that somebody else serves: APIServices, and the proxy behind them.

An APIService says who serves one group version. Most say "this server" (registration.py keeps those in step with what
there is); one with a spec.service sends everything below /apis/<group>/<version> to that Service.

    routes.py         the table the request path looks into; empty, it costs one truth test per request
    priorities.py     in which order groups and versions are listed
    services.py       Services and EndpointSlices -> an address; endpoints.py follows them
    connections.py    TLS to it, as the front proxy; the only sockets of this package
    proxy.py          one request -> its answer, streamed both ways
    watches.py        a watch of another server's, as events for components of this process
    availability.py   is it there? -> status.conditions[Available]
    documents.py      its discovery and OpenAPI, fetched in the background; swaggers.py merges the v2 document into ours
    openapi_conversion.py   v3 of it, where there is only v2
    registration.py   APIServices for the groups of this server
    trust.py          the ConfigMap that tells aggregated servers whom to trust
    aggregator.py     composition: what the daemon starts

Source: kube-aggregator pkg/apiserver, pkg/controllers.
"""
