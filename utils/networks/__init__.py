"""Networks as tables: the rows, what is built from them, the baselines, the descendants."""
