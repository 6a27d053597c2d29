"""Patch algorithms, pure: a current object and a patch in, the wanted object out."""
