"""What networks lose when they are fed wrongly."""

from collections.abc import Mapping

from matplotlib import rc_context
from matplotlib.figure import Figure

from ..support.palette import SERIES_COLOURS
from ..support.telling import Estimate
from .picture import INK, STYLE, WIDTH, Picture

_MARKS = ("o", "s", "^")


def points_lost(
    networks: Mapping[str, Mapping[str, Estimate]], *, sure: Mapping[str, float] | None = None
) -> Picture:
    """Draw what each slip costs, the dearest above, with its interval.

    Parameters
    ----------
    networks : dict of str to dict
        Network -> slip -> points of accuracy that it costs; at most three, all with the same slips.
    sure : dict of str to float, optional
        Slip -> how sure the network is then, in 0..1: a second panel. The slip "as trained" is
        drawn as a dotted line.

    Raises
    ------
    ValueError
        No network or more than three, or networks with different slips.
    """
    slips = [set(lost) for lost in networks.values()]
    if not 1 <= len(networks) <= len(_MARKS) or any(own != slips[0] for own in slips):
        raise ValueError(
            f"expected one to three networks with the same slips, got {', '.join(networks)}"
        )

    def mean(slip: str) -> float:
        return sum(lost[slip].mean or 0.0 for lost in networks.values()) / len(networks)

    order = sorted(slips[0], key=mean, reverse=True)
    step = 0.8 / len(networks)
    with rc_context(STYLE):
        height = 0.8 + len(order) * max(0.27, 0.13 * len(networks))
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        panels = figure.subplots(1, 1 if sure is None else 2, sharey=True, squeeze=False)[0]
        axis = panels[0]
        for number, (name, lost) in enumerate(networks.items()):
            colour = SERIES_COLOURS[number]
            places = [
                place + step * (number - (len(networks) - 1) / 2) for place in range(len(order))
            ]
            bounds = [lost[slip].bounds for slip in order]
            axis.hlines(places, *zip(*bounds, strict=True), color=colour, linewidth=1.6)
            means = [lost[slip].mean for slip in order]
            axis.plot(
                means, places, _MARKS[number], color=colour, ms=5, mec=INK, mew=0.6, label=name
            )
        axis.axvline(0, color=INK, linewidth=0.8, linestyle=":")
        axis.set_yticks(range(len(order)), order)
        axis.set_ylim(len(order) - 0.4, -0.6)  # the first above
        axis.tick_params(axis="y", length=0)
        axis.set_xlabel("points lost")
        if len(networks) > 1:
            figure.legend(loc="outside upper right", ncols=len(networks), handletextpad=0.1)
        if sure is not None:
            shown = [100 * sure[slip] for slip in order]
            panels[1].plot(
                shown, range(len(order)), "o", color=SERIES_COLOURS[1], ms=6, mec=INK, mew=0.6
            )
            panels[1].axvline(100 * sure["as trained"], color=INK, linewidth=0.8, linestyle=":")
            panels[1].set_xlim(0, 104)
            panels[1].set_xlabel("sure, %")
            panels[1].tick_params(axis="y", length=0)
        for panel in panels:
            panel.spines["left"].set_visible(False)
            panel.grid(axis="y", color=INK, alpha=0.12, linewidth=0.8)
            panel.set_axisbelow(True)

    def told(slip: str) -> str:
        words = ", ".join(f"{lost[slip]:.1f}" for lost in networks.values())
        return f"{slip} {words}" + ("" if sure is None else f", then {sure[slip]:.0%} sure")

    return Picture(
        figure,
        alt=f"Points of accuracy that slips cost {', '.join(networks)}, with 95% intervals: "
        + "; ".join(map(told, order))
        + ".",
    )
