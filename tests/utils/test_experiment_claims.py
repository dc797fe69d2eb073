"""What the chapters say in words of the measurements holds for the rows that ship."""

from itertools import pairwise

import pandas as pd
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from utils.accounting import account
from utils.data import fashion_mnist, results
from utils.experiments import (
    auxiliary_classifiers,
    compare_networks,
    concatenation,
    global_pooling,
    googlenet,
    heads_on_few_images,
    interval,
    looking_inside,
    multi_scale_filters,
    one_by_one_reduction,
    record,
    sizes_and_branches,
    step_times,
    training,
)
from utils.experiments.measures import fresh, right_of
from utils.googlenet import INPUTS, MODULES, TABLE_1
from utils.googlenet import googlenet as build
from utils.support.telling import points


def holds_zero(estimate) -> bool:
    return estimate.low < 0 < estimate.high


# --- Multi-scale filters ----------------------------------------------------------------------


@pytest.mark.parametrize("task", ["fashion", "patches"])
def test_four_branches_beat_one_and_the_5x5_does_not_show(task):
    gained = multi_scale_filters.gained
    single = {setting: gained(task, setting) for setting in ("only 3x3", "only 5x5")}
    assert max(estimate.high for estimate in single.values()) < 0
    assert single["only 5x5"].mean < single["only 3x3"].mean  # the question asks about the better
    assert holds_zero(gained(task, "3x3 twice"))
    rows = results(f"scales_{task}")
    assert set(rows.groupby("setting")["seed"].nunique()) == {5}
    assert rows["images"].nunique() == 1


def test_on_sizes_never_trained_on_only_the_5x5_alone_loses():
    gained = multi_scale_filters.gained
    for zoom in ("closer", "farther"):
        for setting in ("only 3x3", "3x3 twice"):
            assert holds_zero(gained("patches", setting, zoom))
    closer = gained("patches", "only 5x5", "closer")
    assert closer.high < 0
    assert 0.6 < closer.mean / gained("patches", "only 5x5").mean < 1.4  # about as much
    rows = results("scales_patches")
    rows = rows[rows["setting"] == "Inception"]
    assert rows["closer_accuracy"].mean() < rows["test_accuracy"].mean() - 0.1
    assert rows["farther_accuracy"].max() - rows["farther_accuracy"].min() > 0.1


def test_the_inception_network_takes_longer():
    assert multi_scale_filters.slower("only 3x3").low > 1.1


def test_from_farther_inception_leads_and_the_5x5_alone_always_loses():
    gained = multi_scale_filters.gained
    for setting in ("only 3x3", "3x3 twice"):
        assert gained("patches", setting, "farther").mean < 0
    for test in ("test", "closer", "farther"):
        assert gained("patches", "only 5x5", test).high < 0


def test_neither_sizes_nor_reductions_of_their_own_are_worth_a_point():
    factors = sizes_and_branches
    one, three = ("one reduction", "three reductions")
    changes = (
        factors.gained(factors.SIZES, one, three),
        factors.gained(factors.REDUCTIONS, "one size", "several sizes"),
    )
    for change in changes:
        assert -1 < change.low < change.high < 1


# --- 1x1 reduction ----------------------------------------------------------------------------


def test_narrow_bottlenecks_cost_a_few_points_and_twice_the_width_none_for_sure():
    lost = one_by_one_reduction.lost
    assert 1 < lost("an eighth").low < lost("an eighth").mean < 5
    assert lost("an eighth").mean > lost("a quarter").mean > lost("half").mean > 0
    assert holds_zero(lost("twice"))
    rows = results("bottlenecks")
    assert rows["peak_rate"].nunique() == 1
    assert not rows["diverged"].any()
    for setting, own in rows.groupby("setting"):
        counted = account(one_by_one_reduction.network(own["times"].iloc[0]), (1, 28, 28))
        assert set(own["parameters"]) == {counted.parameters}, setting
        assert set(own["macs"]) == {counted.macs}


# --- Concatenation ----------------------------------------------------------------------------


def test_a_sum_of_full_width_leaves_its_reductions_less_than_a_fifth():
    affordable = 0
    for name, spec in MODULES.items():
        c_in, out = INPUTS[name][0], spec.out_channels(INPUTS[name][0])
        wanted = spec.reduce3x3 * (c_in + 9 * out) + spec.reduce5x5 * (c_in + 25 * out)
        module = build("paper", aux_heads=False).get_submodule(f"inception{name}")
        weights = [m.weight.numel() for m in module.modules() if isinstance(m, nn.Conv2d)]
        if sum(weights) > 2 * c_in * out:
            assert sum(weights) - 2 * c_in * out < wanted / 5
            affordable += 1
    assert 0 < affordable < len(MODULES) / 2


def test_adding_loses_scatters_more_and_the_pool_seems_to_help():
    c = concatenation
    for setting in (c.SAME_REDUCTIONS, c.THIN_REDUCTIONS, c.RELU_LAST, c.NO_POOL):
        assert c.gained(setting).high < 0
    scatter = results("merging").groupby("setting")["test_accuracy"].std()
    for setting in (c.SAME_REDUCTIONS, c.THIN_REDUCTIONS):
        assert scatter[setting] > 2 * scatter[c.CONCATENATED]
    late = c.gained(c.RELU_LAST, c.SAME_REDUCTIONS)
    assert late.mean > 0 > late.low  # better in the mean, perhaps by chance


# --- Global pooling ---------------------------------------------------------------------------


def test_no_comparison_shows_the_flat_head_ahead():
    assert holds_zero(global_pooling.ahead("still", "flatten"))  # "cannot tell the two apart"
    for trained in ("moving", "full"):
        assert global_pooling.ahead(trained, "flatten").high < 0
    for trained in global_pooling.TRAINED:
        assert global_pooling.ahead(trained, "max").high < 0
        assert global_pooling.ahead(trained, "average").bounds == (0, 0)
    for head in global_pooling.HEADS:
        still, moving = (global_pooling.centred(way, head).mean() for way in ("still", "moving"))
        assert moving < still
    parameters = [
        account(global_pooling.with_head(head, seed=0), (1, 28, 28)).parameters
        for head in ("flatten", "average")
    ]
    assert 1.7 < parameters[0] / parameters[1] < 2  # "nearly twice"


def test_pooling_makes_robust_not_invariant():
    lost = {
        (way, head): global_pooling.lost(way, head, 6).mean
        for way in ("still", "moving")
        for head in global_pooling.HEADS
    }
    for way in ("still", "moving"):
        assert lost[way, "flatten"] > max(lost[way, "max"], lost[way, "average"])
    for head in global_pooling.HEADS:
        assert lost["moving", head] < lost["still", head]
    assert lost["still", "average"] > 2
    still, moving = (global_pooling.probed(way, "average") for way in ("still", "moving"))
    assert interval(still[0] - still[6])[0] > 0 > interval(moving[0] - moving[6])[0]
    largest = global_pooling.probed("moving", "max")
    assert interval(largest[0] - largest[6])[0] > 0
    humps = (still[4] > still[3]) & (still[4] > still[5])
    assert humps.mean() > 0.5
    alone = global_pooling.lost("still", "average", 6)
    assert alone.low == pytest.approx(100 * (still[0] - still[6]).min())


def test_no_head_is_saved_on_sizes_never_trained_on():
    def mean(head: str, probe: str, pixels: int) -> float:
        return global_pooling.probed("moving", head, probe)[pixels].mean()

    for head in global_pooling.HEADS:
        for size in (20, 40):
            assert mean(head, "zoom", size) < mean(head, "shift", 0) - 0.1
    assert mean("max", "frame", 40) > mean("average", "frame", 40) > mean("flatten", "frame", 40)
    for probe in ("frame", "zoom"):
        for size in global_pooling.SIZES:
            assert mean("average", probe, size) < mean("average", "shift", 0)


def test_a_wide_frame_costs_the_average_most_and_the_flat_head_in_all():
    def lost(head: str, size: int) -> float:
        frame = global_pooling.probed("moving", head, "frame")[size]
        return 100 * (global_pooling.probed("moving", head)[0] - frame).mean()

    for size in global_pooling.SIZES:
        assert lost("max", size) < 4  # "a few points at most in any frame"
        assert lost("flatten", size) > max(lost("max", size), 4)
        assert lost("average", size) < 2.5 or size == 40  # "a point or two"
    assert lost("average", 40) > 10
    wide = [lost("flatten", size) for size in global_pooling.SIZES]
    assert min(wide[0], wide[-1]) > max(wide[1:-1])


def test_other_trainings_and_probes_are_refused():
    with pytest.raises(ValueError, match="trained"):
        global_pooling.centred("asleep", "max")
    with pytest.raises(ValueError, match="trained"):
        global_pooling.probed("full", "max")


# --- GoogLeNet --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole():
    with torch.device("meta"):
        return account(build("paper", aux_heads=False))


@pytest.fixture(scope="module")
def costs(whole) -> pd.DataFrame:
    """Parameters and multiply-adds by rows of the table, as the chapter names them."""
    table = whole.stages[whole.stages["parameters"] > 0][["parameters", "macs"]]
    short = {"conv1": "c1", "conv2": "c2", "conv3": "c2"}
    table.index = [short.get(name, name).removeprefix("inception") for name in table.index]
    return table.groupby(level=0, sort=False).sum()


def test_which_rows_of_the_table_agree(costs):
    audited = googlenet.audit(costs["macs"])
    assert {what: list(rows.index) for what, rows in audited.groupby("what agrees")} == {
        "filters, params, ops": ["c2", "3a", "3b", "4b", "fc"],
        "params, ops": ["c1", "5a"],
        "filters, ops": ["4c", "4d", "4e", "5b"],
        "filters, ops; params, ops": ["4a"],
    }
    assert audited.loc["c1", "printed params"] == "2.7K"
    assert audited.loc["4c", "printed K give, M"] == pytest.approx(463 * 1024 * 14 * 14 / 1e6)
    assert audited.loc["3a", "filters give, K"] == costs["macs"]["3a"] / 28**2 / 1024
    with pytest.raises(ValueError, match="argument"):
        googlenet.audit(costs["macs"][:-1])


def test_printed_numbers_are_read_with_their_last_digit():
    assert googlenet.printed("2.7K") == (2.7, pytest.approx(0.1))
    assert googlenet.printed("1072K") == (1072, 1)
    assert googlenet.printed_total("ops") == sum(float(r.ops[:-1]) for r in TABLE_1 if r.ops)
    assert 6.7e6 < 1024 * googlenet.printed_total("params") < 7e6  # "adds up to nearly 7"
    with pytest.raises(ValueError, match="column"):
        googlenet.printed_total("depth")


def test_the_stem_is_dear_to_run_and_the_end_to_store(costs, whole):
    share = 100 * costs / costs.sum()
    assert share["macs"].idxmax() == "c2"
    assert share["parameters"].idxmax() == "5b"
    stem = share.loc[["c1", "c2"]].sum()
    assert stem["macs"] > 25
    assert stem["parameters"] < 3
    assert whole.stages["rf_max"]["inception4a"] < 224


def test_a_separable_stem_would_explain_the_first_row_and_3x3_kernels_save_as_much(whole):
    separable = nn.Sequential(
        nn.Conv2d(3, 24, 7, stride=2, padding=3, groups=3, bias=False),
        nn.Conv2d(24, 64, 1, bias=False),
    )
    cheap = account(separable)
    assert cheap.parameters == 2712
    assert f"{cheap.parameters / 1000:.1f}K" == "2.7K" != f"{cheap.parameters / 1024:.1f}K"
    with torch.device("meta"):
        changed = account(build("paper", aux_heads=False, kernel5x5=3))
    saved = whole.macs - changed.macs
    assert abs(saved - (whole.stages["macs"]["conv1"] - cheap.macs)) < 1e6


def test_time_follows_neither_multiply_adds_nor_parameters(costs):
    share = costs["macs"] / costs["macs"].sum()
    shares = googlenet.time_shares(row=lambda n: "free" if "norm" in n or "pool" in n else n)
    assert shares["free"].low > 0.2  # pools and LRN, which count as nothing
    assert shares["conv2"].high + shares["conv3"].high < share["c2"] / 2
    assert sum(estimate.mean for estimate in shares.values()) == pytest.approx(1, abs=1e-3)
    with pytest.raises(ValueError, match="variant"):
        googlenet.time_shares("seed")


def test_dropout_and_the_heads_pool_change_no_price():
    def price(**change):
        with torch.device("meta"):
            counted = account(build(**change))
        reach = counted.stages["rf_max"]["inception5b"]
        return counted.parameters, counted.unused, counted.macs, reach

    usual = price()
    assert price(dropout=0.2) == price(aux_pool="adaptive") == usual
    assert 1.85 < (usual[0] + usual[1]) / usual[0] < 2  # the heads nearly double what is stored


# --- Auxiliary classifiers --------------------------------------------------------------------


def test_the_start_decides_what_the_first_layer_hears():
    aux = auxiliary_classifiers
    ways = {start: aux.ways_back(f"paper, plain, {start}") for start in aux.STARTS}
    assert all(way.low > 1 and way.high < 100 for way in ways.values())  # "nothing vanishes"
    assert 8 < ways["old Caffe"].low <= ways["old Caffe"].high < 14  # "about a tenth"
    assert aux.way_back("paper, BatchNorm, He") < 0.5
    faint = aux.at_start("paper, plain, small normal").mean()
    assert faint["main"] < 1e-9
    assert faint["joint"] < 1e-5  # "still next to nothing"


def test_heads_lift_what_is_faint_and_little_else():
    aux = auxiliary_classifiers
    assert 0.99 < aux.lift("paper, plain, old Caffe").mean() < 1.01  # "add nothing"
    assert 1 < aux.lift("paper, plain, He").mean() < 2 < aux.lift("paper, plain, Caffe").mean() < 3
    for start in aux.STARTS:
        assert aux.lift(f"paper, BatchNorm, {start}").min() > 0.9
        assert aux.lift(f"paper, BatchNorm, {start}").max() < 1.5
    for network in ("paper", "small"):
        assert aux.lift(f"{network}, plain, small normal").mean() > 1_000
    with pytest.raises(ValueError, match="setting"):
        aux.at_start("paper, plain, Xavier")


def test_from_a_small_start_the_signal_vanishes_on_its_way_out_too():
    def begun() -> nn.Module:
        network = build("paper", aux_heads=False)
        auxiliary_classifiers.begin(network, "small normal", seed=0)
        return network.train()

    network, passed = fresh(begun, seed=0), []

    def keep(stage, inputs, output):
        output.retain_grad()
        passed.append((inputs[0].norm().item(), output))

    for name in ("conv1", "inception3a", "inception4d", "inception5b"):
        getattr(network, name).register_forward_hook(keep)
    images, labels = auxiliary_classifiers.photograph_batch()
    F.cross_entropy(network(images), labels).backward()
    signals = [signal for signal, _ in passed]
    errors = [output.grad.norm().item() for _, output in passed]
    assert sorted(signals, reverse=True) == signals
    assert signals[0] > 1e6 * signals[-1]
    assert sorted(errors) == errors
    assert errors[-1] > 1e6 * errors[0]


def test_heads_on_few_images_help_a_little_or_not_at_all():
    few, rows = heads_on_few_images, results("aux_few")
    assert (rows["learned_accuracy"] == 1).mean() > 0.9  # learning is no difference
    assert rows.loc[rows["setting"] == few.NONE, "learned_accuracy"].min() > 0.99
    for arm in (few.BOTH, few.LOWER):
        assert -0.5 < few.gained(arm, few.NONE).low < 0 < few.gained(arm, few.NONE).mean < 2.5
    for arm, against in (
        (few.UPPER, few.NONE),
        (few.DROPOUT, few.BOTH),
        (few.NORMALISED, few.BOTH),
    ):
        assert holds_zero(few.gained(arm, against))


def test_one_rate_for_all_would_have_favoured_the_heads():
    few = heads_on_few_images
    tried, best = few.tried(), few.chosen_rates()
    assert best[few.NONE] == best[few.BOTH] / 2
    assert tried.loc[few.BOTH, 0.05] - tried.loc[few.NONE, 0.05] > 0.03
    assert tried.loc[few.BOTH].max() < tried.loc[few.NONE].max() + 0.01
    at_chance = results("aux_few_rates").groupby("peak_rate")["held_out_accuracy"].min() < 0.2
    assert at_chance[at_chance].index.min() == 0.05  # "from 0.05 on"


def test_the_trainings_are_as_the_chapter_describes_them():
    training = results("aux_training")
    assert training["step"].max() == 150
    assert training["images"].max() < len(fashion_mnist("train"))  # no image twice


def test_the_second_head_begins_about_as_loud_and_falls_behind():
    begin, end = (auxiliary_classifiers.led("BatchNorm, He", moment) for moment in (0, -1))
    assert begin.low > 1.5 * end.high
    assert begin.low > 0.5
    assert begin.high < 2


def test_without_heads_the_small_start_ends_in_exact_zeros_and_decay():
    rows = results("aux_training")
    rows = rows[rows["setting"] == "plain, small normal, no heads"]
    first, last = (rows[rows["step"] == step] for step in (0, rows["step"].max()))
    assert (last.filter(like="joint_inception") == 0).all().all()
    assert last["weights_conv1"].mean() < first["weights_conv1"].mean()


# --- Training ---------------------------------------------------------------------------------


def test_augmentation_alone_is_better_left_out_and_normalisation_is_worth_most():
    found = training.worths()
    assert found["w_augmentation"].low > 0
    others = [v for key, v in found.items() if key != "w_augmentation"]
    assert all(points.mean < 0 for points in others)
    assert min(found, key=lambda key: found[key].mean) == "w_batchnorm"
    assert found["w_batchnorm_own"].high < found["w_smoothing"].low
    assert found["w_schedule"].high < 0
    assert holds_zero(found["w_schedule_own"])
    assert -1 < found["w_smoothing"].low < found["w_smoothing"].high < 0
    rows = results("recipe").set_index("setting")["test_accuracy"]
    assert set(rows["without BatchNorm"]) == {0.1}  # guessing
    assert rows["without schedule, own rate"].max() < rows[training.FULL].min()  # "all runs"
    full = training.seen_in_training(training.FULL)
    plain = training.seen_in_training("without augmentation")
    assert full < plain < rows["without augmentation"].mean() + 0.04  # little overfitted


def test_held_out_images_chose_a_constant_rate_far_below_the_peak_of_one_cycle():
    chosen = training.rates_chosen()
    assert chosen["without schedule"] == 0.1
    assert chosen[training.FULL] == 8 * chosen["without schedule"]
    told = training.told_of_rates()
    tried = 100 * results("recipe_rates").set_index("setting")["test_accuracy"]
    assert told["at_chosen"] == tried["full recipe, rate 0.8"]
    assert told["at_shared"] == tried["full recipe, rate 0.1"]
    assert told["by_norm_alone"] > told["by_rate"] > 3


def test_the_rivals_are_no_worse_and_quicker():
    rows = results("checkpoints")
    means = rows.groupby("setting")[["test_accuracy", "train_cpu_seconds"]].mean()
    inception = means.loc["mini-googlenet"]
    for rival in ("plain-network", "small-resnet"):
        assert means.loc[rival, "test_accuracy"] >= inception["test_accuracy"]
        assert 1.7 < inception["train_cpu_seconds"] / means.loc[rival, "train_cpu_seconds"] < 2.3
    assert rows["test_accuracy"].groupby(rows["setting"]).mean()[means.index[1:]].max() < 0.94


def test_the_record_stands():
    rows = results("record")
    assert sorted(rows["seed"]) == [0, 1, 2]
    assert 100 * rows["test_accuracy"].mean() >= record.MARK
    assert (rows["mirrored"] > rows["test_accuracy"]).all()
    assert rows["parameters"].max() <= record.MOST_PARAMETERS
    minutes = results("record_minutes").query("setting == 'two cores'")["minutes"]
    assert minutes.max() <= record.MOST_MINUTES
    for row in rows.itertuples():
        assert right_of(row.right, row.tested).sum() == row.correct
    rivals = results("checkpoints").query("setting == 'plain-network'")
    assert (rows["images"].mean() > rivals["images"]).all()
    ships = results("checkpoints").query("setting == 'mini-googlenet'")
    assert 1.5 < rows["macs"].mean() / ships["macs"].mean() < 1.75  # two thirds more
    assert rows["test_accuracy"].min() > ships["test_accuracy"].max()


def test_each_step_to_the_record_is_one_change():
    rows = results("record_steps")
    steps = list(record.STEPS.plan())
    gained = [points(rows, after, before) for before, after in pairwise(steps)]
    assert [holds_zero(step) for step in gained] == [True, False, True]
    assert gained[1].mean > 0
    spent = rows.groupby("setting")["train_cpu_seconds"].mean()
    assert spent[steps[1]] < 0.8 * spent[steps[0]]
    assert rows["images"].nunique() == 1
    assert set(rows["tested"]) == {10_000}


def test_early_pools_buy_images_and_nothing_else():
    rows = results("pools")
    late, same, thrice = training.POOLS.plan()
    assert holds_zero(points(rows, same, late))
    assert points(rows, thrice, late).low > 0
    assert rows["parameters"].nunique() == 1
    spent = rows.groupby("setting")["train_cpu_seconds"].mean() / rows["train_cpu_seconds"].max()
    assert spent[same] < 0.5 * spent[late]
    assert spent[thrice] < spent[late]


def test_where_the_time_of_a_step_goes():
    assert step_times.slower("as they train").low > 2
    assert step_times.slower("float32").low > 1.5
    assert step_times.slower("float32, channels first").low > 1.5
    spent = pd.DataFrame(step_times.spent("as they train"))
    more = spent["mini-googlenet"] - spent["plain-network"]
    assert more["convolution"] < more.sum() / 3  # "only"
    lean = spent[step_times.LEAN].sum() / spent["mini-googlenet"].sum()
    assert lean < 0.75
    assert spent["mini-googlenet"]["convolution"] > 2 * spent["plain-network"]["convolution"]
    assert more["pool"] > 10 * more["concatenation"]
    system = step_times.times("as they train", "system")
    assert system["mini-googlenet"].high < 0.1
    rows = results("step_times").groupby("timed")[["macs", "convolutions"]].first()
    assert rows["macs"]["mini-googlenet"] < rows["macs"]["plain-network"]
    assert rows["convolutions"].to_dict() == {
        "mini-googlenet": 49, step_times.LEAN: 33, "plain-network": 6, "small-resnet": 15,
    }  # fmt: skip


def test_several_views_are_worth_a_little():
    rows = results("views")
    for name in training.NETWORKS:
        own = rows[rows["setting"] == name].set_index("views")
        assert own["count"].to_dict() == {look: len(v) for look, v in training.VIEWS.items()}
        for look in training.VIEWS:
            gain = training.gained_by(look, name)
            expected = 100 * (own["accuracy"][look] - own["accuracy"]["one view"])
            assert gain.mean == pytest.approx(expected, abs=1e-9)
            assert look == "one view" or 0 < gain.mean < 1
        assert own["accuracy"].idxmax() == "moved, and all mirrored"
    ten = rows[rows["views"] == "moved, and all mirrored"]
    assert (ten["accuracy"] > 0.94).sum() == 2


# --- Looking inside ---------------------------------------------------------------------------


def test_the_widest_branch_costs_most_in_front_and_the_pool_at_the_end():
    rows = looking_inside.losses()
    lost = rows.groupby(["group", "branch"]).mean(numeric_only=True)
    for group in ("3a", "3b", "4a"):
        assert lost.loc[group, "means"].idxmax() == "3x3"
        assert lost.loc[group, "channels"].idxmax() == "3x3"
    assert lost.loc[("3a", "3x3"), "random"] > 0.8 * lost.loc[("3a", "3x3"), "means"]
    assert lost.loc["4b", "means"].idxmax() == "pool"
    beyond = (rows["means"] - rows["random"]).groupby([rows["group"], rows["branch"]])
    for group in ("3b", "4a"):  # more than its width in the mean, but not in each network
        own = beyond.get_group((group, "3x3"))
        assert own.mean() > 0
        assert (own < 0).sum() == looking_inside.told_of_losses()["draw_worse"]
    for group in ("4a", "4b"):
        assert (beyond.get_group((group, "pool")) > 0).all()
        assert lost.loc[(group, "pool"), "random"] < 0.3 * lost.loc[(group, "pool"), "means"]
    every = lost.loc["all modules"]
    assert every.loc["1x1", "zeros"] > every.loc["1x1", "means"] + 5
    told = looking_inside.told_of_losses()
    assert told["first_high"] > told["first_low"] + 20
    of_classes = looking_inside.told_of_classes()
    assert of_classes["class_gain"] > 10
    assert of_classes["class_high"] > 40
    assert of_classes["shirts_right"] > 95
    assert of_classes["else_right"] < 5
    by_class = looking_inside.by_class().groupby(["branch", "class"])["lost"].mean()
    assert (by_class.unstack()["Shirt"] < 0).sum() >= 2


def test_untrained_branches_pass_as_well_and_trained_ones_do_not_agree():
    trained, untrained = (
        looking_inside.shuffled_labels(setting) for setting in ("as built", "as built, untrained")
    )
    assert (untrained["holm"] < 0.05).sum() >= (trained["holm"] < 0.05).sum()
    assert (trained["holm"] < 0.05).sum() <= 2
    colour = trained.set_index(["stage", "property"]).loc[("inception3a", "colour")]
    assert colour["in"] < colour["seeds"]
    # What was found in GoogLeNet, scaled to eight channels, would most likely have been missed.
    found = {kind: looking_inside.found_if(kind, level=0.05 / 16)[1] for kind in (2, 3, 8)}
    assert found[2] < found[3] < 0.3 < 0.99 < found[8]
    ranks = looking_inside.mean_ranks("as built")
    assert ranks.groupby(["stage", "property", "branch"])["rank"].mean().max() < 0.8


# --- Compare networks -------------------------------------------------------------------------


def test_prices_and_accuracies_of_published_networks_are_as_the_chapter_tells():
    table = compare_networks.published()
    recipes = table["recipe"]
    assert list(recipes[recipes == "new"].index) == [
        "ResNet-50, new", "MobileNetV3, new", "ConvNeXt-Tiny",
    ]  # fmt: skip
    assert table["size"].nunique() == 1
    vgg = table.loc["VGG16"]
    beat = table[table["top1"] > vgg["top1"]]
    assert (
        (beat[["parameters", "macs"]] < vgg[["parameters", "macs"]].astype(float)).all(axis=1).any()
    )
    assert table.loc["AlexNet", "parameters"] > 5 * table.loc["GoogLeNet", "parameters"]
    assert compare_networks.costs_less("AlexNet", "GoogLeNet") == ["macs"]
    points = 100 * (table.loc["ResNet-50, new", "top1"] - table.loc["ResNet-50", "top1"])
    assert 4 < points < 100 * (table.loc["ResNet-50", "top1"] - table.loc["GoogLeNet", "top1"])


def test_time_does_not_follow_multiply_adds():
    table = compare_networks.published().set_index("model")
    macs = table["macs"][~table.index.duplicated()] / table["macs"]["googlenet"]
    for layout in ("channels first", "channels last"):
        found = compare_networks.times(layout)
        mobile, vgg = found["mobilenet_v3_large"], found["vgg16"]
        assert 1.5 * macs["mobilenet_v3_large"] < mobile.low < mobile.high < 0.9
        assert 1 < vgg.low < vgg.high < 0.9 * macs["vgg16"]
    assert compare_networks.layout_gain()["googlenet"].low > 1.2
    rows = results("compare_times")
    assert rows.groupby("setting")["seed"].nunique().nunique() == 1


def test_the_best_training_is_of_the_network_with_the_lowest_mean():
    trained = compare_networks.trainings()
    assert trained.stack().idxmax()[0] == trained.mean(axis=1).idxmin() == "mini-googlenet"
    own = trained.loc["mini-googlenet"]
    assert own.max() - own.min() > trained.mean(axis=1).max() - trained.mean(axis=1).min()


def test_no_two_networks_are_told_apart_and_all_three_beat_each():
    pairs = compare_networks.pairs()
    assert (pairs["holm"] > 0.05).all()
    assert all(holds_zero(lead) for lead in pairs["lead"])
    together = compare_networks.beside_together()
    assert (together["holm"] < 0.05).all()
    assert all(lead.low > 0 for lead in together["lead"])
    right = compare_networks.named_right()
    assert all(0.93 < right[name].double().mean() < 0.94 for name in together.index)
    told = compare_networks.told_of_answers()
    assert 300 < told["apart"].low <= told["apart"].high < 600
    assert told["same_mistake"] > 0.8 * told["all_wrong"] > 0.5 * told["mistakes"].low


def test_under_disturbances_they_part_and_none_keeps_most_under_all():
    told = compare_networks.told_of_disturbed()
    assert told["clean_gap"] < 0.5
    panels = compare_networks.panels()
    gaps = {kind: (t.max(axis=1) - t.min(axis=1)).iloc[1:] for kind, t in panels.items()}
    assert max(gaps, key=lambda kind: gaps[kind].max()) == "contrast"
    assert gaps["contrast"].idxmax() == 0.5
    assert told["gap"] == pytest.approx(100 * gaps["contrast"].max())
    hard = compare_networks.pairs_disturbed().sort_index()

    def leads(setting: str, best: str) -> bool:
        """Whether a network is ahead of both others by more than luck."""
        own = hard.loc[setting].reset_index()
        own = own[(own["first"] == best) | (own["second"] == best)]
        ahead = [(row.lead.mean > 0) == (row.first == best) for row in own.itertuples()]
        return all(ahead) and (own["holm"] < 0.05).all()

    for setting in ("contrast 0.75", "contrast 0.5", "contrast 0.25", "contrast 0.1"):
        assert leads(setting, "mini-googlenet")
    for setting in ("blur 1.5", "blur 2"):
        assert leads(setting, "mini-googlenet")
    assert leads("noise 0.1", "plain-network")
    assert 10 < told["guessing"].low < told["guessing"].high < 15
    for kind, strengths in compare_networks.STRENGTHS.items():
        parted = [(hard.loc[f"{kind} {s:g}", "holm"] < 0.05).any() for s in strengths]
        assert any(parted) == (kind != "shift")


def test_too_modest_on_clean_images_and_too_sure_of_bad_ones():
    rows = compare_networks.disturbed().set_index(["kind", "strength", "network"])
    over = 100 * (rows["sure"] - rows["accuracy"]).unstack("network")
    clean = over.loc[compare_networks.UNDISTURBED]
    assert (clean < -5).all(axis=None)
    assert (over.loc["shift"] < -5).all(axis=None)
    hard = over.loc[[("noise", 0.3), ("blur", 2.0), ("contrast", 0.1)]]
    assert (hard > 5).all(axis=None)
    assert (hard.idxmax(axis=1) == "small-resnet").all()
    assert (hard["small-resnet"] >= 30).all()
    assert clean.max(axis=1).item() - clean.min(axis=1).item() < 1
    beaten = compare_networks.beaten_by("GoogLeNet")
    assert [price for price, over in beaten.items() if not over] == ["activation_bytes"]
