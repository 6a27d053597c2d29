"""Objects as the rules see them: written as users write them, then decoded, defaulted, in the version of the store."""

import orjson
import pytest
import yaml

from kubepy.api.builtins import BUILTINS, Catalog
from kubepy.api.conversion import convert
from kubepy.api.schema import Schemas
from kubepy.api.validation import validate_create, validate_update

CATALOG = Catalog(BUILTINS)


class Validator:
    def __init__(self):
        self.schemas = Schemas()

    def make(self, text):
        """A defaulted object of YAML; metadata may be left out."""
        obj = orjson.loads(orjson.dumps(yaml.safe_load(text)))
        resource = CATALOG.by_kind(obj["apiVersion"], obj["kind"])
        metadata = {"name": "x"} | ({"namespace": "default"} if resource.namespaced else {})
        obj["metadata"] = metadata | obj.get("metadata", {})
        schema = self.schemas.of(resource)
        schema.decode(obj)
        schema.default(obj)
        return resource, convert(obj, resource, CATALOG.storage(resource))

    def create(self, text):
        return [str(finding) for finding in validate_create(*self.make(text))]

    def update(self, old, new, subresource=""):
        resource, before = self.make(old)
        _, after = self.make(new)
        return [str(finding) for finding in validate_update(resource, after, before, subresource)]


@pytest.fixture(scope="session")
def rules():
    return Validator()
