import pytest

from kubepy.kubelet.gotemplate import Template, TemplateError

DOT = {
    "kind": "Pod",
    "metadata": {"name": "web", "annotations": {"a.b/c": "x"}},
    "spec": {
        "containers": [{"name": "a", "image": "i1"}, {"name": "b", "image": "i2"}],
        "hostNetwork": False,
    },
    "status": {"containerStatuses": [{"ready": True}, {"ready": False}]},
    "count": 3,
}


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("plain", "plain"),
        ("{{ .metadata.name }}", "web"),
        ("{{.metadata.name | Quote}}", '"web"'),
        ("{{ .nothing }}", "<no value>"),
        ("{{ .nothing.at.all }}", "<no value>"),
        ("a {{- 1 -}} b", "a1b"),
        ("a{{/* a comment */}}b", "ab"),
        ("{{ if .spec.hostNetwork }}host{{ else }}pod{{ end }}", "pod"),
        ('{{ if eq .kind "Node" }}n{{ else if eq .kind "Pod" }}p{{ else }}?{{ end }}', "p"),
        ("{{ range .spec.containers }}[{{ .name }}]{{ end }}", "[a][b]"),
        ("{{ range $i, $c := .spec.containers }}{{ $i }}={{ $c.image }} {{ end }}", "0=i1 1=i2"),
        ("{{ range .spec.none }}x{{ else }}empty{{ end }}", "empty"),
        ("{{ range $k, $v := .metadata.annotations }}{{ $k }}:{{ $v }}{{ end }}", "a.b/c:x"),
        ("{{ $root := . }}{{ range $i, $_ := .spec.containers }}{{ (index $root.status.containerStatuses $i).ready }} "
         "{{ end }}", "true false"),
        ('{{ index (or .metadata.annotations dict) "a.b/c" }}', "x"),
        ('{{ or ( index .metadata.annotations "no" ) "default" }}', "default"),
        ("{{ $found := false }}{{ range .spec.containers }}{{ if eq .name `b` }}{{ $found = true }}{{ end }}{{ end }}"
         "{{ $found }}", "true"),
        ("{{ with .metadata }}{{ .name }}{{ else }}none{{ end }}", "web"),
        ("{{ with $x := .nothing }}{{ $x }}{{ else }}none{{ end }}", "none"),
        ("{{ and .kind .spec.hostNetwork }}", "false"),
        ("{{ not .nothing }}", "true"),
        ("{{ eq .kind `A` `Pod` }}", "true"),
        ("{{ len .spec.containers }}", "2"),
        ('{{ printf "%s-%d" .kind .count }}', "Pod-3"),
        ('{{ default "Delete" .spec.policy | Quote }}', '"Delete"'),
        ('{{ list "a" .kind | join "-" }}', "a-Pod"),
        ("{{ Now }}", "<Now>"),
        ('{{ NodeIPWith "n" | Quote }}', '"ip of n"'),
        ("{{ .count | Quote }}", '"3"'),
        ("x:\n{{ YAML .metadata.annotations 1 }}", "x:\n\n  a.b/c: x\n"),
    ],
)  # fmt: skip
def test_templates(text, result):
    functions = {"Now": lambda: "<Now>", "NodeIPWith": lambda name: f"ip of {name}"}
    assert Template(text).render(DOT, functions).rstrip(" ") == result


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{{ if .a }}", "{{if}} without {{end}}"),
        ("{{ end }}", "unexpected {{end}}"),
        ("{{ nope .a }}", 'function "nope" is not supported'),
        ('{{ define "x" }}{{ end }}', "{{define}} is not supported"),
        ("{{ .a", "unclosed action at"),
        ("{{ (.a }}", "unclosed parenthesis"),
        ("{{ .a | }}", "missing value for command"),
        ("{{ ! }}", "cannot read"),
    ],
)
def test_templates_that_cannot_be_read(text, why):
    with pytest.raises(TemplateError) as raised:
        Template(text)
    assert why in str(raised.value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{{ $x }}", "undefined variable '$x'"),
        ("{{ NodeIP }}", 'function "NodeIP" has no meaning for this object'),
        ("{{ index .spec.containers 9 }}", "index out of range: 9"),
        ("{{ int .kind }}", "cannot render"),
    ],
)
def test_templates_that_cannot_be_rendered(text, why):
    with pytest.raises(TemplateError) as raised:
        Template(text).render(DOT, {})
    assert why in str(raised.value)
