"""The stand-in of pdg cooks as documented: when nodes generate, what items inherit, caches, partitions, events."""

from __future__ import annotations

import threading

import pytest

THREE = "for i in range(3):\n    item_holder.addWorkItem(index=i).setIntAttrib('n', i)"
COUNT = """
for up in upstream_items:
    item = item_holder.addWorkItem(parent=up)
    item.setIntAttrib("seen", len(upstream_items))
    item.setStringAttrib("type", generation_type.name)
"""
EACH, ALL_GENERATED, AUTOMATIC, ALL_COOKED = 0, 1, 2, 3


def write(network, *sources, name="run", **values):
    """Items that write `<name><n>.txt`, expected to."""
    command = "/bin/sh -c 'echo x >> \"%s/%s`@n`.txt\"'" % (network.folder, name)
    made = network.shell(command, *sources, name=name, expectedoutputsfrom=2, expectedoutputfiles=1, **values)
    return made.set(expectedoutputfile1="%s/%s`@n`.txt" % (network.folder, name))


def lines(network, name):
    path = network.folder / name
    return len(path.read_text().splitlines()) if path.exists() else 0


def test_static_nodes_generate_before_anything_cooks_and_see_all_items_at_once(network):
    run = network.shell("false", network.processor(THREE))
    after = network.processor(COUNT, run, name="after")
    network.cook(after)
    assert [item.intAttribValue("seen") for item in network.items(after)] == [3, 3, 3]
    assert network.items(after)[0].stringAttribValue("type") == "StaticGenerate"
    assert network.items(after)[0].isStatic
    assert network.states(run) == ["CookedFail"] * 3
    assert network.states(after) == ["Uncooked"] * 3


def test_dynamic_nodes_generate_once_for_each_item_that_cooked(network):
    command = "/bin/sh -c 'test `@n` != 1'"
    run = network.shell(command, network.processor(THREE))
    after = network.processor(COUNT, run, name="after", pdg_workitemgeneration=EACH)
    network.cook(after)
    assert [item.intAttribValue("seen") for item in network.items(after)] == [1, 1]
    assert network.items(after)[0].stringAttribValue("type") == "DynamicGenerate"
    assert not network.items(after)[0].isStatic
    assert sorted(item.index for item in network.items(after)) == [0, 2]


def test_a_single_upstream_item_is_the_default_parent_of_dynamic_items_only(network):
    items = network.processor(THREE)
    dynamic = network.processor("item_holder.addWorkItem()", items, pdg_workitemgeneration=EACH, name="dynamic")
    network.cook(dynamic)
    assert sorted(item.intAttribValue("n") for item in network.items(dynamic)) == [0, 1, 2]
    one = network.processor("item_holder.addWorkItem(index=0)", name="one")
    static = network.processor("item_holder.addWorkItem()", one, pdg_workitemgeneration=ALL_GENERATED, name="static")
    network.cook(static)
    assert "neither index nor parent" in network.errors(static)


def test_all_cooked_generates_once_after_the_items_above(network):
    run = network.shell("/bin/true", network.processor(THREE))
    after = network.processor(COUNT, run, name="after", pdg_workitemgeneration=ALL_COOKED)
    network.cook(after)
    assert [item.intAttribValue("seen") for item in network.items(after)] == [3, 3, 3]
    assert network.states(run) == ["CookedSuccess"] * 3


def test_automatic_follows_a_dynamic_input(network):
    first = network.processor(THREE)
    dynamic = network.processor(COUNT, first, name="dynamic", pdg_workitemgeneration=EACH)
    after = network.processor(COUNT, dynamic, name="after")
    network.cook(after)
    assert [item.intAttribValue("seen") for item in network.items(after)] == [1, 1, 1]


def test_generating_only_cooks_what_a_dynamic_node_needs_and_no_more(network):
    run = write(network, network.processor(THREE))
    network.cook(run, generate_only=True)
    assert network.states(run) == ["Uncooked"] * 3
    dynamic = write(network, run, name="late", pdg_workitemgeneration=EACH)
    network.cook(dynamic, generate_only=True)
    assert network.states(run) == ["CookedSuccess"] * 3
    assert network.states(dynamic) == ["Uncooked"] * 3


def test_callbacks_run_off_the_main_thread(network):
    body = "import threading\nitem_holder.addWorkItem(index=0).setStringAttrib('t', threading.current_thread().name)"
    name = network.cook(network.processor(body))[0].stringAttribValue("t")
    assert name != threading.main_thread().name


def test_a_callback_that_raises_is_an_error_of_the_node_and_the_cook_ends(network):
    node = network.processor("item_holder.addWorkItem(index=0)\nraise ValueError('no such preset')")
    after = network.shell("true", node)
    assert network.cook(after) == []
    assert "no such preset" in network.errors(node)
    node.set(generate="item_holder.addWorkItem(index=0)")
    network.cook(after)
    assert network.errors(node) == ""
    assert network.states(after) == ["CookedSuccess"]


def test_children_inherit_attributes_but_those_that_must_not_be_copied(network):
    first = network.processor(
        "item = item_holder.addWorkItem(index=5)\nitem.setIntAttrib('a', 1)\nitem.setIntAttrib('b', 2)\n"
        "item.setAttribFlag('b', pdg.attribFlag.NoCopy, True)\nitem.setFrame(7)"
    )
    body = """
item_holder.addWorkItem(parent=upstream_items[0])
item_holder.addWorkItem(parent=upstream_items[0], cloneMode=pdg.cloneMode.Never, index=6)
"""
    copied, bare = network.cook(network.processor(body, first, name="second"))
    assert (copied.attribNames(), copied.index, copied.frame) == (["a"], 5, 7.0)
    assert (bare.attribNames(), bare.index) == ([], 6)
    assert copied.parent == network.items(first)[0]


def test_an_item_without_command_succeeds_and_does_nothing(network):
    node = network.processor("item_holder.addWorkItem(index=0)", cooktask="work_item.setIntAttrib('cooked', 1)")
    item = network.cook(node)[0]
    assert item.state.name == "CookedSuccess"
    assert item.attrib("cooked") is None
    assert item.cookType.name == "Generate"


def test_an_in_process_item_runs_its_cook_task(network):
    body = "item_holder.addWorkItem(index=0, inProcess=True)"
    good = network.processor(body, cooktask="work_item.setIntAttrib('cooked', 1)")
    assert network.cook(good)[0].intAttribValue("cooked") == 1
    bad = network.processor(body, cooktask="raise RuntimeError('task broke')", name="bad")
    assert network.cook(bad)[0].state.name == "CookedFail"
    assert "task broke" in network.errors(bad)


def test_internal_dependencies_order_the_items_of_a_node(network):
    log = network.folder / "order"
    body = (
        "for i in range(3):\n    item_holder.addWorkItem(index=i).setCommand(\"/bin/sh -c 'echo %d >> %s'\" % (i, '"
        + str(log)
        + "'))"
    )
    chain = "for a, b in zip(internal_items, internal_items[1:]):\n    dependency_holder.addDependency(a, b)"
    node = network.processor(body, addinternaldependencies=chain)
    network.cook(node)
    assert log.read_text().split() == ["2", "1", "0"]


# caches


def test_expected_outputs_on_disk_are_a_cache_hit(network):
    run = write(network, network.processor(THREE))
    assert network.cook(run)[0].outputFiles[0].path.endswith("run0.txt")
    network.context.dirty(run)
    assert network.items(run) == []
    network.cook(run)
    assert network.states(run) == ["CookedCache"] * 3
    assert network.items(run)[1].outputFiles[0].path.endswith("run1.txt")
    assert lines(network, "run1.txt") == 1


def test_without_expected_outputs_an_item_always_cooks(network):
    run = network.shell(
        "/bin/sh -c 'echo x >> \"%s/log\"'" % network.folder, network.processor("item_holder.addWorkItem(index=0)")
    )
    for _ in range(2):
        network.cook(run)
        network.context.dirty(run)
    assert lines(network, "log") == 2


def test_one_missing_file_cooks_that_item_alone(network):
    run = write(network, network.processor(THREE))
    network.cook(run)
    (network.folder / "run1.txt").unlink()
    network.context.dirty(run)
    network.cook(run)
    assert network.states(run) == ["CookedCache", "CookedSuccess", "CookedCache"]


def test_always_write_cooks_and_always_read_fails_without_its_file(network):
    run = write(network, network.processor(THREE), pdg_cachemode=2)
    for _ in range(2):
        network.cook(run)
        network.context.dirty(run)
    assert lines(network, "run0.txt") == 2
    (network.folder / "run1.txt").unlink()
    run.set(pdg_cachemode=1)
    network.cook(run)
    assert network.states(run) == ["CookedCache", "CookedFail", "CookedCache"]
    assert "run1.txt" in network.errors(run)


def test_a_new_file_above_makes_caches_below_stale(network):
    run = write(network, network.processor(THREE))
    after = write(network, run, name="after")
    network.cook(after)
    (network.folder / "run0.txt").unlink()
    network.context.dirty(run)
    network.cook(after)
    assert network.states(run) == ["CookedSuccess", "CookedCache", "CookedCache"]
    assert network.states(after) == ["CookedSuccess", "CookedCache", "CookedCache"]


def test_an_expected_output_that_is_not_written_fails_the_item(network):
    run = network.shell("/bin/true", expectedoutputsfrom=2, expectedoutputfiles=1, expectedoutputfile1="/nowhere/a.txt")
    network.cook(run)
    assert network.states(run) == ["CookedFail"]
    assert "/nowhere/a.txt" in network.errors(run)
    network.scheduler.set(pdg_checkexpectedoutputs=0)
    network.cook(run)
    assert network.states(run) == ["CookedSuccess"]


def test_a_second_cook_repeats_failed_items_and_lost_outputs_only(network):
    run = write(network, network.processor(THREE))
    flaky = network.shell("/bin/sh -c 'test -e \"%s/ok\" -o `@n` != 2'" % network.folder, run, name="flaky")
    network.cook(flaky)
    assert network.states(flaky) == ["CookedSuccess", "CookedSuccess", "CookedFail"]
    (network.folder / "ok").touch()
    network.cook(flaky)
    assert network.states(flaky) == ["CookedSuccess"] * 3
    assert lines(network, "run2.txt") == 1
    (network.folder / "run2.txt").unlink()
    network.cook(flaky)
    assert lines(network, "run2.txt") == 1


def test_dirtying_removes_items_below_and_owned_files_if_asked(network):
    run = write(network, network.processor(THREE))
    after = network.add("null", run)
    network.cook(after)
    network.context.dirty(run, remove_outputs=True)
    assert network.items(after) == []
    assert list(network.folder.glob("run*.txt")) == []


def test_a_node_that_is_wired_anew_loses_its_items(network):
    one, two = network.processor(THREE), network.processor("item_holder.addWorkItem(index=9)", name="two")
    after = network.add("null", one)
    assert len(network.cook(after)) == 3
    after._sources = [two]
    assert [item.index for item in network.cook(after)] == [9]


def test_a_bypassed_node_lets_items_through(network):
    run = network.shell("false", network.processor(THREE))
    run.bypassed = True
    after = network.add("null", run)
    network.cook(after)
    assert network.states(after) == ["CookedSuccess"] * 3


def test_a_filter_cooks_the_items_it_names_with_what_they_need(network):
    run = write(network, network.processor(THREE))
    after = network.shell("/bin/true", run, name="after")
    network.cook(after, generate_only=True)
    network.context.filter.add(network.items(after)[1].id)
    network.context.filtering = True
    network.cook(after)
    assert network.states(after) == ["Uncooked", "CookedSuccess", "Uncooked"]
    assert network.states(run) == ["Uncooked", "CookedSuccess", "Uncooked"]
    network.context.filtering = False
    network.cook(after)
    assert network.states(after) == ["CookedSuccess"] * 3


# partitions


def test_wait_for_all_is_one_partition_with_all_outputs(network):
    run = write(network, network.processor(THREE))
    wait = network.add("waitforall", run)
    (partition,) = network.cook(wait)
    assert partition.isPartition
    assert [item.index for item in partition.partitionItems] == [0, 1, 2]
    assert [file.path[-8:] for file in partition.outputFiles] == ["run0.txt", "run1.txt", "run2.txt"]
    assert partition.intAttribValue("n") == 0
    wait.set(pdg_partitionmergeoutputs=1, pdg_partitionmergeoperation1=4)
    network.context.dirty(wait)
    (partition,) = network.cook(wait)
    assert len(partition.outputFiles) == 1
    assert partition.intAttribArray("n") == [0, 1, 2]


def test_a_partition_does_not_cook_after_a_failure_unless_it_ignores_failures(network):
    run = network.shell("/bin/sh -c 'test `@n` != 1'", network.processor(THREE))
    wait = network.add("waitforall", run)
    after = network.shell("/bin/true", wait, name="after")
    network.cook(after)
    assert network.states(wait) == ["Uncooked"]
    assert network.states(after) == ["Uncooked"]
    wait.set(pdg_partitionignorefailures=1)
    network.cook(after)
    assert network.states(wait) == ["CookedSuccess"]
    assert network.states(after) == ["CookedSuccess"]


def test_partitions_of_dynamic_items_wait_until_no_more_can_come(network):
    dynamic = network.processor(
        COUNT, network.shell("/bin/true", network.processor(THREE)), name="d", pdg_workitemgeneration=EACH
    )
    wait = network.add("waitforall", dynamic)
    (partition,) = network.cook(wait)
    assert sorted(item.index for item in partition.partitionItems) == [0, 1, 2]
    assert not partition.isStatic


def test_a_dynamic_partition_is_made_anew_when_an_item_comes_late(network):
    run = network.shell("/bin/sh -c 'test -e \"%s/ok\" -o `@n` != 1'" % network.folder, network.processor(THREE))
    dynamic = network.processor(COUNT, run, name="d", pdg_workitemgeneration=EACH)
    wait = network.add("waitforall", dynamic)
    assert len(network.cook(wait)[0].partitionItems) == 2
    (network.folder / "ok").touch()
    assert len(network.cook(wait)[0].partitionItems) == 3


def test_python_partitioner(network):
    body = "for item in work_items:\n    partition_holder.addItemToPartition(item, item.index % 2)"
    split = network.add("pythonpartitioner", network.processor(THREE), partition=body)
    found = network.cook(split)
    assert [[item.index for item in one.partitionItems] for one in found] == [[0, 2], [1]]
    bad = network.add("pythonpartitioner", network.processor(THREE), partition="partition_holder.add(1)", name="bad")
    network.cook(bad)
    assert "PartitionHolder.add" in network.errors(bad)


# events


def test_events_arrive_on_a_worker_thread_and_item_events_only_at_items(network, standin):
    pdg = standin.pdg
    seen, of_items, threads = [], [], set()
    run = write(network, network.processor("item_holder.addWorkItem(index=0).setIntAttrib('n', 0)"))
    context = network.context.public

    def on_add(event):
        threads.add(threading.current_thread())
        item = context.graph.workItemById(event.workItemId)
        types = [pdg.EventType.WorkItemStateChange, pdg.EventType.WorkItemOutputFiles]
        item.addEventHandler(lambda one: of_items.append((item.name, one.type.name, one.currentState.name)), types)

    handler = context.addEventHandler(on_add, pdg.EventType.WorkItemAdd)
    context.addEventHandler(lambda event: seen.append(event.type.name), pdg.EventType.All)
    with pytest.raises(NotImplementedError):
        context.addEventHandler(lambda one: None, pdg.EventType.All, pass_handler=True)
    network.cook(run)
    context.waitAllEvents()
    assert threading.main_thread() not in threads
    assert seen[0] == "CookStart"
    assert seen[-1] == "CookComplete"
    assert seen.count("WorkItemAdd") == 2
    assert seen.count("NodeCooked") == 2
    assert "WorkItemStateChange" not in seen
    run_events = [(kind, state) for name, kind, state in of_items if name.startswith("run")]
    assert ("WorkItemStateChange", "CookedSuccess") in run_events
    assert any(kind == "WorkItemOutputFiles" for kind, _ in run_events)
    context.removeEventHandler(handler)


def test_items_of_a_plain_generator_succeed_without_an_event(network, standin):
    items = network.processor("item_holder.addWorkItem(index=0)")
    run = network.shell("/bin/true", items)
    network.cook(run, generate_only=True)
    seen = []
    for node in (items, run):
        kind = standin.pdg.EventType.WorkItemStateChange
        network.items(node)[0].addEventHandler(lambda event: seen.append(event.node.name), kind)
    network.cook(run)
    assert network.states(items) == ["CookedSuccess"]
    assert set(seen) == {"run"}


def test_an_event_has_no_work_item(network, standin):
    problems = []

    def on_event(event):
        try:
            event.workItem  # noqa: B018
        except NotImplementedError as error:
            problems.append(str(error))

    network.context.public.addEventHandler(on_event, standin.pdg.EventType.CookComplete)
    network.cook(network.processor(THREE))
    assert "Event.workItem" in problems[0]
