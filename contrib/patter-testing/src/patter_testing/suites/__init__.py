"""What every provider has to keep, one suite a kind; ours and others' pass the same.

Subclass, name it ``Test...``, return the provider from the fixture ``provider``. Each test's
docstring ends with what to fix when it fails. A subclass may add tests, never drop one.
"""
