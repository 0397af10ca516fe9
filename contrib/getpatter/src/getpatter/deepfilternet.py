"""DeepFilterNet's noise filter: the name of patter-deepfilternet."""

from getpatter.missing import distribution

with distribution("patter-deepfilternet"):
    from patter_deepfilternet import DeepFilterNetFilter

__all__ = ["DeepFilterNetFilter"]
