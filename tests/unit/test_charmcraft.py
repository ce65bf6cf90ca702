"""charmcraft.yaml says what metadata.yaml, config.yaml and actions.yaml say."""

import charmcraft
import yaml


def test_charmcraft_yaml_is_what_the_others_say():
    assert charmcraft.TARGET.read_text() == charmcraft.text(), "run `make format`"


def test_it_reads_back_as_it_was_meant():
    assert yaml.safe_load(charmcraft.text()) == charmcraft.project()
