from __future__ import annotations

from pathlib import Path

import pytest

from kubepy.daemon import admission
from kubepy.daemon.settings import ConfigError

HEAD = "apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\n"


def written(directory: Path, text: str, name: str = "admission.yaml") -> str:
    (directory / name).write_text(text)
    return str(directory / name)


def test_configurations_are_in_the_file_or_beside_it(tmp_path: Path) -> None:
    written(tmp_path, "kind: B\n", "b.yaml")
    path = written(
        tmp_path,
        HEAD + "plugins:\n- {name: A, configuration: {kind: A}}\n- {name: B, path: b.yaml}\n- {name: C}\n"
        "- {name: A, configuration: {kind: Other}}\n",
    )
    assert admission.load(path) == {"A": {"kind": "A"}, "B": {"kind": "B"}}
    assert admission.load("") == {}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("kind: Pod\napiVersion: v1\n", "no kind 'Pod' is registered for version 'v1'"),
        ("[]", "no object"),
        (HEAD + "plugin: []\n", 'strict decoding error: unknown field "plugin"'),
        (HEAD + "plugins: [{nam: x}]\n", 'strict decoding error: unknown field "plugins[0].nam"'),
        (HEAD + "plugins: [x]\n", "plugins[0] is no object"),
        (HEAD + "plugins: [{name: x, path: /nowhere}]\n", "unable to read admission control configuration"),
    ],
)
def test_what_cannot_be_used_is_said(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(ConfigError) as caught:
        admission.load(written(tmp_path, text))
    assert why in str(caught.value)
