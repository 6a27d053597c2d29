"""Revisions as bytes: what a client compares them with."""

from __future__ import annotations

import orjson

from kubepy.controllers import history


def test_revisions_are_written_as_go_writes_maps():
    template = {
        "spec": {"restartPolicy": "Always", "containers": [{"name": "c", "image": "i"}]},
        "metadata": {},
    }
    assert orjson.dumps(history.data_of({"spec": {"template": template}})) == (
        b'{"spec":{"template":{"$patch":"replace","metadata":{},'
        b'"spec":{"containers":[{"image":"i","name":"c"}],"restartPolicy":"Always"}}}}'
    )
