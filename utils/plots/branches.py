"""What belongs to the four branches, in their colours: maps of channels, and measured values.

Also shares of shufflings, module by module, which say whether a branch differs from the others.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from ..support.palette import BRANCH_COLOURS, BRANCH_LABELS, BRANCHES
from ..support.statistics import interval
from .picture import INK, STYLE, WIDTH, Picture


def branch_maps(
    rows: Mapping[str, Mapping[str, np.ndarray]], *, alt: str, image: np.ndarray | None = None
) -> Picture:
    """Draw maps of each branch in its colour: a row a module, a column a branch.

    Every map has a scale of its own, from black at 0 over its branch's colour to white.

    Parameters
    ----------
    rows
        Title, such as a module's name -> branch, of `BRANCHES` -> a map (H, W) of numbers that are
        not negative.
    alt
        What the maps show.
    image
        What the network was shown, (H, W, 3) as `imshow` takes it or (H, W) in grey: drawn above.

    Raises
    ------
    ValueError
        No row, a row without all four branches, or a map of another shape.
    """
    if not rows or any(set(maps) != set(BRANCHES) for maps in rows.values()):
        raise ValueError(f"expected rows with a map for each of {', '.join(BRANCHES)}")
    if any(np.ndim(part) != 2 for maps in rows.values() for part in maps.values()):
        raise ValueError("expected maps (H, W)")
    first = np.asarray(next(iter(rows.values()))["1x1"])
    with rc_context(STYLE):
        tall = WIDTH / 4.4 * first.shape[0] / first.shape[1] + 0.06
        above = 0 if image is None else 2
        figure = Figure(figsize=(WIDTH, (len(rows) + above) * tall + 0.4), layout="constrained")
        engine = figure.get_layout_engine()
        assert engine is not None
        engine.set(w_pad=0.02, h_pad=0.02)  # type: ignore[call-arg]
        grid = figure.add_gridspec(len(rows) + above, 4)
        axes = [
            [figure.add_subplot(grid[above + line, column]) for column in range(4)]
            for line in range(len(rows))
        ]
        if image is not None:
            axis = figure.add_subplot(grid[:above, 1:3])
            axis.imshow(image, cmap="gray")
            axis.set_axis_off()
        for line, (title, maps) in zip(axes, rows.items(), strict=True):
            for axis, branch in zip(line, BRANCHES, strict=True):
                colour = BRANCH_COLOURS[branch]
                scale = LinearSegmentedColormap.from_list(branch, ["black", colour, "white"])
                part = np.asarray(maps[branch])
                axis.imshow(part, cmap=scale, vmin=0, vmax=max(part.max(), 1e-9))
                axis.set(xticks=[], yticks=[])
                for side in axis.spines.values():
                    side.set(visible=True, color=colour, linewidth=1.5)
            line[0].set_ylabel(title, rotation=0, ha="right", va="center")
        for axis, branch in zip(axes[0], BRANCHES, strict=True):
            axis.set_title(BRANCH_LABELS[branch], loc="center")
    return Picture(figure, alt=alt)


def lost_by_class(rows: pd.DataFrame) -> Picture:
    """Draw what each class loses without each branch: a row a class, a column a branch.

    Parameters
    ----------
    rows : DataFrame
        A row for each ``class``, ``branch`` and ``seed``, with the points ``lost``. Each is a dot,
        and their mean a line.

    Raises
    ------
    ValueError
        No rows, or a missing column.
    """
    if rows.empty or {"class", "branch", "seed", "lost"} - set(rows):
        raise ValueError("expected rows with the columns branch, class, lost, seed")
    classes = list(dict.fromkeys(rows["class"]))
    said = []
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 0.27 * len(classes) + 0.75), layout="constrained")
        axes = figure.subplots(1, len(BRANCHES), sharex=True, sharey=True)
        for axis, branch in zip(axes, BRANCHES, strict=True):
            own = rows[rows["branch"] == branch]
            place, colour = own["class"].map(classes.index), BRANCH_COLOURS[branch]
            means = own.groupby("class")["lost"].mean().loc[classes]
            axis.axvline(0, color=INK, linewidth=0.8, linestyle=":")
            axis.plot(own["lost"], place, "o", color=colour, ms=4.5, mec=INK, mew=0.5)
            axis.plot(means, range(len(classes)), "|", color=INK, ms=9, mew=2)
            axis.set_title(BRANCH_LABELS[branch], loc="center")
            axis.tick_params(axis="both", labelsize=8, length=0)
            axis.spines["left"].set_visible(False)
            axis.grid(axis="y", color=INK, alpha=0.12)
            words = ", ".join(f"{name} {means[name]:.0f}" for name in classes)
            said.append(f"{BRANCH_LABELS[branch]}: {words}")
        axes[0].set_yticks(range(len(classes)), classes)
        axes[0].set_ylim(len(classes) - 0.5, -0.5)
        figure.supxlabel("points that a class loses without the branch", fontsize=10)
    count = rows["seed"].nunique()
    return Picture(
        figure,
        alt=f"Points that each class loses without a branch, {count} networks. "
        f"Means: {'; '.join(said)}.",
    )


def shuffle_tests(panels: Mapping[str, tuple[pd.DataFrame, pd.DataFrame]]) -> Picture:
    """Draw shares of shufflings as tiles, the smaller the darker, with a star on what passes.

    Parameters
    ----------
    panels : dict
        Title -> (shares, which pass), both with a row a property and a column a module. Two panels
        stand side by side.

    Raises
    ------
    ValueError
        No panel, a share that is none, or two tables of one panel that are not alike.
    """
    if not panels:
        raise ValueError("expected at least one panel")
    for shares, passes in panels.values():
        if shares.shape != passes.shape or not shares.map(lambda p: 0 < p <= 1).all(axis=None):
            raise ValueError("expected shares above 0, up to 1, and as many verdicts")
    said = []
    rows = -(-len(panels) // 2)
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 1.75 * rows + 0.1), layout="constrained")
        axes = figure.subplots(rows, 2, sharex=True, sharey=True, squeeze=False).ravel()
        for axis, (title, (shares, passes)) in zip(axes, panels.items(), strict=False):
            dark = -np.log10(shares.to_numpy())
            axis.imshow(dark, cmap="Blues", vmin=0, vmax=4, aspect="auto")
            for row, column in np.ndindex(shares.shape):
                share, star = shares.iloc[row, column], passes.iloc[row, column]
                digits = 2 + sum(share < least for least in (0.01, 0.001))
                text = f"{share:.{digits}f}" + "\n★" * bool(star)
                ink = "white" if dark[row, column] > 3 else "black"
                axis.text(column, row, text, ha="center", va="center", color=ink, fontsize=8)
            axis.set_title(title)
            axis.set_xticks(range(shares.shape[1]), shares.columns)
            axis.set_yticks(range(shares.shape[0]), shares.index)
            axis.tick_params(length=0, labelsize=9)
            for side in axis.spines.values():
                side.set_visible(False)
            stars = [
                f"{name} in {module} ({shares.loc[name, module]:.4f})"
                for module in shares
                for name in shares.index[passes[module]]
            ]
            said.append(f"{title}: {', '.join(stars) or 'none'}")
        for axis in axes[len(panels) :]:
            axis.set_visible(False)
    return Picture(
        figure,
        alt="Shares of shufflings at least as uneven as the real labels, by property and module. "
        f"What passes the test: {'; '.join(said)}.",
    )


def by_branch(
    rows: pd.DataFrame,
    value: str,
    *,
    label: str,
    beside: str = "",
    names: tuple[str, str] = ("", ""),
    centre: float | None = None,
    decimals: int = 1,
) -> Picture:
    """Draw a value of each branch, group by group: a dot a run, the mean and its 95% interval.

    The picture is as wide as the dots need: longer intervals are cut at its edges.

    Parameters
    ----------
    rows : DataFrame
        One row for each ``group``, ``branch`` and ``seed``, with the column `value`. Groups are
        drawn from the top in the order of the rows.
    value, label : str
        The column, and what the axis says of it.
    beside : str
        A second column: its means are drawn as hollow diamonds.
    names : (str, str)
        What dots and diamonds are, for the legend.
    centre : float, optional
        Where a dotted line stands.
    decimals : int
        Of the numbers in the alt text.

    Raises
    ------
    ValueError
        No rows, or a missing column.
    """
    wanted = {"group", "branch", "seed", value} | ({beside} if beside else set())
    if rows.empty or wanted - set(rows):
        raise ValueError(f"expected rows with the columns {', '.join(sorted(wanted))}")
    groups, said = list(dict.fromkeys(rows["group"])), []
    with rc_context(STYLE):
        height = 0.75 + 0.2 * (4.6 * len(groups)) + (0.3 if beside else 0)
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        axis = figure.subplots()
        ticks = []
        for number, group in enumerate(groups):
            words = []
            for turn, branch in enumerate(BRANCHES):
                own = rows[(rows["group"] == group) & (rows["branch"] == branch)]
                place, colour = 4.8 * number + turn, BRANCH_COLOURS[branch]
                low, high = interval(own[value])
                mean = own[value].mean()
                dots = len(own) * [place]
                axis.plot(own[value], dots, "o", color=colour, ms=4.5, mec=INK, mew=0.5)
                axis.plot((low, high), 2 * [place], color=colour, linewidth=2)
                axis.plot(mean, place, "|", color=INK, ms=9, mew=2)
                word = f"{BRANCH_LABELS[branch]} {mean:.{decimals}f}"
                if beside:
                    other = own[beside].mean()
                    axis.plot(other, place, "D", mfc="none", mec=INK, ms=6, mew=1)
                    word += f" ({names[1]} {other:.{decimals}f})"
                words.append(word)
                ticks.append((place, BRANCH_LABELS[branch]))
            axis.text(
                0, 4.8 * number - 0.72, group, transform=axis.get_yaxis_transform(), weight="bold"
            )
            said.append(f"{group}: " + ", ".join(words))
        shown = rows[[value, *([beside] if beside else [])]].to_numpy()
        low, high = np.nanmin(shown), np.nanmax(shown)
        axis.set_xlim(low - 0.1 * (high - low), high + 0.1 * (high - low))
        if centre is not None:
            axis.axvline(centre, color=INK, linewidth=0.8, linestyle=":")
        axis.set_yticks(*zip(*ticks, strict=True))
        axis.tick_params(axis="y", labelsize=9)
        axis.set_ylim(4.8 * len(groups) - 0.9, -1.5)
        axis.tick_params(axis="y", length=0)
        axis.spines["left"].set_visible(False)
        axis.set_xlabel(label)
        if beside:
            axis.plot([], [], "o", color=INK, ms=4.5, label=f"{names[0]}, a run")
            axis.plot([], [], "D", mfc="none", mec=INK, ms=6, label=f"{names[1]}, mean")
            figure.legend(loc="outside upper left", ncols=2)
    count = rows["seed"].nunique()
    return Picture(figure, alt=f"{label}, {count} runs. Means: {'; '.join(said)}.")
