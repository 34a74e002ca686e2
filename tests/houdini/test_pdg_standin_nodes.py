"""Built-in TOPs of the stand-in: what they make of their parameters, defaults included."""

from __future__ import annotations

import pytest

TWO = "for i in range(2):\n    item_holder.addWorkItem(index=i).setStringAttrib('name', 'n%d' % i)"


def values(items, name):
    return [item.attribValue(name) for item in items]


def test_generic_generator_makes_as_many_items_as_asked_and_evaluates_for_each(network):
    run = network.shell("/bin/echo `@pdg_index`", itemcount=3, useindex=1, index=7)
    assert [item.command for item in network.cook(run, generate_only=True)] == ["/bin/echo 7"] * 3
    plain = network.shell("/bin/echo `@pdg_index`", itemcount=2, name="plain")
    assert [item.command for item in network.cook(plain, generate_only=True)] == ["/bin/echo 0", "/bin/echo 1"]


def test_generic_generator_without_command_does_nothing_and_succeeds(network):
    (item,) = network.cook(network.shell(""))
    assert (item.state.name, item.command, item.hasCommand) == ("CookedSuccess", "", False)


def test_generic_generator_in_sequence(network):
    code = "/bin/sh -c 'sleep 0.$((4-`@pdg_index`)); echo `@pdg_index` >> %s/order'" % network.folder
    network.cook(network.shell(code, itemcount=3, sequential=1))
    assert (network.folder / "order").read_text().split() == ["0", "1", "2"]


def test_generic_generator_expects_what_an_attribute_names(network):
    body = "item = item_holder.addWorkItem(index=0)\nitem.setStringAttrib('files', ['/a.json', '/b.png'])"
    run = network.shell("/bin/true", network.processor(body), expectedoutputsfrom=1, expectedoutputattr="files")
    (item,) = network.cook(run, generate_only=True)
    assert [(file.path, file.tag) for file in item.expectedOutputFiles] == [
        ("/a.json", "file/json"),
        ("/b.png", "file/image"),
    ]
    run.set(useexpectedoutputtag=1, expectedoutputtag="file/result", expectedoutputattr="nothing")
    network.context.dirty(run)
    network.cook(run, generate_only=True)
    assert "nothing" in network.errors(run)


def test_generic_generator_copies_inputs_only_when_asked(network):
    above = network.processor("item_holder.addWorkItem(index=0).addOutputFile('/a.png', 'file/image')")
    for copies in (0, 1):
        run = network.shell("/bin/true", above, copyinputs=copies, name="run%d" % copies)
        (item,) = network.cook(run)
        assert [file.path for file in item.inputFiles] == ["/a.png"]
        assert [file.path for file in item.outputFiles] == ["/a.png"] * copies


@pytest.mark.parametrize("name", ["platformcommand", "flattenindices"])
def test_generic_generator_refuses_what_is_not_known(network, name):
    run = network.shell("/bin/true", **{name: 1})
    network.cook(run)
    assert name in network.errors(run)


def edit(network, *sources, name="edit", **settings):
    return network.add("environmentedit", *sources, name=name, environment=1, varname1="CUDA_HOME", **settings)


def test_environment_edit_makes_a_float_unless_told_otherwise(network):
    above = network.processor("item_holder.addWorkItem(index=0)")
    (item,) = network.cook(edit(network, above, strvarvalue1="/opt/cuda"))
    assert item.environment == {"CUDA_HOME": 0.0}
    (item,) = network.cook(edit(network, above, strvarvalue1="/opt/cuda", vartype1=2, name="text"))
    assert item.environment == {"CUDA_HOME": "/opt/cuda"}


def test_environment_edit_meets_an_attribute_of_another_type(network):
    above = network.processor("item_holder.addWorkItem(index=0).setIntAttrib('CUDA_HOME', 3)")
    error = edit(network, above, vartype1=2, strvarvalue1="/opt/cuda")
    assert network.cook(error) == []
    assert "CUDA_HOME is Int, not String" in network.errors(error)
    warn = edit(network, above, vartype1=2, strvarvalue1="/opt/cuda", varconflict1=3, name="warn")
    assert network.cook(warn)[0].attribValue("CUDA_HOME") == 3
    assert "CUDA_HOME" in network.context.messages(warn)[1][0]
    keep = edit(network, above, vartype1=1, intvarvalue1=4, varconflict1=1, name="keep")
    assert (network.cook(keep)[0].attribValue("CUDA_HOME"), network.items(keep)[0].environment) == (3, {})
    update = edit(network, above, vartype1=1, intvarvalue1=4, varconflict1=2, name="update")
    assert network.cook(update)[0].environment == {"CUDA_HOME": 4}
    replace = edit(network, above, vartype1=2, strvarvalue1="/opt/cuda", varconflict1=0, name="replace")
    assert network.cook(replace)[0].environment == {"CUDA_HOME": "/opt/cuda"}


def test_environment_edit_resets_what_was_exported_above_and_nothing_else(network):
    above = network.processor("item_holder.addWorkItem(index=0).setIntAttrib('stays', 1)")
    first = edit(network, above, vartype1=2, strvarvalue1="/opt/cuda", name="first")
    second = network.add("environmentedit", first, reset=1)
    (item,) = network.cook(second)
    assert (item.environment, item.attribValue("stays"), item.attrib("CUDA_HOME")) == ({}, 1, None)
    assert network.items(first)[0].environment == {"CUDA_HOME": "/opt/cuda"}


def test_attribute_create(network):
    create = network.add("attributecreate", stringattribs=1, intattribs=1, floatattribs=1, dictattribs=1)
    create.set(stringname1="env", stringvalue1="/conda", intname1="count", intvalue11=3)
    create.set(floatname1="rate", floatvalue11=0.5, dictname1="options", dictvalue1='{"a": 1}')
    (item,) = network.cook(create)
    assert item.stringAttribValue("env") == "/conda"
    assert (item.intAttribValue("count"), item.floatAttribValue("rate")) == (3, 0.5)
    assert item.dictAttribValue("options") == {"a": 1}
    again = network.add("attributecreate", create, name="again", stringattribs=1, stringname1="count")
    again.set(stringvalue1="`@env`/bin")
    assert network.cook(again)[0].stringAttribValue("count") == "/conda/bin"
    again.set(stringconflict1=3)
    network.context.dirty(again)
    assert network.cook(again) == []
    assert "count is Int, not String" in network.errors(again)


def test_attribute_create_keeps_outputs_unless_it_adds_some(network):
    above = network.processor("item_holder.addWorkItem(index=0).addOutputFile('/a.png')")
    plain = network.add("attributecreate", above, name="plain")
    assert [file.path for file in network.cook(plain)[0].outputFiles] == ["/a.png"]
    adds = network.add(
        "attributecreate", above, name="adds", resultdata=1, resultvalue1="/b.obj", resulttag1="file/geo"
    )
    assert [(file.path, file.tag) for file in network.cook(adds)[0].outputFiles] == [("/b.obj", "file/geo")]


def test_wedge_by_range_value_and_list(network):
    wedge = network.add("wedge", wedgecount=3, wedgeattributes=4)
    wedge.set(name1="rate", type1=0, floatrange11=0.0, floatrange12=1.0)
    wedge.set(name2="grid", type2=2, wedgetype2=2, values2=2, intvalue2_1=32, intvalue2_2=64)
    wedge.set(name3="seed", type3=2, wedgetype3=1, intvalue3=5)
    wedge.set(name4="mode", type4=4, wedgetype4=2, values4=3, strvalue4_1="a", strvalue4_2="b", strvalue4_3="c")
    items = network.cook(wedge)
    assert values(items, "rate") == [0.0, 0.5, 1.0]
    assert values(items, "grid") == [32, 64, 32]
    assert values(items, "seed") == [5, 5, 5]
    assert values(items, "mode") == ["a", "b", "c"]
    assert values(items, "wedgeindex") == values(items, "wedgenum") == [0, 1, 2]
    assert values(items, "wedgecount") == values(items, "wedgetotal") == [3, 3, 3]
    assert items[0].stringAttribArray("wedgeattribs") == ["rate", "grid", "seed", "mode"]
    assert items[0].environment == {}


def test_nested_wedges_multiply_and_keep_the_values_above(network):
    first = network.add("wedge", name="first", wedgecount=2, wedgeattributes=1, exportenvironment=1)
    first.set(name1="rate", type1=0, wedgetype1=2, values1=2, floatvalue1_1=0.1, floatvalue1_2=0.2)
    second = network.add("wedge", first, name="second", wedgecount=2, wedgeattributes=1)
    second.set(name1="grid", type1=2, wedgetype1=2, values1=2, intvalue1_1=32, intvalue1_2=64)
    items = network.cook(second)
    assert list(zip(values(items, "rate"), values(items, "grid"))) == [(0.1, 32), (0.1, 64), (0.2, 32), (0.2, 64)]
    assert values(items, "wedgeindex") == [0, 1, 2, 3]
    assert values(items, "wedgenum") == [0, 1, 0, 1]
    assert items[3].environment == {"rate": 0.2}


def test_wedge_refuses_what_is_not_known(network):
    for settings in ({"type1": 5}, {"wedgetype1": 3}, {"random1": 1}, {"exportchannel1": 1}, {"type1": 4}):
        wedge = network.add("wedge", wedgeattributes=1, name1="x", name="w", **settings)
        network.cook(wedge)
        assert "Not documented" in network.errors(wedge), settings
        network.context.dirty(wedge)
    wedge = network.add(
        "wedge", name="ints", wedgecount=3, wedgeattributes=1, name1="x", type1=2, intrange11=0, intrange12=1
    )
    network.cook(wedge)
    assert "integer range" in network.errors(wedge)


def test_file_pattern(network):
    for name in ("b.json", "a.json", "c.txt"):
        (network.folder / name).touch()
    (network.folder / "folder.json").mkdir()
    files = network.add("filepattern", pattern="%s/*.json" % network.folder)
    items = network.cook(files)
    assert values(items, "filename") == ["a", "b"]
    assert values(items, "extension") == [".json", ".json"]
    assert items[0].attribValue("directory").path == str(network.folder)
    assert [(item.index, item.outputFiles[0].path[-6:], item.outputFiles[0].tag) for item in items] == [
        (0, "a.json", "file/json"),
        (1, "b.json", "file/json"),
    ]
    none = network.add("filepattern", pattern="%s/*.nothing" % network.folder, name="none")
    assert network.cook(none) == []
    assert network.errors(none) == ""
    none.set(nomatchbehavior=1)
    network.context.dirty(none)
    network.cook(none)
    assert "no file matches" in network.errors(none)


def test_merge_and_null_copy_items_with_their_outputs(network):
    one = network.processor(TWO, name="one")
    two = network.processor("item_holder.addWorkItem(index=5).addOutputFile('/a.png')", name="two")
    merge = network.add("merge", one, two)
    items = network.cook(network.add("null", merge))
    assert [item.index for item in items] == [0, 1, 5]
    assert [file.path for file in items[2].outputFiles] == ["/a.png"]
    assert items[1].stringAttribValue("name") == "n1"


def test_labels_by_expression(network):
    run = network.shell("/bin/true", network.processor(TWO), pdg_workitemlabel=2, pdg_workitemlabelexpr="item `@name`")
    assert [item.label for item in network.cook(run)] == ["item n0", "item n1"]
