"""kube-system/extension-apiserver-authentication."""

from kubepy.api.builtins import CONFIG_MAPS
from kubepy.apiserver.aggregation.trust import KEY, Trust, combined
from kubepy.testing.cluster import Cluster

BEGIN, END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


def pem(text):
    return f"{BEGIN}\n{text}\n{END}\n"


TRUST = Trust(
    client_ca=pem("a"),
    request_header_ca=pem("p"),
    allowed_names=("front-proxy-client",),
    username_headers=("X-Remote-User",),
    extra_prefixes=("X-Remote-Extra-",),
)


def test_what_is_published():
    assert combined({}, TRUST) == {
        "client-ca-file": pem("a"),
        "requestheader-allowed-names": '["front-proxy-client"]',
        "requestheader-client-ca-file": pem("p"),
        "requestheader-extra-headers-prefix": '["X-Remote-Extra-"]',
        "requestheader-group-headers": "[]",
        "requestheader-uid-headers": "[]",
        "requestheader-username-headers": '["X-Remote-User"]',
    }


def test_what_others_have_put_there_stays_and_nothing_comes_twice():
    theirs = combined({}, Trust(pem("b"), pem("q"), allowed_names=("other",)))
    both = combined(theirs, TRUST)
    assert both["client-ca-file"] == pem("b") + pem("a")
    assert both["requestheader-allowed-names"] == '["other","front-proxy-client"]'
    assert combined(both, TRUST) == both


def test_nonsense_is_replaced():
    mended = combined({"requestheader-allowed-names": "{", "client-ca-file": "nothing"}, TRUST)
    assert mended == combined({}, TRUST)


def test_without_a_front_proxy_only_client_certificates_are_named():
    assert combined({}, Trust(pem("a"))) == {"client-ca-file": pem("a")}


async def test_it_comes_back_when_somebody_deletes_it():
    async with Cluster(nodes=0, controllers=(), scheduler="off") as cluster:
        before = await cluster.get(CONFIG_MAPS, KEY.name, KEY.namespace)
        await cluster.client.delete(CONFIG_MAPS, KEY.name, KEY.namespace)
        await cluster.settle()
        after = await cluster.get(CONFIG_MAPS, KEY.name, KEY.namespace)
        assert after["metadata"]["uid"] != before["metadata"]["uid"]
