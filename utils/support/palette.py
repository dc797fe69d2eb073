"""The look that every picture of the course shares: branch names, order and colours.

Pure data, imported by the static plots and handed to the interactive figures. The colours are
four of Okabe and Ito's eight (Color Universal Design, 2008), told apart with every common kind of
colour vision; a picture still names each branch in words, so that colour never stands alone.
"""

BRANCHES = ("1x1", "3x3", "5x5", "pool")
"""The four branches of an Inception module, always in this order (left to right, top to bottom)."""

BRANCH_LABELS = {"1x1": "1×1", "3x3": "3×3", "5x5": "5×5", "pool": "pool"}
"""How a branch is written in a picture."""

BRANCH_COLOURS = {"1x1": "#0072B2", "3x3": "#D55E00", "5x5": "#009E73", "pool": "#CC79A7"}
"""One colour a branch, the same in light and dark; at least 3:1 against both backgrounds."""

SERIES_COLOURS = ("#7A5CC4", "#8A7400", "#5F6B75")
"""For lines that are no branch: none of them is a branch's colour, and each has 3:1, too."""
