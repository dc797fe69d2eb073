"""The descendants of GoogLeNet, one module a network, each a table of rows."""
