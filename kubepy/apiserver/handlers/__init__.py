"""The end of the chain for resources: one file per verb. dispatch.py is the table."""
