"""Providers without vendors, one file a kind: scripted, deterministic, failing on command.

Each is a frozen setting with sessions like any other provider; what it was asked is kept in
a list, so a test can look.
"""
