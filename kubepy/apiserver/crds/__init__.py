"""CustomResourceDefinitions: from an object in the store to kinds that are served.

status.py says what a definition's status should be (pure), definitions.py serves the established ones and writes those
statuses, conversion.py asks webhooks to convert between versions. What the kinds themselves know is in api/custom.py.
"""
