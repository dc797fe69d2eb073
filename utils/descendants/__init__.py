"""The descendants of GoogLeNet, one module a network, all written in the words of `utils.words`."""
