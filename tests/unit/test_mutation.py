"""The sample and the figures of mutation testing."""

import mutation
import reference


def test_the_same_seed_takes_the_same_pure_modules():
    package = reference.ROOT / "lib/registry"
    taken = mutation.sample(package, 1, 5)
    assert taken == mutation.sample(package, 1, 5) != mutation.sample(package, 2, 5)
    assert len(set(taken)) == 5 and {module.split("/")[1] for module in taken} <= set(mutation.PACKAGES)
    assert "registry/client/content.py" not in mutation.sample(package, 1, 1000)


def test_what_no_test_reaches_has_survived_and_what_was_not_tried_does_not_count():
    counted = mutation.tally("registry/x.py", {"killed": 1, "slow": 36, "survived": 0, "untested": 33, "later": None})
    assert counted == ("registry/x.py", 2, ("survived", "untested"), 1)
    assert mutation.percent([counted, mutation.Tally("registry/y.py", 6, (), 0)]) == 80
    assert "noticed\n50.0 %; 85 % are the goal" in mutation.render([counted], 1, "abc")
