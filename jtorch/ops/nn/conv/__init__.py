"""Convolution and patches of images."""
