"""Krisp's noise filter: the name of patter-krisp."""

from getpatter.missing import distribution

with distribution("patter-krisp"):
    from patter_krisp import KrispVivaFilter

__all__ = ["KrispVivaFilter"]
