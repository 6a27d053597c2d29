"""Admission: plugins that may change or refuse a write between decoding and the store. chain.py is the table."""
