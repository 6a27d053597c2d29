"""What may be a name: DNS labels and subdomains, label keys and values, port names.

Every check returns upstream's messages, [] when the value is fine; callers join or spread them as upstream does at that
place. The checks remember the values they saw, since a cluster uses the same names over and over.

Source: apimachinery pkg/util/validation/validation.go, pkg/api/validate/content/*.go.
"""

from __future__ import annotations

import re
from collections.abc import Callable

LABEL_LENGTH_MAX = 63
SUBDOMAIN_LENGTH_MAX = 253

_DNS1123_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_DNS1123_LABEL_TEXT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
    "and must start and end with an alphanumeric character"
)
_DNS1123_SUBDOMAIN = _DNS1123_LABEL + "(\\." + _DNS1123_LABEL + ")*"
_DNS1123_SUBDOMAIN_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
    "and must start and end with an alphanumeric character"
)
_DNS1123_LABEL_UNDERSCORE = "_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
_DNS1123_SUBDOMAIN_UNDERSCORE = _DNS1123_LABEL_UNDERSCORE + "(\\." + _DNS1123_LABEL_UNDERSCORE + ")*"
_DNS1123_SUBDOMAIN_UNDERSCORE_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', "
    "and must start and end with an alphanumeric character"
)
_DNS1035_LABEL = "[a-z]([-a-z0-9]*[a-z0-9])?"
_DNS1035_LABEL_TEXT = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', "
    "start with an alphabetic character, and end with an alphanumeric character"
)
_WILDCARD_SUBDOMAIN = "\\*\\." + _DNS1123_SUBDOMAIN
_WILDCARD_SUBDOMAIN_TEXT = (
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of "
    "lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character"
)
_LABEL_KEY = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_LABEL_KEY_TEXT = (
    "must consist of alphanumeric characters, '-', '_' or '.', "
    "and must start and end with an alphanumeric character"
)
_LABEL_VALUE = "(" + _LABEL_KEY + ")?"
_LABEL_VALUE_TEXT = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
    "and must start and end with an alphanumeric character"
)
_CONFIG_KEY = "[-._a-zA-Z0-9]+"
_CONFIG_KEY_TEXT = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
_HTTP_HEADER = "[-A-Za-z0-9]+"
_HTTP_HEADER_TEXT = "a valid HTTP header must consist of alphanumeric characters or '-'"
_PERCENT = "[0-9]+%"
_PERCENT_TEXT = "a valid percent string must be a numeric string followed by an ending '%'"
_C_IDENTIFIER = "[A-Za-z_][A-Za-z0-9_]*"
_C_IDENTIFIER_TEXT = (
    "a valid C identifier must start with alphabetic character or '_', "
    "followed by a string of alphanumeric characters or '_'"
)
_ENV_VAR_TEXT = (
    "a valid environment variable name must consist only of printable ASCII characters other than '='"
)

_match_dns1123_label = re.compile(_DNS1123_LABEL).fullmatch
_match_dns1123_subdomain = re.compile(_DNS1123_SUBDOMAIN).fullmatch
_match_dns1123_subdomain_underscore = re.compile(_DNS1123_SUBDOMAIN_UNDERSCORE).fullmatch
_match_dns1035_label = re.compile(_DNS1035_LABEL).fullmatch
_match_wildcard_subdomain = re.compile(_WILDCARD_SUBDOMAIN).fullmatch
_match_label_key = re.compile(_LABEL_KEY).fullmatch
_match_label_value = re.compile(_LABEL_VALUE).fullmatch
_match_config_key = re.compile(_CONFIG_KEY).fullmatch
_match_http_header = re.compile(_HTTP_HEADER).fullmatch
_match_percent = re.compile(_PERCENT).fullmatch
_match_c_identifier = re.compile(_C_IDENTIFIER).fullmatch
_match_port_name = re.compile("[-a-z0-9]+").fullmatch
_search_letter = re.compile("[a-z]").search
_match_env_var = re.compile("[ -<>-~]*").fullmatch

Check = Callable[[str], list[str]]
# Whether a generateName is meant: its trailing dash stands for the suffix to come.
NameCheck = Callable[[str, bool], list[str]]


class _Memory(dict[str, list[str]]):
    """What a check said of values it saw; starts afresh when full, and never keeps what is too long to be a name."""

    COUNT_MAX = 16384

    def __init__(self, check: Check) -> None:
        super().__init__()
        self._check = check

    def __missing__(self, value: str) -> list[str]:
        messages = self._check(value)
        if len(value) <= 2 * SUBDOMAIN_LENGTH_MAX:
            if len(self) >= self.COUNT_MAX:
                self.clear()
            self[value] = messages
        return messages


def _remembered(check: Check) -> Check:
    """A check with a memory, as fast as a dict look-up. Its lists are shared: callers only read them."""
    return _Memory(check).__getitem__


# -- texts -----------------------------------------------------------------------------------------------------


def length_text(length_max: int) -> str:
    """Source: content.MaxLenError, which label and DNS checks use."""
    return f"must be no more than {length_max} bytes"


def characters_text(length_max: int) -> str:
    """Source: validation.MaxLenError, which the other checks use."""
    return f"must be no more than {length_max} characters"


def regex_text(message: str, pattern: str, *examples: str) -> str:
    """Source: content.RegexError."""
    if not examples:
        return f"{message} (regex used for validation is '{pattern}')"
    listed = " or ".join(f"'{example}', " for example in examples)
    return f"{message} (e.g. {listed}regex used for validation is '{pattern}')"


def range_text(low: int, high: int) -> str:
    return f"must be between {low} and {high}, inclusive"


NON_NEGATIVE_TEXT = "must be greater than or equal to 0"
EMPTY_TEXT = "must be non-empty"


# -- DNS -------------------------------------------------------------------------------------------------------


@_remembered
def dns1123_label(value: str) -> list[str]:
    """Messages for what must be a DNS label, e.g. a namespace or container name."""
    errors = []
    if len(value) > LABEL_LENGTH_MAX:
        errors.append(characters_text(LABEL_LENGTH_MAX))
    if not _match_dns1123_label(value):
        if _match_dns1123_subdomain(value):
            errors.append("must not contain dots")
        else:
            errors.append(regex_text(_DNS1123_LABEL_TEXT, _DNS1123_LABEL, "my-name", "123-abc"))
    return errors


@_remembered
def dns1123_subdomain(value: str) -> list[str]:
    """Messages for what must be a DNS subdomain: the names of most kinds."""
    errors = []
    if len(value) > SUBDOMAIN_LENGTH_MAX:
        errors.append(characters_text(SUBDOMAIN_LENGTH_MAX))
    if not _match_dns1123_subdomain(value):
        errors.append(regex_text(_DNS1123_SUBDOMAIN_TEXT, _DNS1123_SUBDOMAIN, "example.com"))
    return errors


@_remembered
def dns1123_subdomain_underscore(value: str) -> list[str]:
    """The same with underscores allowed: DNS search domains, env names' prefixes."""
    errors = []
    if len(value) > SUBDOMAIN_LENGTH_MAX:
        errors.append(characters_text(SUBDOMAIN_LENGTH_MAX))
    if not _match_dns1123_subdomain_underscore(value):
        errors.append(
            regex_text(_DNS1123_SUBDOMAIN_UNDERSCORE_TEXT, _DNS1123_SUBDOMAIN_UNDERSCORE, "example.com")
        )
    return errors


@_remembered
def dns1035_label(value: str) -> list[str]:
    """Messages for what must be a DNS label that starts with a letter: Service names before 1.34."""
    errors = []
    if len(value) > LABEL_LENGTH_MAX:
        errors.append(characters_text(LABEL_LENGTH_MAX))
    if not _match_dns1035_label(value):
        errors.append(regex_text(_DNS1035_LABEL_TEXT, _DNS1035_LABEL, "my-name", "abc-123"))
    return errors


def wildcard_dns1123_subdomain(value: str) -> list[str]:
    """Messages for hosts such as *.example.com."""
    errors = []
    if len(value) > SUBDOMAIN_LENGTH_MAX:
        errors.append(characters_text(SUBDOMAIN_LENGTH_MAX))
    if not _match_wildcard_subdomain(value):
        errors.append(regex_text(_WILDCARD_SUBDOMAIN_TEXT, _WILDCARD_SUBDOMAIN, "*.example.com"))
    return errors


# -- labels, annotations, finalizers ---------------------------------------------------------------------------


@_remembered
def label_key(value: str) -> list[str]:
    """Messages for a qualified name: [prefix/]name. Also finalizers, resource names, lower-cased annotation keys."""
    errors: list[str] = []
    prefix, slash, name = value.rpartition("/")
    if "/" in prefix:
        text = regex_text(_LABEL_KEY_TEXT, _LABEL_KEY, "MyName", "my.name", "123-abc")
        return [
            f"a valid label key {text} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        ]
    if slash:
        if not prefix:
            errors.append(f"prefix part {EMPTY_TEXT}")
        else:
            errors += [f"prefix part {message}" for message in _label_key_prefix(prefix)]
    if not name:
        errors.append(f"name part {EMPTY_TEXT}")
    elif len(name) > LABEL_LENGTH_MAX:
        errors.append(f"name part {length_text(LABEL_LENGTH_MAX)}")
    if not _match_label_key(name):
        errors.append(f"name part {regex_text(_LABEL_KEY_TEXT, _LABEL_KEY, 'MyName', 'my.name', '123-abc')}")
    return errors


def _label_key_prefix(prefix: str) -> list[str]:
    # The same rule as dns1123_subdomain, but in this package upstream counts bytes in words.
    errors = []
    if len(prefix) > SUBDOMAIN_LENGTH_MAX:
        errors.append(length_text(SUBDOMAIN_LENGTH_MAX))
    if not _match_dns1123_subdomain(prefix):
        errors.append(regex_text(_DNS1123_SUBDOMAIN_TEXT, _DNS1123_SUBDOMAIN, "example.com"))
    return errors


@_remembered
def label_value(value: str) -> list[str]:
    errors = []
    if len(value) > LABEL_LENGTH_MAX:
        errors.append(length_text(LABEL_LENGTH_MAX))
    if not _match_label_value(value):
        errors.append(regex_text(_LABEL_VALUE_TEXT, _LABEL_VALUE, "MyValue", "my_value", "12345"))
    return errors


# -- the rest --------------------------------------------------------------------------------------------------


@_remembered
def port_name(value: str) -> list[str]:
    """Messages for an IANA service name: ports of containers and services."""
    errors = []
    if len(value) > 15:
        errors.append(characters_text(15))
    if not _match_port_name(value):
        errors.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not _search_letter(value):
        errors.append("must contain at least one letter (a-z)")
    if "--" in value:
        errors.append("must not contain consecutive hyphens")
    if value and (value[0] == "-" or value[-1] == "-"):
        errors.append("must not begin or end with a hyphen")
    return errors


def port_number(value: int) -> list[str]:
    return [] if 1 <= value <= 65535 else [range_text(1, 65535)]


@_remembered
def config_key(value: str) -> list[str]:
    """Messages for a key of a ConfigMap or Secret."""
    errors = []
    if len(value) > SUBDOMAIN_LENGTH_MAX:
        errors.append(characters_text(SUBDOMAIN_LENGTH_MAX))
    if not _match_config_key(value):
        errors.append(regex_text(_CONFIG_KEY_TEXT, _CONFIG_KEY, "key.name", "KEY_NAME", "key-name"))
    if value == ".":
        errors.append("must not be '.'")
    elif value == "..":
        errors.append("must not be '..'")
    elif value.startswith(".."):
        errors.append("must not start with '..'")
    return errors


@_remembered
def env_var_name(value: str) -> list[str]:
    """Source: validation.IsRelaxedEnvVarName, which containers use since 1.34."""
    errors = []
    if not value:
        errors.append(f"environment variable name {EMPTY_TEXT}")
    if not _match_env_var(value):
        errors.append(_ENV_VAR_TEXT)
    return errors


def http_header_name(value: str) -> list[str]:
    if _match_http_header(value):
        return []
    return [regex_text(_HTTP_HEADER_TEXT, _HTTP_HEADER, "X-Header-Name")]


def percent(value: str) -> list[str]:
    return [] if _match_percent(value) else [regex_text(_PERCENT_TEXT, _PERCENT, "1%", "93%")]


def c_identifier(value: str) -> list[str]:
    if _match_c_identifier(value):
        return []
    return [regex_text(_C_IDENTIFIER_TEXT, _C_IDENTIFIER, "my_name", "MY_NAME", "MyName")]


def path_segment(value: str) -> list[str]:
    """Messages for names that only have to fit into a URL: RBAC roles and bindings. Source: content/path.go."""
    if value in (".", ".."):
        return [f"may not be '{value}'"]
    return [f"may not contain '{part}'" for part in ("/", "%") if part in value]


# -- name rules of kinds, which also judge a generateName --------------------------------------------------------


def mask_trailing_dash(name: str) -> str:
    """A generateName's dash will be followed by letters, so it may end in one. Source: generic.go maskTrailingDash."""
    return name[:-2] + "a" if len(name) > 1 and name.endswith("-") else name


def _of_kind(check: Check) -> NameCheck:
    def name_check(name: str, is_prefix: bool) -> list[str]:
        return check(mask_trailing_dash(name) if is_prefix else name)

    return name_check


name_is_dns_subdomain = _of_kind(dns1123_subdomain)
name_is_dns_label = _of_kind(dns1123_label)


def name_is_long_name(name: str, is_prefix: bool) -> list[str]:
    """A DNS subdomain, of which it is said in bytes; a generateName is not looked at.

    Source: apimachinery pkg/api/validate LongName, pkg/api/validation ValidateObjectMetaAccessorWithOpts.
    """
    if is_prefix:
        return []
    return [
        message.replace("characters", "bytes") if message.startswith("must be no more than") else message
        for message in dns1123_subdomain(name)
    ]


def name_is_path_segment(name: str, is_prefix: bool) -> list[str]:
    """RBAC's rule, which judges a generateName as it stands. Source: rbac ValidateRBACName."""
    return path_segment(name)


def is_native_resource(name: str) -> bool:
    """Whether Kubernetes itself has given the resource its name. Source: pkg/apis/core/v1/helper IsNativeResource."""
    return "/" not in name or "kubernetes.io/" in name
